import { ASK_S } from '../src/bounds/hosts.ts';
import { dcsMember, election, gate } from '../src/bounds/patroni.ts';
import { START_ALL_S, START_ONE_S, STOP_ALL_S, stop as stopTime } from '../src/bounds/postgres.ts';
import { waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { membersStreaming } from '../src/decisions/members.ts';
import { verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { settleAll, settled } from '../src/engine/pool.ts';
import { backupHosts, dcsHosts, type Host, hostsWith } from '../src/inventory/model.ts';
import { notRunning } from '../src/programs/postgres.ts';
import { beginStart, start as startUnit, startUnits, stopUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';
import { BACKUP_TIMERS } from './out-of-service.ts';

const DATABASE = ['patroni.service'];
const ARCHIVE = 'pgbackrest.service';
const DCS = ['etcd.service', 'zookeeper.service'];

/** The services of a host through which clients and members reach the database. */
const inFront = (host: Host): string[] => unitsOf(host).filter((unit) => ![...DATABASE, ...DCS].includes(unit));

/** Does something on each of these hosts at once, as a step. Rejects with the first failure when all have ended. */
async function onEach(
  op: Operation,
  hosts: readonly Host[],
  step: { name: string; role: string; action: 'run' | 'remove' },
  script: (host: Host) => { sh: string; seconds: number },
): Promise<void> {
  const results = await settleAll(hosts, op.session.options.forks, (host) =>
    op.step(host, step.name, step.role, step.action, (remote) => {
      const { sh, seconds } = script(host);
      return remote.run(sh, seconds);
    }),
  );
  settled(results);
}

/**
 * Stops a whole cluster: the backup schedule, what clients come through, the replicas, the leader, and last the DCS, so
 * that no member takes over meanwhile and the leader's shutdown is clean. Nothing is disabled: a boot starts everything.
 */
export async function stop(op: Operation): Promise<void> {
  const { cluster } = op;
  const snapshot = await op.observe();
  const members = hostsWith(cluster, 'patroni');
  const leader = members.filter(({ name }) => name === snapshot.leader?.name);
  op.stage('clients', cluster.hosts);
  await onEach(op, backupHosts(cluster), { name: 'timers off', role: 'pgbackrest', action: 'run' }, () => ({
    sh: stopUnits(BACKUP_TIMERS),
    seconds: ASK_S,
  }));
  // The member's own archiving service goes on until the leader has archived its last segment.
  const clients = (host: Host) => inFront(host).filter((unit) => unit !== ARCHIVE);
  await onEach(
    op,
    cluster.hosts.filter((host) => clients(host).length > 0),
    { name: 'no more clients', role: 'haproxy', action: 'run' },
    (host) => ({ sh: stopUnits(clients(host)), seconds: STOP_ALL_S }),
  );
  for (const [name, group] of [
    ['replicas', members.filter((host) => !leader.includes(host))],
    ['leader', leader],
  ] as const) {
    op.stage(name, group);
    await onEach(op, group, { name: 'stop PostgreSQL', role: 'patroni', action: 'run' }, (host) => ({
      sh: `${stopUnits(DATABASE)}\n${notRunning(host.dataDir)}`,
      seconds: stopTime(sharedBuffers(snapshot, host.name)),
    }));
  }
  op.stage(cluster.dcs.label, dcsHosts(cluster));
  const rest = cluster.hosts.filter((host) => unitsOf(host).some((unit) => !DATABASE.includes(unit)));
  await onEach(op, rest, { name: 'stop the rest', role: 'packages', action: 'run' }, (host) => ({
    sh: stopUnits(unitsOf(host)),
    seconds: STOP_ALL_S,
  }));
}

/**
 * Starts a whole cluster: the DCS, the archive, the member that led last, the others, and then what clients come through. `first` are
 * the members that led last; without one all start at once and Patroni elects. `hosts` are those that answer.
 */
export async function start(op: Operation, hosts: readonly Host[], first: readonly Host[]): Promise<void> {
  const { cluster } = op;
  const voters = dcsHosts(cluster).filter((host) => hosts.includes(host));
  if (voters.length > 0) {
    op.stage(cluster.dcs.label, voters);
    // One alone waits for the others, so that none is waited for.
    await onEach(op, voters, { name: `start ${cluster.dcs.label}`, role: 'etcd', action: 'run' }, (host) => ({
      sh: unitsOf(host)
        .filter((unit) => DCS.includes(unit))
        .map(beginStart)
        .join('\n'),
      seconds: ASK_S,
    }));
    await op.until(
      voters[0]!,
      'quorum',
      dcsMember(cluster.timing),
      ({ dcs }) => verdict(dcs.quorum ? [] : [`${cluster.dcs.label} has no quorum yet`]),
      { hosts: voters, about: ['members'], everyMs: 1000, stoppable: true },
    );
  }
  const archiving = hosts.filter((host) => unitsOf(host).includes(ARCHIVE));
  if (archiving.length > 0) {
    op.stage('archive', archiving);
    // A member that recovers asks the archive first, and waits for minutes where nobody listens.
    await onEach(op, archiving, { name: 'start the archive', role: 'pgbackrest', action: 'run' }, () => ({
      sh: startUnits([ARCHIVE]),
      seconds: START_ONE_S,
    }));
  }
  const members = hostsWith(cluster, 'patroni').filter((host) => hosts.includes(host));
  const others = members.filter((host) => !first.includes(host));
  for (const group of [first, others].filter(({ length }) => length > 0)) {
    op.stage(`start ${group.map(({ name }) => name).join(', ')}`, group);
    await onEach(op, group, { name: 'start PostgreSQL', role: 'patroni', action: 'run' }, () => ({
      sh: startUnit('patroni.service', START_ONE_S),
      seconds: START_ONE_S + ASK_S,
    }));
    await op.until(
      group[0]!,
      'a leader',
      election(cluster.timing) + gate(cluster.timing),
      ({ leaders }) => verdict(leaders.length === 1 ? [] : ['no member leads yet']),
      { hosts: members, about: ['members'], everyMs: 1000, stoppable: true },
    );
  }
  op.stage('members', members);
  if (members.length === hostsWith(cluster, 'patroni').length)
    await op.until(
      members[0]!,
      'members',
      waits(cluster.timing).member,
      (snapshot) => membersStreaming(cluster, snapshot),
      { hosts: members, about: ['members'], everyMs: 1000, stoppable: true },
    );
  op.stage('clients', hosts);
  await onEach(op, hosts, { name: 'start the rest', role: 'packages', action: 'run' }, (host) => ({
    sh: startUnits([...unitsOf(host).toReversed(), ...(backupHosts(cluster).includes(host) ? BACKUP_TIMERS : [])]),
    seconds: START_ALL_S,
  }));
}
