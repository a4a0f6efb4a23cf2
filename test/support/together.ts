import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/** What a file may do with the process that others cannot notice. */
const READING = String.raw`(?:pid|platform|execPath|getuid|cwd)\b|env\b(?:[^.[]|\.PATH\b(?! =))`;

/** Marks of a test file that another one in the same process could notice. */
const ALONE = [
  // It changes the process: environment, directory, signals, streams.
  new RegExp(String.raw`(?<!-)\bprocess\.(?!${READING})`),
  // It replaces what others use.
  /\bglobalThis\b|\bmock\b/,
  // It runs whole commands, starts programs of ours, or imports a fixture that does.
  /\bownController\b|\bprogramWords\b|'\.\/store\.ts'|\/(?:in-process|command-in-terminal)\.ts'/,
  // It waits for something before it begins its tests.
  /^(?:const .*= )?await /m,
];

/** Whether a test file needs a process of its own, judged by its text. */
export const needsOwnProcess = (text: string): boolean => ALONE.some((mark) => mark.test(text));

/**
 * Distributes the test files that may share a process over `count` programs that import them. Returns all programs, those
 * of several files first, because they take longest. Starting a process takes longer than the tests of most files.
 */
export function together(files: readonly string[], count: number): string[] {
  const alone = files.filter((file) => needsOwnProcess(readFileSync(file, 'utf8')));
  const shared = files.filter((file) => !alone.includes(file));
  // Named from the checkout, as the test files are.
  const directory = join('.test', `${process.pid}-together`);
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const programs = Array.from({ length: Math.min(count, shared.length) }, (_, index) => {
    const program = join(directory, `together-${index + 1}.ts`);
    const own = shared.filter((_file, place) => place % count === index);
    writeFileSync(program, own.map((file) => `import ${JSON.stringify(join(packageRoot, file))};\n`).join(''));
    return program;
  });
  return [...programs, ...alone];
}
