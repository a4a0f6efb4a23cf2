import type { Command } from 'commander';
import { ownFile } from '../../own-files.ts';
import { print } from '../../run/ask.ts';
import { offerFor } from './candidates.ts';

/** `hapg completion SHELL`: prints the script that makes a shell ask `hapg __complete`. */
export function completionCommand(shell: string): number {
  print(ownFile(`templates/completion/hapg.${shell}`).trimEnd());
  return 0;
}

/**
 * `hapg __complete WORD...`: prints what may stand at the cursor, a line each, with a tab before what it is. `:files` and
 * `:directories` mean those that the shell finds. It never reports an error, which would land in the line that is typed.
 */
export async function completeCommand(program: Command, words: readonly string[]): Promise<number> {
  const { candidates, shell } = await offerFor(program, words);
  const lines = [
    ...candidates.map(({ text, about }) => (about ? `${text}\t${about.replaceAll(/\s+/g, ' ')}` : text)),
    ...(shell ? [`:${shell}`] : []),
  ];
  if (lines.length > 0) print(lines.join('\n'));
  return 0;
}
