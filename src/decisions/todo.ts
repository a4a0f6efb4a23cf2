import type { Cluster } from '../inventory/model.ts';

/** What is known at the end of an apply about work that only a person can do. */
export interface Ending {
  /** Whether a new cluster was made. */
  isNew: boolean;
  failed: number;
  interrupted: boolean;
  /** Members whose settings waited for a restart at the beginning, and that were not restarted. */
  waiting: readonly string[];
  /** The file with the passphrase of the backups, where nobody has looked at it yet. */
  unseenPassphrase: string | undefined;
  /** The file of a secret store that is not encrypted. */
  openStore: string | undefined;
}

/** Returns what a person must still do after an apply, most urgent first; empty: nothing. Pure. */
export function todoAfterApply({ name }: Pick<Cluster, 'name'>, ending: Ending): string[] {
  const { isNew, failed, interrupted, waiting, unseenPassphrase, openStore } = ending;
  const one = (applies: boolean, text: string) => (applies ? [text] : []);
  return [
    ...one(failed > 0, `mend what failed, and run "hapg apply" again: ${name} is not as the inventory says`),
    ...one(interrupted && failed === 0, 'run "hapg apply" again, which goes on where it was interrupted'),
    ...one(
      waiting.length > 0,
      `settings of ${waiting.join(', ')} still wait for a restart of PostgreSQL: "hapg restart --pending"`,
    ),
    ...one(
      unseenPassphrase !== undefined,
      `backups are encrypted, and their passphrase is only in ${unseenPassphrase}: keep a copy elsewhere ("hapg secrets show")`,
    ),
    ...one(
      isNew && openStore !== undefined,
      `${openStore} holds all passwords and authorities, and is not encrypted: keep it safe, or name secrets.recipients`,
    ),
  ];
}
