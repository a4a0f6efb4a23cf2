import type { Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, commitsWait, hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import { bytes } from '../units.ts';
import { isSynchronous } from './members.ts';
import { type Verdict, verdict } from './verdict.ts';

/** How far a member has received WAL (bytes), by its own Patroni; undefined where it does not say. */
export function receivedBy({ observations }: Snapshot, name: string): number | undefined {
  const xlog = said(observations.get(name)?.patroni)?.self?.xlog as Record<string, unknown> | undefined;
  const figures = [xlog?.received_location, xlog?.replayed_location, xlog?.location].filter(
    (one): one is number => typeof one === 'number',
  );
  return figures.length > 0 ? Math.max(...figures) : undefined;
}

/**
 * May `to` be made the leader although nobody hands over? Only while no leader is known: neither its own Patroni nor the
 * DCS names one. Of the members that answer none may have more than it.
 */
export function mayFailOver(cluster: Cluster, snapshot: Snapshot, to: string): Verdict {
  const { leader, leaders, dcs, observations } = snapshot;
  const member = snapshot.members.find(({ name }) => name === to);
  const running = said(observations.get(to)?.patroni)?.self;
  const serving = leaders[0] ?? leader?.name;
  if (serving !== undefined)
    return verdict(
      [
        leaders.length > 0
          ? `${serving} leads and serves: a planned change is "hapg switchover --to ${to}"`
          : `${serving} has the lease of the leader, and its host does not answer here: it may serve clients. When it is dead, the lease ends within ${cluster.timing.patroni.ttl} s; run again then`,
      ],
      'leader_serves',
    );
  // A server that outlives its Patroni loses the lease and goes on taking writes: there would be two.
  const unled = hostsWith(cluster, 'patroni').filter(({ name }) => {
    const seen = observations.get(name);
    return name !== to && said(seen?.sql) && said(seen?.dataDirectory)?.led === true;
  });
  const mine = receivedBy(snapshot, to);
  const ahead = hostsWith(cluster, 'patroni').flatMap(({ name }) => {
    const its = receivedBy(snapshot, name);
    return name !== to && its !== undefined && mine !== undefined && its > mine ? [{ name, more: its - mine }] : [];
  });
  return verdict(
    [
      ...unled.map(
        ({ name }) =>
          `PostgreSQL on ${name} runs as a leader without Patroni and may take writes: "hapg fence ${name}" first`,
      ),
      ...(dcs.quorum ? [] : [`${cluster.dcs.label} does not answer on ${to}, so nobody can lead: "hapg repair" first`]),
      ...(running ? [] : [`Patroni does not run on ${to}: hapg ssh ${to} -- systemctl start patroni`]),
      ...(member || !running ? [] : [`${to} is not a member`]),
      ...(member?.tags.nofailover === true ? [`${to} has the tag nofailover`] : []),
      ...(running && running.state !== 'running' && running.state !== 'streaming'
        ? [`PostgreSQL on ${to} is ${String(running.state)}`]
        : []),
      ...(running && mine === undefined ? [`${to} does not report how much it has received`] : []),
      ...ahead.map(({ name, more }) => `${name} has ${bytes(more)} more than ${to}: --to ${name}`),
    ],
    'candidate',
  );
}

/** What is lost when `to` takes over, in words. */
export function lossOf(cluster: Cluster, snapshot: Snapshot, to: string): string[] {
  const member = snapshot.members.find(({ name }) => name === to);
  if (commitsWait(cluster) && member && isSynchronous(member) && cluster.synchronousNodes <= 1)
    return [`  ${to} was the synchronous standby of the last leader: no acknowledged row is lost`];
  const replayed = said(snapshot.observations.get(to)?.sql)?.replayed;
  return [
    `  ! ${to} ${commitsWait(cluster) ? 'was not the synchronous standby' : 'received rows after they were acknowledged'}: rows that only the last leader has are LOST`,
    `    the last transaction that ${to} has was committed ${replayed ? `at ${replayed}` : 'at an unknown time'}${
      member?.lagBytes === undefined
        ? ''
        : member.lagBytes > 0
          ? `; ${bytes(member.lagBytes)} are missing of what the last leader reported`
          : '; it has all that the last leader reported, which it does once a cycle'
    }`,
  ];
}
