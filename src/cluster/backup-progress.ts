import { MEASURE_S } from '../bounds/copy.ts';
import { bounded, said, wholeOf } from '../observe/answer.ts';
import { parseRepository } from '../observe/repository.ts';
import { info } from '../programs/pgbackrest.ts';
import { progressBar } from '../units.ts';

/** POSIX sh that prints a backup's progress as pgBackRest reports it, or nothing when that takes too long. */
export const backupProgress = (stanza: string): string => bounded(MEASURE_S, info(stanza));

/** Returns the progress line of a backup: `full backup [###  ] 1.2 GiB of 4.8 GiB`; undefined when none is under way. */
export function backupProgressLine(name: string, answer: string, stanza: string): string | undefined {
  const progress = parseRepository(said(wholeOf(answer)) ?? '', stanza)?.progress;
  return progress && `${name} ${progressBar(progress.doneBytes, progress.totalBytes)}`;
}
