import { capabilities } from '../cluster/versions.ts';
import { type RestartSetting, shrinking } from '../decisions/restart.ts';
import { bestCandidate } from '../decisions/switchover.ts';
import { writeGap } from '../decisions/write-gap.ts';
import { commitsWait, hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { Context } from '../playbook.ts';
import type { Change } from './change.ts';

/** One thing that clients or services will feel of a plan. */
export interface Impact {
  kind:
    | 'new_cluster'
    | 'firewall'
    | 'other_clusters'
    | 'dcs_restart'
    | 'access_rules'
    | 'password'
    | 'start'
    | 'copy'
    | 'wal_move'
    | 'postgres_restart'
    | 'no_successor'
    | 'write_gap'
    | 'pool_restart'
    | 'pool_reload'
    | 'balancer_restart'
    | 'balancer_reload'
    | 'vip';
  /** The hosts, in the order in which it happens on them. */
  hosts: string[];
  text: string;
}

type Finder = (changes: readonly Change[], context: Context) => Impact[];

const list = (hosts: readonly string[]): string => hosts.join(', ');

/** Hosts of the changes that fit, in the order of the plan. */
const hostsOf = (changes: readonly Change[], fits: (change: Change) => boolean): string[] => [
  ...new Set(changes.filter(fits).map(({ host }) => host)),
];

/** An impact on these hosts; none where there are none. */
const on = (kind: Impact['kind'], hosts: string[], text: (names: string) => string): Impact[] =>
  hosts.length > 0 ? [{ kind, hosts, text: text(list(hosts)) }] : [];

const begins =
  (...words: string[]) =>
  ({ step }: Change): boolean =>
    words.some((word) => step === word || step.startsWith(`${word} `));

/** Whether a change starts a stopped unit. */
const starts =
  (unit: string) =>
  ({ step, action }: Change): boolean =>
    step === `unit ${unit}.service` && action === 'create';

/**
 * Whether the leader restarts before its replicas: a setting shrinks that a replica must not have smaller. Patroni 4
 * says so when the restart is due; older versions do not, and then the leader comes last.
 */
export function leaderGoesFirst(changes: readonly Change[], { cluster, snapshot, facts }: Context): boolean {
  const leader = snapshot.leader?.name;
  const host = cluster.hosts.find(({ name }) => name === leader);
  const its = changes.find((change) => change.host === leader && begins('restart-pending')(change));
  return (
    host !== undefined && shrinking(its?.settings ?? []).length > 0 && capabilities(facts(host)).restartReasons === true
  );
}

/** Formats where PostgreSQL stops, in this order: the leader apart from the others, and how it gives way. */
function stops(hosts: readonly string[], leader: string | undefined, inPlace: boolean, hasSuccessor: boolean): string {
  const others = hosts.filter((name) => name !== leader);
  if (leader === undefined || !hosts.includes(leader))
    return others.length > 1 ? `on ${list(others)}, one at a time` : `on ${list(others)}`;
  const how = inPlace ? ' in place' : hasSuccessor ? ' after a switchover' : '';
  if (others.length === 0) return `on ${leader}${how}`;
  return inPlace ? `on ${leader}${how}, then on ${list(others)}` : `on ${list(others)}, then on ${leader}${how}`;
}

const MANY = 5;

/** Formats the settings that restarts are for: ` (max_connections 100 → 200)`. */
function forSettings(settings: readonly RestartSetting[]): string {
  const texts = [...new Set(settings.map(({ name, from, to }) => `${name} ${from ?? 'default'} → ${to ?? 'default'}`))];
  const more = texts.length - MANY;
  return texts.length === 0 ? '' : ` (${texts.slice(0, MANY).join(', ')}${more > 0 ? `, ${more} more` : ''})`;
}

const firewall: Finder = (changes) => {
  const turnedOn = ({ action }: Change) => action === 'create';
  const narrower = ({ before = '', after = '' }: Change) => {
    const kept = new Set(after.split('\n'));
    return before.split('\n').some((line) => line.trim() !== '' && !kept.has(line));
  };
  const rules = changes.filter(begins('firewall'));
  return [
    ...on('firewall', hostsOf(rules, turnedOn), (names) => `the firewall is turned on on ${names}`),
    ...on(
      'firewall',
      hostsOf(rules, (change) => !turnedOn(change) && narrower(change)),
      (names) => `the firewall takes rules away on ${names}: new connections that only they allowed are refused`,
    ),
  ];
};

const otherClusters: Finder = (changes) =>
  on(
    'other_clusters',
    hostsOf(changes, begins('stray-clusters')),
    (names) => `PostgreSQL beside Patroni's stops on ${names}`,
  );

const dcs: Finder = (changes, { snapshot }) => {
  const label = { 'restart etcd.service': 'etcd', 'restart zookeeper.service': 'ZooKeeper' };
  return Object.entries(label).flatMap(([step, name]) =>
    on('dcs_restart', hostsOf(changes, begins(step)), (hosts) =>
      snapshot.dcs.members.filter(({ learner }) => !learner).length === 1
        ? `${name} restarts on ${hosts}, its only member: no failover meanwhile`
        : `${name} restarts one member at a time: ${hosts}; its quorum is kept`,
    ),
  );
};

const accessRules: Finder = (changes) =>
  on(
    'access_rules',
    hostsOf(changes, (change) => begins('member-settings')(change) && change.before !== undefined),
    (names) => `access rules (pg_hba) change on ${names}: new connections go by them`,
  );

const passwords: Finder = (changes) =>
  changes.filter(begins('sql-objects')).flatMap(({ host, summary }) => {
    const users = [...summary.matchAll(/password of user ([^;]+)/g)].map(([, name]) => name!);
    return users.length > 0
      ? [
          {
            kind: 'password' as const,
            hosts: [host],
            text: `the password of ${list(users)} changes: new logins need the new one`,
          },
        ]
      : [];
  });

/** Services that start on hosts of an existing cluster; a member without data copies the database. */
const services: Finder = (changes, { snapshot }) => {
  const hasData = (name: string) => said(snapshot.observations.get(name)?.dataDirectory)?.state === 'cluster';
  const members = hostsOf(changes, starts('patroni'));
  return [
    ...on('start', members.filter(hasData), (names) => `PostgreSQL starts on ${names}`),
    ...on(
      'copy',
      members.filter((name) => !hasData(name)),
      (names) => `${names} copies the whole database, a load on disks and network`,
    ),
  ];
};

/** Where PostgreSQL stops: to move its WAL, then for settings; each member does both at once. */
const members: Finder = (changes, context) => {
  const { cluster, snapshot } = context;
  const { leader } = snapshot;
  const writes = leader?.role === 'leader' ? leader.name : undefined;
  const successor = bestCandidate(snapshot, commitsWait(cluster));
  const moves = changes.filter(begins('wal-directory'));
  const restarts = changes.filter((change) => begins('restart-pending')(change) && change.action === 'restart');
  const inPlace = leaderGoesFirst(changes, context);
  const where = (hosts: string[], first = false) => stops(hosts, leader?.name, first, writes !== undefined);
  const moving = hostsOf(moves, () => true);
  const restarting = hostsOf(restarts, () => true);
  const handsOver = moving.includes(writes ?? '') || (restarting.includes(writes ?? '') && !inPlace);
  const pauses = handsOver || restarting.includes(writes ?? '');
  const { least, most } = writeGap(cluster.timing, hostsWith(cluster, 'haproxy').length > 0);
  return [
    ...on('wal_move', moving, () => `PostgreSQL stops ${where(moving)}, while its WAL moves to ${cluster.walDir}`),
    ...on(
      'postgres_restart',
      restarting,
      () =>
        `PostgreSQL restarts ${where(restarting, inPlace)}${forSettings(restarts.flatMap((one) => one.settings ?? []))}`,
    ),
    ...on(
      'no_successor',
      handsOver && !successor ? [writes!] : [],
      (name) => `nobody may take over from ${name} now: unless that changes, the run stops before it`,
    ),
    ...on('write_gap', pauses ? [writes!] : [], () => `expected write gap: ${least}-${most} s`),
  ];
};

const pools: Finder = (changes) => {
  const restart = hostsOf(changes, begins('restart pgbouncer.service'));
  const reload = hostsOf(changes, begins('reload pgbouncer.service'));
  return [
    ...on(
      'pool_restart',
      restart,
      (names) => `PgBouncer restarts on ${names}${restart.length > 1 ? ', one at a time' : ''}: its connections end`,
    ),
    ...on('pool_reload', reload, (names) => `PgBouncer reloads on ${names}; connections are kept`),
  ];
};

const balancers: Finder = (changes, { snapshot }) => {
  const restart = hostsOf(changes, begins('restart haproxy.service'));
  const reload = hostsOf(changes, begins('reload haproxy.service'));
  const vrrp = hostsOf(changes, begins('reload keepalived.service', 'restart keepalived.service'));
  return [
    ...on('balancer_restart', restart, (names) => `HAProxy restarts on ${names}: its connections end`),
    ...on('balancer_reload', reload, (names) => `HAProxy reloads on ${names}; connections are kept`),
    ...on(
      'vip',
      vrrp.filter((name) => snapshot.vipHolders.includes(name)),
      (names) => `the VIP may move: keepalived reads its configuration again on ${names}, which holds it`,
    ),
  ];
};

/** Finders in the order of the playbook. A new cluster has no clients yet, but its hosts may have others. */
const ALWAYS = [firewall, otherClusters];
const LIVING = [firewall, dcs, accessRules, otherClusters, passwords, services, members, pools, balancers];

/**
 * Returns what clients and services will feel of changes, in the order in which it is done. Pure: it says what the
 * playbook does with these changes, as far as the present state tells. Changes must be in the order of the plan.
 */
export function impactOf(changes: readonly Change[], context: Context): Impact[] {
  const finders = context.snapshot.exists ? LIVING : ALWAYS;
  const found = finders.flatMap((find) => find(changes, context));
  const made = context.snapshot.exists ? [] : hostsOf(changes, starts('patroni'));
  const kind = context.cluster.upstream ? 'a new standby cluster' : 'a new cluster';
  return [...on('new_cluster', made, () => `a first apply: ${kind} is made`), ...found];
}
