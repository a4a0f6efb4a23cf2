import { writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { getAsset, getRawAsset } from 'node:sea';
import { Script } from 'node:vm';
import { makeDirectory } from './file-trouble.ts';
import { RUN_FILE } from './own-node.ts';

/**
 * Starts the program from the single executable (tools/release), which holds the files of the package beside Node. They
 * are read from memory: nothing is unpacked, so no directory can be full, shared, stale or forged.
 */
const own = process.execPath;

/** The word after which all files are written to a directory, for who wants the man pages, documents and licences. */
const UNPACK = '__unpack';

const bytes = (path: string): Buffer => Buffer.from(getRawAsset(path) as ArrayBuffer);

/** Writes all files of the package below a directory. */
function unpack(directory: string): void {
  for (const path of JSON.parse(getAsset('files.json', 'utf8')) as string[]) {
    const file = resolve(directory, path);
    makeDirectory(dirname(file));
    writeFileSync(file, bytes(path));
  }
}

/** Runs a file as `node FILE ARGS...` does. */
function runFile(): void {
  process.argv.splice(1, 2);
  createRequire(own)(process.argv[1]!);
}

/**
 * Loads a module of Node for the program, and no other: the executable must not load what lies near it. Node's own function
 * warns where ssh2 looks for its accelerators.
 */
function builtin(name: string): unknown {
  if (!isBuiltin(name))
    throw Object.assign(new Error(`${name} is not in the executable`), { code: 'MODULE_NOT_FOUND' });
  return createRequire(own)(name);
}

/** Runs the program from V8's code of its bundle (src/launch.ts). */
function runProgram(): void {
  const script = new Script(bytes('dist/program.cjs').toString('latin1'), {
    filename: join(own, 'dist/program.cjs'),
    cachedData: bytes('dist/program.code'),
  });
  script.runInThisContext()(builtin, own, dirname(own));
}

const [, , word, operand] = process.argv;
if (word === RUN_FILE && operand) runFile();
else if (word === UNPACK && operand) unpack(operand);
else runProgram();
