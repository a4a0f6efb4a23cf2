import { hasJoined } from '../src/cluster/decisions/growth.ts';
import { setDatabaseAside } from '../src/cluster/storage.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { sizeOf } from '../src/programs/files.ts';
import { notRunning } from '../src/programs/postgres.ts';
import { startUnits, stopUnits } from '../src/programs/systemd.ts';
import { noteData } from '../src/steps/data-marker.ts';
import { progressBar } from '../src/units.ts';
import { ASIDE_S } from './recover.ts';
import { restart } from './restart.ts';
import { DEFAULT_WAITS, stepAside, UNDO_AFTER_S, undoOf } from './step-aside.ts';

/** Seconds for a copy of a large database. */
const COPY_S = 24 * 3600;

/**
 * A replica is built anew: out of service, its data directory moved aside (never deleted), and Patroni started on an
 * empty place, so that it copies from the repository or the leader as every new member does. `stamp` names what is kept.
 */
export async function reinit(op: Operation, host: Host, databaseBytes: number, stamp: string): Promise<void> {
  const { cluster } = op;
  op.stage(`rebuild ${host.name}`, [host]);
  await op.arm(host, 'update', undoOf(host), UNDO_AFTER_S);
  // One that does not run serves nobody.
  if ((await op.look()).members.some((one) => one.name === host.name && one.state === 'streaming'))
    await stepAside(op, host, DEFAULT_WAITS);
  await op.step(host, 'move the data aside', 'patroni', 'remove', (remote) =>
    // A unit of that name keeps the undo, which would start Patroni, waiting: a mount point is copied.
    remote.unit(
      'update',
      `${stopUnits(['patroni.service'])}
${notRunning(cluster.dataDir)}
rm -f ${PATHS.data}
${setDatabaseAside(cluster.dataDir, `replaced-${stamp}`)}`,
      ASIDE_S,
    ),
  );
  await op.step(host, 'copy the database', 'patroni', 'run', async (remote) => {
    await remote.run(startUnits(['patroni.service']), 330);
    await op.until(
      host,
      'streaming',
      COPY_S,
      (snapshot) =>
        hasJoined({ ...cluster, hosts: cluster.hosts.filter((one) => !one.roles.has('haproxy')) }, snapshot, host),
      {
        everyMs: 2000,
        // Patroni goes on copying by itself.
        stoppable: true,
        doing: async () => {
          await op.prolong(host, 'update');
          const bytes = Number(await op.ask(host, 'size', sizeOf(cluster.dataDir)));
          return `copying ${progressBar(bytes || 0, databaseBytes)}`;
        },
      },
    );
  });
  await op.step(host, 'into service', 'patroni', 'run', async (remote) => {
    await remote.run(noteData(cluster.dataDir));
    await op.release(host, 'update');
    for (const balancer of hostsWith(cluster, 'haproxy')) await op.release(balancer, `drain-${host.name}`);
    await op.until(host, 'joined', DEFAULT_WAITS.gate, (snapshot) => hasJoined(cluster, snapshot, host), {
      stoppable: true,
    });
  });
  // While it replayed older WAL it needed the settings of then (PostgreSQL, "Hot Standby"); Patroni tells one cycle later
  // that it waits for a restart with those of now.
  await op.pause((cluster.timing.patroni.loop_wait + 1) * 1000, true);
  const { members } = await op.look();
  if (members.find((one) => one.name === host.name)?.pendingRestart) await restart(op, [host]);
}
