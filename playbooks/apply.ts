import { client } from '../roles/client/client.ts';
import { etcd } from '../roles/etcd/etcd.ts';
import { exporters } from '../roles/exporters/exporters.ts';
import { haproxy } from '../roles/haproxy/haproxy.ts';
import { packagesOfRoles, rulesFor, stepsOfRoles } from '../roles/index.ts';
import { keepalived } from '../roles/keepalived/keepalived.ts';
import { monitoring } from '../roles/monitoring/monitoring.ts';
import { packageSources, packagesRole } from '../roles/patroni/package-sources.ts';
import {
  patroni,
  patroniDynamic,
  patroniExtensions,
  patroniInEffect,
  patroniRestart,
  patroniSettles,
} from '../roles/patroni/patroni.ts';
import { patroniUpstream } from '../roles/patroni/upstream.ts';
import { patroniCluster, patroniRights } from '../roles/patroni/users-and-databases.ts';
import { pgbackrest, pgbackrestSchedule } from '../roles/pgbackrest/pgbackrest.ts';
import { pgbouncer } from '../roles/pgbouncer/pgbouncer.ts';
import { ufw } from '../roles/ufw/ufw.ts';
import { zookeeper } from '../roles/zookeeper/zookeeper.ts';
import { dcsIsNew, mayStopDcs } from '../src/decisions/dcs.ts';
import { membersHealthy } from '../src/decisions/members.ts';
import { restartOrder } from '../src/decisions/restart.ts';
import type { Identity } from '../src/identity.ts';
import { immutableSettings } from '../src/inventory/immutable.ts';
import { backupHosts, dcsHosts, type Host, hostsWith, hostsWithAny } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { PATHS } from '../src/paths.ts';
import type { Context, Playbook, Stage } from '../src/playbook.ts';
import { directory } from '../src/steps/directory.ts';
import { file, noFile } from '../src/steps/file.ts';
import type { Step } from '../src/steps/step.ts';

const everyone = ({ cluster }: Context): readonly Host[] => cluster.hosts;
const databases = ({ cluster }: Context): Host[] => hostsWith(cluster, 'patroni');

/** Whether a host takes part in backups: a database or backup host, when there is a repository. */
const backsUp = (host: Host, { cluster }: Context): boolean =>
  cluster.repositories.length > 0 && (host.roles.has('patroni') || host.roles.has('pgbackrest'));

/** The leader, or on new hosts the member that is made first. */
const leading = (context: Context): Host[] => {
  const members = databases(context);
  const leader =
    members.find((host) => host.name === context.snapshot.leader?.name) ??
    members.find((host) => host.tags.nofailover !== true) ??
    members[0];
  return leader ? [leader] : [];
};

/**
 * Members with data, where a cluster exists and PostgreSQL runs on none of its hosts. They start together: Patroni and
 * the DCS decide which of them may lead, and waiting for the wrong one would never end. No service is interrupted by
 * that. Empty as soon as one host is silent, and without the key in the DCS that keeps a stale member from leading.
 */
const allStopped = (context: Context): Host[] => {
  const { leader, initialize, observations } = context.snapshot;
  const observed = databases(context).map((host) => ({ host, its: observations.get(host.name) }));
  // PostgreSQL was reported as stopped; silence is something else.
  const stopped = observed.every(({ its }) => its?.sql && 'said' in its.sql && its.sql.said === null);
  if (leader || initialize === undefined || !stopped) return [];
  return observed.filter(({ its }) => said(its?.dataDirectory)?.state === 'cluster').map(({ host }) => host);
};

/** Hosts that come before all others: the leader, or all members of which one will lead. */
const first = (context: Context): Host[] => {
  const together = allStopped(context);
  return together.length > 0 ? together : leading(context);
};

/** The other members, which clone the leader. */
const following = (context: Context): Host[] => databases(context).filter((host) => !first(context).includes(host));

const identity: Stage = {
  name: 'identity',
  hosts: everyone,
  steps: (host, context) => [
    directory(firstRole(host), PATHS.etc),
    file(firstRole(host), PATHS.identity, `${JSON.stringify(identityOf(host, context), null, 2)}\n`, { mode: '0644' }),
  ],
};

