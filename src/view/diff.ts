import { createTwoFilesPatch } from 'diff';
import { paint } from './style.ts';

/** Lines of the unified diff of two texts, with two lines of context and without a header; none when they are the same. */
export function diffLines(before: string, after: string): string[] {
  if (before === after) return [];
  const end = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  return createTwoFilesPatch('before', 'after', end(before), end(after), '', '', { context: 2 })
    .split('\n')
    .slice(3)
    .filter((line) => line && !line.startsWith('\\'));
}

/** Unified diff of two texts, indented and in colours; empty when they are the same. */
export const unifiedDiff = (before: string, after: string): string =>
  diffLines(before, after)
    .map(
      (line) =>
        `      ${line.startsWith('+') ? paint.green(line) : line.startsWith('-') ? paint.red(line) : paint.dim(line)}`,
    )
    .join('\n');
