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
import { outOfServiceUndo, takeOutOfService, undoOf } from './out-of-service.ts';
import { restart } from './restart.ts';

/**
 * Rebuilds a replica: takes it out of service, moves its data directory aside (never deletes it), and starts Patroni on
 * an empty directory, so that it copies from the repository or the leader as every new member does. `stamp` names the
 * kept directory.
 */
export async function reinit(op: Operation, host: Host, databaseBytes: number, stamp: string): Promise<void> {
  const { cluster } = op;
  const wait = waits(cluster.timing);
  op.stage(`rebuild ${host.name}`, [host]);
  const before = await op.observe();
  const buffers = sharedBuffers(before, host.name);
  // A stopped member has no clients.
  if (before.members.some((one) => one.name === host.name && one.state === 'streaming'))
    await takeOutOfService(op, host, wait, buffers, async () => undefined);
  else await op.armUndo(host, 'update', undoOf(host), outOfServiceUndo(buffers));
  await op.step(host, 'move the data aside', 'patroni', 'remove', (remote) =>
    // The undo, which would start Patroni, waits for a unit of this name: a mount point is copied, which takes long.
    remote.unit(
      'update',
      `${stopUnits(['patroni.service'])}
${notRunning(host.dataDir)}
rm -f ${PATHS.data}
${setDatabaseAside(host.dataDir, `replaced-${stamp}`)}`,
      aside(databaseBytes),
    ),
  );
  await op.step(host, 'copy the database', 'patroni', 'run', async (remote) => {
    await remote.run(startUnits(['patroni.service']), START_ALL_S);
    const direct = { ...cluster, hosts: cluster.hosts.filter((one) => !one.roles.has('haproxy')) };
    await untilCopied(op, host, 'streaming', (snapshot) => hasJoined(direct, snapshot, host), { databaseBytes });
  });
  await op.step(host, 'into service', 'patroni', 'run', async (remote) => {
    await remote.run(noteData(host.dataDir));
    await op.runUndo(host, 'update');
    for (const balancer of hostsWith(cluster, 'haproxy')) await op.runUndo(balancer, `drain-${host.name}`);
    await op.until(host, 'joined', wait.gate, (snapshot) => hasJoined(cluster, snapshot, host), { stoppable: true });
  });
  // It replayed older WAL with the settings of that time (PostgreSQL, "Hot Standby"). Patroni reports one cycle later
  // that it needs a restart with the present ones.
  await op.pause(settles(cluster.timing) * 1000, true);
  const { members } = await op.observe();
  if (members.find((one) => one.name === host.name)?.pendingRestart) await restart(op, [host]);
}