const identityOf = (host: Host, { cluster, secrets }: Context): Identity => ({
  ...secrets.identity(),
  fixed: immutableSettings(cluster, host),
});

/**
 * Writes only the identity: the generation of the inventory and the revision of the secret store, so that older copies
 * of either are refused.
 */
export const identityOnly: Playbook = [identity];

/** The role for steps that belong to the host rather than to a role: one that every run of the host includes. */
const firstRole = (host: Host) => [...host.roles][0]!;

/** The source of PostgreSQL's packages, once per host for all roles that use it. */
function postgresPackages(host: Host, context: Context): Step[] {
  const role = packagesRole(host);
  return role ? packageSources(role, host, context) : [];
}

const PROXY = '/etc/apt/apt.conf.d/80hapg-proxy';

/** The proxy for packages, where the inventory has one. */
const packageProxy = (host: Host, { cluster }: Context): Step => {
  const { proxy } = cluster.settings.apt;
  if (!proxy) return noFile(firstRole(host), PROXY);
  const lines = ['http', 'https'].map((scheme) => `Acquire::${scheme}::Proxy "${proxy}";\n`);
  return file(firstRole(host), PROXY, `// Managed by hapg.\n${lines.join('')}`);
};

/**
 * The package sources. A stage of its own, because some sources need a package first, which takes longer than an undo
 * waits.
 */
const sources: Stage = {
  name: 'package sources',
  hosts: everyone,
  steps: (host, context) => [packageProxy(host, context), ...postgresPackages(host, context)],
};

const prepare: Stage = {
  name: 'hardening',
  hosts: everyone,
  steps: (host, context) => stepsOfRoles('prepare', host, context),
};

export const install: Stage = { name: 'packages', hosts: everyone, steps: packagesOfRoles };

/**
 * The firewall. A stage of its own, because its undo waits for the proof of a login: nothing slow may share the stage.
 */
const protect: Stage = {
  name: 'firewall',
  hosts: everyone,
  steps: (host, context) => (host.roles.has('ufw') ? ufw(host, context, rulesFor) : []),
};

const services: Stage = {
  name: 'services',
  hosts: everyone,
  steps: (host, context) => stepsOfRoles('services', host, context),
};

const certificates: Stage = {
  name: 'certificates',
  hosts: everyone,
  steps: (host, context) => stepsOfRoles('certificates', host, context),
};

/**
 * The DCS. A new one starts all members together, because they wait for each other; a running one is changed one member
 * at a time.
 */
const dcs: Stage = {
  name: 'dcs',
  hosts: ({ cluster }) => dcsHosts(cluster),
  steps: (host, context) => (host.roles.has('etcd') ? etcd(host, context) : zookeeper(host, context)),
  order: (busy, { cluster, snapshot }) => (dcsIsNew(cluster, snapshot) ? [[...busy]] : busy.map((host) => [host])),
  // A Patroni that has lost its DCS member finds another one within a cycle. If that one restarted meanwhile, a leader
  // could fail to renew its lease and step down (seen at etcd's rotation: lease_keepalive refused, PostgreSQL
  // restarted).
  between: ({ cluster, snapshot }) => (snapshot.exists ? patroniSettles(cluster) : 0),
  gate: ([host], { cluster, snapshot }) =>
    dcsIsNew(cluster, snapshot) ? { ok: true } : mayStopDcs(cluster, host!.name, snapshot),
};

const repository: Stage = {
  name: 'backup service',
  hosts: (context) => context.cluster.hosts.filter((host) => backsUp(host, context)),
  steps: pgbackrest,
};

/** The source of a standby cluster. It must be reachable from every host that may lead. */
const source: Stage = {
  name: 'source',
  hosts: (context) => (context.cluster.upstream && !context.snapshot.exists ? databases(context) : []),
  steps: (_host, context) => patroniUpstream(context),
};

/**
 * The leader. On a running cluster the settings of all members come before the wait for PostgreSQL: one of them may
 * keep it from starting.
 */
