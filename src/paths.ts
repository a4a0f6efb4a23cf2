import { factsOf, ROLE_NAMES, type ROLES, type RoleName } from './roles.ts';

/** Paths of hapg's own files on the hosts; they are written only here. */
export const PATHS = {
  etc: '/etc/hapg',
  identity: '/etc/hapg/cluster.json',
  state: '/var/lib/hapg',
  lock: '/var/lib/hapg/lock',
  /** One empty file for each handler that is still due. */
  pending: '/var/lib/hapg/pending',
  /** Scripts and exit codes of transient units. */
  units: '/var/lib/hapg/units',
  /** Undos of temporary changes, one directory each. */
  undo: '/var/lib/hapg/undo',
  /** Temporary states that an operator wants, one directory each. */
  hold: '/var/lib/hapg/hold',
  /** The undo of guarded changes, with the saved state. */
  loginUndo: '/var/lib/hapg/undo/guard',
  /** The directory of this host's database, once there is one. */
  data: '/var/lib/hapg/data',
  /** The source that has let this host in as a standby; removed at the next boot. */
  letIn: '/run/hapg-let-in',
  /** Mark of a restore in progress: Patroni does not start while it exists. */
  restore: '/var/lib/hapg/restore',
  /** Patroni's configuration: a link, and the preferred data center. */
  memberConfig: '/run/patroni-member',
  preferencesScript: '/etc/patroni/preferences',
  noticeScript: '/usr/local/lib/hapg/notice',
  /** curl's configuration with the address of the webhook. */
  webhook: '/etc/hapg/webhook.conf',
  drillScript: '/usr/local/lib/hapg/drill',
  /** The result of the last drill. */
  drill: '/var/lib/hapg/drill.json',
  /** Keys to another cluster's repositories, during a clone. */
  cloneSource: '/etc/pgbackrest/source',
  log: '/var/log/hapg',
  audit: '/var/log/hapg/audit.log',
  /** Passwords of the application users on a client host (libpq, "The Password File"). */
  clientPasswords: '/root/.pgpass',
} as const;

type WithKeys = {
  [Name in RoleName]: (typeof ROLES)[Name] extends { keys: string } ? Name : never;
}[RoleName];

/** Directory of each role's keys and certificates on a host; on a client, the authority to verify servers with. */
export const PKI = {
  ...(Object.fromEntries(
    ROLE_NAMES.flatMap((role) => (factsOf(role).keys ? [[role, factsOf(role).keys]] : [])),
  ) as Record<WithKeys, string>),
  client: '/etc/hapg/postgres-ca.crt',
} as const;
