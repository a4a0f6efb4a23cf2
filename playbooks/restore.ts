import { patroni } from '../roles/patroni/patroni.ts';
import { transfer } from '../src/bounds/copy.ts';
import { election } from '../src/bounds/patroni.ts';
import { stop } from '../src/bounds/postgres.ts';
import { KEYS_S } from '../src/bounds/programs.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { copyProgress, copyProgressLine } from '../src/cluster/copy-progress.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { placeWal } from '../src/cluster/storage.ts';
import { type Verdict, verdict } from '../src/decisions/verdict.ts';
import { converge, surveyAll } from '../src/engine/converge.ts';
import { untilCopied } from '../src/engine/copying.ts';
import type { Operation } from '../src/engine/operation.ts';
import { verifyAsClient } from '../src/engine/verify.ts';
import { StepFailed } from '../src/errors.ts';
import { dcsHosts, dcsRole, type Host, hostsWith, repositoryHost } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import type { Stage } from '../src/playbook.ts';
import { pgbackrest } from '../src/programs/pgbackrest.ts';
import { notRunning } from '../src/programs/postgres.ts';
import { stopUnits } from '../src/programs/systemd.ts';
import type { SecretStore } from '../src/secrets/store.ts';
import { apply, beforePostgres } from './apply.ts';
import { takeBackup } from './backup.ts';
import { deleteExternalKeys } from './dcs/external.ts';
import { dcsMembers } from './dcs/index.ts';
import { markRestore, ownPlaces, type Phase, phases, type RestoreOrder, recoverFirst } from './recover.ts';

/** Patroni's keys about a timeline and its leader. */
const OLD_KEYS = ['leader', 'status', 'sync', 'failover', 'failsafe', 'history', 'initialize'];

/**
 * Restores a cluster: stops all members, exports and deletes this scope's keys in the DCS, restores and recovers one
 * host to exactly the target, starts it as leader, takes a new backup, and restores the replicas from that. `note`
 * records the phases, so that an interrupted restore continues. The present data is moved aside, never deleted.
 */
export async function restore(
  op: Operation,
  store: SecretStore,
  order: RestoreOrder,
  note: (phase: Phase) => void,
): Promise<void> {
  const { cluster } = op;
  const host = op.host(order.host);
  const members = hostsWith(cluster, 'patroni');
  const phase = phases(op, order, note);
  await phase('stopped', members, () => stopAll(op, order));
  // Hosts that were lost with their disks need everything except PostgreSQL's data first.
  const surveyed = await surveyAll(op, [...beforePostgres, configuration], store);
  await converge(op, surveyed);
  await phase('forgotten', cluster.dcs.external ? members.slice(0, 1) : dcsHosts(cluster), () =>
    deleteOldKeys(op, order),
  );
  await phase('restored', [host], () =>
    recoverFirst(op, surveyed.context, host, order, { stanza: cluster.stanza, options: [], own: true }),
  );
  await phase('leading', [host], () => lead(op, store, host));
  // Before the replicas, which are restored from it: from an older backup they would have to follow several timelines.
  await phase('backed up', [repositoryHost(cluster) ?? host], async () => {
    await takeBackup(op, 'full');
  });
  await phase('following', members, async () => {
    for (const member of members) if (member !== host) await follow(op, store, member, order);
  });
  await converge(op, await surveyAll(op, apply, store));
  const problem = await verifyAsClient(op.session, cluster);
  if (problem) throw new StepFailed(problem.host, problem.step, problem.message);
}

/** Patroni's own file, with which its keys can be read although it must not run. */
const configuration: Stage = {
  name: 'configuration',
  hosts: ({ cluster }) => (cluster.dcs.external ? hostsWith(cluster, 'patroni') : []),
  steps: (host, context) => patroni(host, context).filter((one) => one.kind.name === 'file'),
};

/** Stops all members. The mark keeps Patroni's unit from starting, at a boot as well. */
async function stopAll(op: Operation, order: RestoreOrder): Promise<void> {
  const snapshot = await op.observe();
  const { leader } = snapshot;
  const members = hostsWith(op.cluster, 'patroni');
  // The leader last, so that its last transactions are archived and no member takes over meanwhile.
  const sorted = [...members].sort((a, b) => Number(a.name === leader?.name) - Number(b.name === leader?.name));
  for (const host of sorted)
    await op.step(host, 'stop PostgreSQL', 'patroni', 'run', (remote) =>
      remote.run(
        `${markRestore(order)}
${stopUnits(['patroni.service'])}
${notRunning(host.dataDir)}`,
        stop(sharedBuffers(snapshot, host.name)),
      ),
    );
}

