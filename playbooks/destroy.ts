import { aside } from '../src/bounds/copy.ts';
import { ASK_S } from '../src/bounds/hosts.ts';
import { STOP_ALL_S, stop } from '../src/bounds/postgres.ts';
import { KEYS_S, STANZA_DELETE_S } from '../src/bounds/programs.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { setDatabaseAsideOrLeave } from '../src/cluster/storage.ts';
import { dropHold } from '../src/engine/hold-script.ts';
import type { Operation } from '../src/engine/operation.ts';
import { backupHosts, dcsRole, type Host, hostsWith } from '../src/inventory/model.ts';
import { HOLD_NAMES } from '../src/observe/holds.ts';
import { PATHS } from '../src/paths.ts';
import { setContentsAside } from '../src/programs/files.ts';
import { deleteStanza } from '../src/programs/pgbackrest.ts';
import { notRunning } from '../src/programs/postgres.ts';
import { stopUnits, turnOffUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';
import { deleteExternalKeys } from './dcs/external.ts';
import { dcsMembers } from './dcs/index.ts';
import { BACKUP_TIMERS, MEMBER_TIMERS } from './out-of-service.ts';

/** Whether a host has none of the cluster's data; these stop first, so that clients lose access first. */
const inFront = (host: Host): boolean =>
  !host.roles.has('patroni') && !host.roles.has('etcd') && !host.roles.has('zookeeper');

/**
 * Ends a cluster. Services stop one by one, the leader's last, so that no member takes over. Data directories and the
 * DCS's data are moved aside under `stamp`, never deleted. In an external DCS only this cluster's keys are deleted.
 * With `backups`, pgBackRest deletes the stanza. Packages, hardening and firewall stay.
 */
export async function destroy(op: Operation, { stamp, backups }: { stamp: string; backups: boolean }): Promise<void> {
  const { cluster } = op;
  const snapshot = await op.observe();
  const { leader, systemIdentifiers } = snapshot;
  const members = hostsWith(cluster, 'patroni');
  const keepers = backupHosts(cluster);
  const sorted = [...members].sort((a, b) => Number(a.name === leader?.name) - Number(b.name === leader?.name));
  op.stage('stop', cluster.hosts);
  for (const host of keepers)
    await op.step(host, 'timers off', 'pgbackrest', 'remove', (remote) =>
      remote.run(turnOffUnits(BACKUP_TIMERS), ASK_S),
    );
  for (const host of cluster.hosts.filter((one) => inFront(one) && !keepers.includes(one)))
    await op.step(host, 'services off', 'packages', 'remove', (remote) =>
      remote.run(turnOffUnits(unitsOf(host)), STOP_ALL_S),
    );
  for (const host of sorted)
    await op.step(host, 'stop PostgreSQL', 'patroni', 'remove', (remote) =>
      remote.run(
        `${stopUnits(['patroni.service'])}\n${notRunning(host.dataDir)}`,
        stop(sharedBuffers(snapshot, host.name)),
      ),
    );
  if (cluster.dcs.external)
    await op.step(sorted[0]!, `take its keys out of ${cluster.dcs.label}`, 'patroni', 'remove', (remote) =>
      remote.run(deleteExternalKeys(cluster, systemIdentifiers, `destroyed-${stamp}`), KEYS_S),
    );
  const [keeper] = keepers;
  if (backups && keeper)
    await op.step(keeper, `delete the backups of ${cluster.stanza}`, 'pgbackrest', 'remove', (remote) =>
      remote.run(
        deleteStanza(
          cluster.stanza,
          cluster.repositories.map(({ key }) => key),
        ),
        STANZA_DELETE_S,
      ),
    );
  op.stage('set aside', cluster.hosts);
  const joined = dcsMembers(cluster)?.joined;
  for (const host of cluster.hosts)
    await op.step(host, 'services off, data aside', 'packages', 'remove', (remote) =>
      remote.run(
        `${turnOffUnits([...unitsOf(host), ...BACKUP_TIMERS, ...MEMBER_TIMERS])}
${notRunning(host.dataDir)}
${host.roles.has('patroni') ? setDatabaseAsideOrLeave(host.dataDir, `destroyed-${stamp}`) : ':'}
${dcsRole(cluster) ? setContentsAside(cluster.dcs.dataDir, `destroyed-${stamp}`) : ':'}
${HOLD_NAMES.map(dropHold).join('\n')}
rm -f ${[PATHS.data, PATHS.identity, PATHS.restore, ...(joined ? [joined] : [])].join(' ')}`,
        aside(),
      ),
    );
}
