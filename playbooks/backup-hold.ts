import { BACKUP_HOLD } from '../src/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { backupHosts, type Host } from '../src/inventory/model.ts';
import { startUnits, turnOffUnits } from '../src/programs/systemd.ts';
import { words } from '../src/shell/quote.ts';
import { BACKUP_TIMERS } from './out-of-service.ts';

/** POSIX sh that prints the enabled backup timers. */
const SCHEDULED = `for t in ${words(...BACKUP_TIMERS)}; do if systemctl -q is-enabled "$t" 2>/dev/null; then echo "$t"; fi; done`;

/** POSIX sh that enables timers again; a timer that was missed fires at once (systemd.timer(5), "Persistent="). */
const backOn = (timers: readonly string[]): string => `systemctl -q enable ${words(...timers)}\n${startUnits(timers)}`;

/**
 * Does work while no scheduled backup or drill can begin: it would stop the work half-way, or be broken by it. The
 * timers stay off across a reboot as well, under an undo that enables them again should this run die; `seconds` bounds
 * the work. Afterwards, however the work ended, they are enabled again, and missed backups are made.
 */
export async function withoutScheduledBackups<T>(
  op: Pick<Operation, 'cluster' | 'ask' | 'armUndo' | 'step' | 'runUndo'>,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const held: Host[] = [];
  for (const host of op.cluster.repositories.length > 0 ? backupHosts(op.cluster) : []) {
    const timers = (await op.ask(host, 'schedule of backups', SCHEDULED)).split('\n').filter(Boolean);
    if (timers.length === 0) continue;
    await op.armUndo(host, BACKUP_HOLD, backOn(timers), seconds);
    held.push(host);
    await op.step(host, 'hold the schedule of backups', 'pgbackrest', 'run', (remote) =>
      remote.run(turnOffUnits(timers)),
    );
  }
  // When the work fails, the end of the run runs all undos.
  const outcome = await work();
  for (const host of held) await op.runUndo(host, BACKUP_HOLD);
  return outcome;
}
