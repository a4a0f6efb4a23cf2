import { aside } from '../src/bounds/copy.ts';
import { settles } from '../src/bounds/patroni.ts';
import { START_ALL_S } from '../src/bounds/postgres.ts';
import { waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { setDatabaseAside } from '../src/cluster/storage.ts';
import { hasJoined } from '../src/decisions/growth.ts';
import { untilCopied } from '../src/engine/copying.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { notRunning } from '../src/programs/postgres.ts';
import { startUnits, stopUnits } from '../src/programs/systemd.ts';
import { noteData } from '../src/steps/data-note.ts';
import { restart } from './restart.ts';
import { asideUndo, takeOutOfService, undoOf } from './step-aside.ts';

/**
 * A replica is built anew: out of service, its data directory moved aside (never deleted), and Patroni started on an
 * empty place, so that it copies from the repository or the leader as every new member does. `stamp` names what is kept.
 */
export async function reinit(op: Operation, host: Host, databaseBytes: number, stamp: string): Promise<void> {
  const { cluster } = op;
  const wait = waits(cluster.timing);
  op.stage(`rebuild ${host.name}`, [host]);
  const before = await op.look();
  const buffers = sharedBuffers(before, host.name);
  // One that does not run serves nobody.
  if (before.members.some((one) => one.name === host.name && one.state === 'streaming'))
    await takeOutOfService(op, host, wait, buffers, async () => undefined);
  else await op.arm(host, 'update', undoOf(host), asideUndo(buffers));
  await op.step(host, 'move the data aside', 'patroni', 'remove', (remote) =>
    // A unit of that name keeps the undo, which would start Patroni, waiting: a mount point is copied.
    remote.unit(
      'update',
      `${stopUnits(['patroni.service'])}
${notRunning(cluster.dataDir)}
rm -f ${PATHS.data}
${setDatabaseAside(cluster.dataDir, `replaced-${stamp}`)}`,
      aside(databaseBytes),
    ),
  );
  await op.step(host, 'copy the database', 'patroni', 'run', async (remote) => {
    await remote.run(startUnits(['patroni.service']), START_ALL_S);
    const direct = { ...cluster, hosts: cluster.hosts.filter((one) => !one.roles.has('haproxy')) };
    await untilCopied(op, host, 'streaming', (snapshot) => hasJoined(direct, snapshot, host), { databaseBytes });
  });
  await op.step(host, 'into service', 'patroni', 'run', async (remote) => {
    await remote.run(noteData(cluster.dataDir));
    await op.release(host, 'update');
    for (const balancer of hostsWith(cluster, 'haproxy')) await op.release(balancer, `drain-${host.name}`);
    await op.until(host, 'joined', wait.gate, (snapshot) => hasJoined(cluster, snapshot, host), { stoppable: true });
  });
  // While it replayed older WAL it needed the settings of then (PostgreSQL, "Hot Standby"); Patroni tells one cycle later
  // that it waits for a restart with those of now.
  await op.pause(settles(cluster.timing) * 1000, true);
  const { members } = await op.look();
  if (members.find((one) => one.name === host.name)?.pendingRestart) await restart(op, [host]);
}