const leader: Stage = {
  name: 'leader',
  hosts: first,
  steps: (host, context) =>
    context.snapshot.exists && leading(context).includes(host)
      ? [patroniDynamic(host, context), ...patroni(host, context)]
      : patroni(host, context),
  // One group, so that the next stage observes who leads now.
  order: (busy) => [[...busy]],
};

const settings: Stage = {
  name: 'users and databases',
  hosts: leading,
  steps: (host, context) => [
    ...(context.snapshot.exists ? [] : [patroniDynamic(host, context)]),
    ...patroniCluster(context),
  ],
};

/** Rights come after the databases that they are in. */
const rights: Stage = {
  name: 'schemas and rights',
  hosts: leading,
  steps: (_host, context) => patroniRights(context),
};

const backup: Stage = {
  name: 'first backup',
  hosts: ({ cluster }) => backupHosts(cluster),
  steps: (host, context) => pgbackrestSchedule(host, context, leading(context)[0]),
};

const replicas: Stage = { name: 'replicas', hosts: following, steps: patroni };

const restarts: Stage = {
  name: 'pending restarts',
  hosts: databases,
  steps: patroniRestart,
  // Patroni knows after its next cycle whether a setting of its file needs a restart.
  settles: ({ cluster }) => ({ handler: 'reload patroni.service', seconds: patroniSettles(cluster) }),
  order: (busy, { snapshot }) => restartOrder(busy, snapshot),
  gate: (_group, { cluster, snapshot }) => membersHealthy(cluster, snapshot),
};

const inEffect: Stage = {
  name: 'settings in effect',
  hosts: databases,
  steps: patroniInEffect,
  // PostgreSQL's own reload follows the cycle in which Patroni reads its file.
  settles: ({ cluster }) => ({ handler: 'reload patroni.service', seconds: patroniSettles(cluster) + 2 }),
};

const extensions: Stage = {
  name: 'extensions',
  // A standby cluster has the extensions of its source.
  hosts: (context) => (context.cluster.upstream ? [] : leading(context)),
  steps: patroniExtensions,
};

/** The pools, one after the other, so that one always takes connections. */
const pools: Stage = {
  name: 'pools',
  hosts: ({ cluster }) => hostsWith(cluster, 'pgbouncer'),
  steps: pgbouncer,
  order: (busy) => busy.map((host) => [host]),
};

/** The balancers, one after the other as soon as one holds the VIP; its holder comes last. */
const balancers: Stage = {
  name: 'balancers',
  hosts: ({ cluster }) => hostsWithAny(cluster, 'haproxy', 'keepalived'),
  steps: (host, context) => [
    ...(host.roles.has('haproxy') ? haproxy(host, context) : []),
    ...(host.roles.has('keepalived') ? keepalived(host, context) : []),
  ],
  order: (busy, { snapshot }) =>
    snapshot.vipHolders.length === 0
      ? [[...busy]]
      : [...busy]
          .sort((a, b) => Number(snapshot.vipHolders.includes(a.name)) - Number(snapshot.vipHolders.includes(b.name)))
          .map((host) => [host]),
};

const clients: Stage = { name: 'clients', hosts: ({ cluster }) => hostsWith(cluster, 'client'), steps: client };

/** The exporters and who reads them; on hosts that have them no more, what is left of them. */
const watch: Stage = {
  name: 'monitoring',
  hosts: everyone,
  steps: (host, context) => [...exporters(host, context), ...monitoring(host, context)],
};

/** Everything that PostgreSQL needs; it does not start PostgreSQL. */
export const beforePostgres: Playbook = [
  identity,
  sources,
  prepare,
  install,
  protect,
  services,
  certificates,
  dcs,
  repository,
];

/** Turns bare hosts into a healthy cluster; changes nothing on a healthy one. */
export const apply: Playbook = [
  ...beforePostgres,
  source,
  leader,
  settings,
  rights,
  backup,
  replicas,
  restarts,
  inEffect,
  extensions,
  pools,
  balancers,
  clients,
  watch,
];
