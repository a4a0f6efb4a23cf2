import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/**
 * Starts the program from its bundle. The build leaves V8's code of it beside it, without which compiling takes a fifth of
 * the processor time of a run that changes nothing. V8 refuses the code of another version of Node or of a processor with
 * other features, and then compiles the bundle.
 */
const own = fileURLToPath(import.meta.url);
const directory = dirname(own);
const bundle = join(directory, 'program.cjs');

/** V8's code of the bundle; undefined when the build has not left any. */
function compiled(): Buffer | undefined {
  try {
    return readFileSync(join(directory, 'program.code'));
  } catch {
    return undefined;
  }
}

// The bundle is ASCII (build.mjs), and reading it as Latin-1 saves decoding it.
const script = new Script(readFileSync(bundle, 'latin1'), { filename: bundle, cachedData: compiled() });
script.runInThisContext()(createRequire(own), own, directory);