/**
 * Exports and deletes the keys of the old timeline: `/status`, `/sync` and others would keep the restored member from
 * leading. Settings stay.
 */
async function deleteOldKeys(op: Operation, { stamp }: RestoreOrder): Promise<void> {
  const { cluster } = op;
  const members = dcsMembers(cluster);
  // The keys belong to the database of the backups. Where the disks are lost, only the backups name its identifier.
  const { repository, systemIdentifiers } = await op.observe();
  const identifiers = repository?.systemIdentifier ? [repository.systemIdentifier] : systemIdentifiers;
  const host = dcsHosts(cluster)[0] ?? hostsWith(cluster, 'patroni')[0]!;
  await op.step(host, 'export and remove the keys of this scope', dcsRole(cluster) ?? 'patroni', 'remove', (remote) =>
    remote.run(
      members
        ? members.deleteKeys(cluster, host, OLD_KEYS, ['members', 'optime'], stamp)
        : deleteExternalKeys(cluster, identifiers, `before-restore-${stamp}`),
      KEYS_S,
    ),
  );
}

/** Starts Patroni on the restored data: a new timeline, with this cluster's present passwords. */
export async function lead(op: Operation, store: SecretStore, host: Host): Promise<void> {
  await op.step(host, 'let Patroni start', 'patroni', 'run', (remote) => remote.run(`rm -f ${PATHS.restore}`));
  await converge(op, await surveyAll(op, apply, store, { hosts: [host] }));
  await op.until(
    host,
    'leading',
    election(op.cluster.timing),
    ({ leaders }) => verdict(leaders.join() === host.name ? [] : [`${leaders.join(' and ') || 'nobody'} leads`]),
    { stoppable: true },
  );
  // Passwords may have been rotated since the restored time; replicas log in with the present ones.
  await converge(op, await surveyAll(op, apply, store, { hosts: [host] }));
}

/**
 * Restores the new backup on a replica, as far as its data differs, and lets it follow the new timeline. A replica that
 * was lost with its disks gets the directories of the WAL and the tablespaces first.
 */
export async function follow(op: Operation, store: SecretStore, host: Host, order: RestoreOrder): Promise<void> {
  const { cluster } = op;
  const { bytes: databaseBytes } = order;
  const follows = ({ members, leader }: Snapshot): Verdict => {
    const member = members.find((one) => one.name === host.name);
    return verdict([
      ...(member?.state === 'streaming' ? [] : [`${host.name} is ${member?.state ?? 'not a member yet'}`]),
      ...(member?.timeline === leader?.timeline ? [] : [`${host.name} is on timeline ${member?.timeline}`]),
    ]);
  };
  // An interrupted restore may have come this far.
  const before = await op.observe();
  if (follows(before).ok) return;
  await op.step(host, 'stop PostgreSQL', 'patroni', 'run', (remote) =>
    remote.run(`touch ${PATHS.restore}; ${stopUnits(['patroni.service'])}`, stop(sharedBuffers(before, host.name))),
  );
  const command = pgbackrest(
    cluster.stanza,
    '--delta',
    '--force',
    '--type=standby',
    ...(cluster.walDir ? ['--link-all'] : []),
    '--log-level-console=info',
    'restore',
  );
  await op.step(host, 'take the new backup where it differs', 'pgbackrest', 'run', (remote) =>
    remote.unit(
      'restore',
      `${ownPlaces(host, cluster, order)}\n${command} || exit 1\n${placeWal(host.dataDir, cluster.walDir)}`,
      transfer(databaseBytes),
      {
        script: copyProgress(host.dataDir),
        describe: (answer) => copyProgressLine('taking the new backup', answer, databaseBytes),
      },
    ),
  );
  await op.step(host, 'let Patroni start', 'patroni', 'run', (remote) => remote.run(`rm -f ${PATHS.restore}`));
  await converge(op, await surveyAll(op, apply, store, { hosts: [host] }));
  await op.step(host, 'follow', 'patroni', 'run', async () => {
    await untilCopied(op, host, 'streaming', follows, { databaseBytes });
  });
}
