import type { Cluster } from '../inventory/model.ts';
import { describeHold, type HostHold } from './holds.ts';

/** What stands on the hosts at the end of an apply, as far as they answer. */
export interface Standing {
  /** Temporary changes with an armed undo. */
  undos: readonly { host: string; name: string }[];
  holds: readonly HostHold[];
  /** Hosts that want a reboot, each with its reasons. */
  reboots: readonly { host: string; reasons: readonly string[] }[];
}

/** What is known at the end of an apply about work that only a person can do. */
export interface Ending {
  /** Whether a new cluster was made. */
  isNew: boolean;
  failed: number;
  interrupted: boolean;
  /** Members whose settings waited for a restart at the beginning, and that were not restarted. */
  waiting: readonly string[];
  standing: Standing;
  /** The file with the passphrase of the backups, where nobody has looked at it yet. */
  unseenPassphrase: string | undefined;
  /** The file of a secret store that is not encrypted. */
  openStore: string | undefined;
}

/** Returns what a person must still do after an apply, most urgent first; empty: nothing. Pure. */
export function todoAfterApply({ name }: Pick<Cluster, 'name'>, ending: Ending): string[] {
  const { isNew, failed, interrupted, waiting, standing, unseenPassphrase, openStore } = ending;
  const one = (applies: boolean, text: string) => (applies ? [text] : []);
  return [
    ...one(failed > 0, `mend what failed, and run "hapg apply" again: ${name} is not as the inventory says`),
    ...one(interrupted && failed === 0, 'run "hapg apply" again, which goes on where it was interrupted'),
    ...standing.undos.map(
      ({ host, name: undo }) => `${host}: something temporary (${undo}) is set; "hapg repair" undoes it at once`,
    ),
    // Every host of a paused cluster holds the end of the same pause.
    ...standing.holds
      .filter(({ name: hold }, at, all) => hold !== 'pause' || all.findIndex((one) => one.name === hold) === at)
      .map(describeHold),
    ...one(
      waiting.length > 0,
      `settings of ${waiting.join(', ')} still wait for a restart of PostgreSQL: "hapg restart --pending"`,
    ),
    ...standing.reboots.map(
      ({ host, reasons }) => `${host} wants a reboot (${reasons.join('; ')}): "hapg update --limit ${host}"`,
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
