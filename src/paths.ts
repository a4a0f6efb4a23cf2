import { factsOf, ROLE_NAMES, type ROLES, type RoleName } from './roles.ts';

/** Paths of hapg's own on the hosts; the one place where they are written. */
export const PATHS = {
  etc: '/etc/hapg',
  identity: '/etc/hapg/cluster.json',
  state: '/var/lib/hapg',
  lock: '/var/lib/hapg/lock',
  /** One empty file a handler that is still due. */
  pending: '/var/lib/hapg/pending',
  /** Scripts and exit codes of transient units. */
  units: '/var/lib/hapg/units',
  /** Undos of temporary changes, one directory each. */
  undo: '/var/lib/hapg/undo',
  /** What a guarded change would put back. */
  guard: '/var/lib/hapg/undo/guard',
  /** The directory of this host's database, once there is one. */
  data: '/var/lib/hapg/data',
  /** Which source has let this host in as a copy; gone with the next boot. */
  letIn: '/run/hapg-let-in',
  /** While this is there, Patroni does not start: a restore is under way. */
  restore: '/var/lib/hapg/restore',
  /** What Patroni reads: a link to its configuration, and which data center is preferred. */
  memberConfig: '/run/patroni-member',
  preferencesScript: '/etc/patroni/preferences',
  drillScript: '/usr/local/lib/hapg/drill',
  /** What the last drill found. */
  drill: '/var/lib/hapg/drill.json',
  /** Keys to another cluster's repositories, while a clone of it is made here. */
  cloneSource: '/etc/pgbackrest/source',
  log: '/var/log/hapg',
  audit: '/var/log/hapg/audit.log',
  /** Passwords of the application users on a client host (libpq, "The Password File"). */
  clientPasswords: '/root/.pgpass',
} as const;

type WithKeys = {
  [Name in RoleName]: (typeof ROLES)[Name] extends { keys: string } ? Name : never;
}[RoleName];

/** Where each role keeps its keys and certificates on a host; on a client it is the authority to verify servers with. */
export const PKI = {
  ...(Object.fromEntries(
    ROLE_NAMES.flatMap((role) => (factsOf(role).keys ? [[role, factsOf(role).keys]] : [])),
  ) as Record<WithKeys, string>),
  client: '/etc/hapg/postgres-ca.crt',
} as const;
