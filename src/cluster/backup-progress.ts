import { MEASURE_S } from '../bounds/copy.ts';
import { parseRepository } from '../observe/repository.ts';
import { pgbackrest } from '../programs/pgbackrest.ts';
import { progressBar } from '../units.ts';

/** POSIX sh that prints how far a backup is, as pgBackRest reports it, or nothing where that takes too long. */
export const backupProgress = (stanza: string): string =>
  `timeout ${MEASURE_S} ${pgbackrest(stanza, 'info', '--output=json')}`;

/** What a person is told of a backup: `full backup [###  ] 1.2 GiB of 4.8 GiB`; undefined where none is under way. */
export function tellBackup(name: string, answer: string, stanza: string): string | undefined {
  const progress = parseRepository(answer, stanza)?.progress;
  return progress && `${name} ${progressBar(progress.doneBytes, progress.totalBytes)}`;
}
