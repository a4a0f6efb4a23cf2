import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

/**
 * Marks of a test file that another one in the same process could notice. It changes the process (environment, directory,
 * signals or streams; reading is no change), replaces what others use, runs whole commands, starts programs of ours, or
 * imports a fixture that does. Or it waits for something before it begins its tests.
 */
const ALONE =
  /(?<!-)\bprocess\.(?!(?:pid|platform|execPath|getuid|cwd)\b|env\b(?:[^.[]|\.PATH\b(?! =)))|\bglobalThis\b|\bmock\b|\bownController\b|\bbundled\b|'\.\/store\.ts'|\/(?:in-process|command-in-terminal)\.ts'|^(?:const .*= )?await /m;

/** Whether a test file needs a process of its own, judged by its text. */
export const needsOwnProcess = (text: string): boolean => ALONE.test(text);

/**
 * Distributes the test files that may share a process over `count` programs that import them. Returns all programs, those
 * of one file first. Starting a process takes longer than the tests of most files.
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
  return [...alone, ...programs];
}
