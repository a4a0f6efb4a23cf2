import { backupHosts, type Cluster, type Host } from '../inventory/model.ts';
import { hostPort } from '../inventory/network.ts';
import { PATHS, PKI } from '../paths.ts';
import type { Sizes } from '../postgres/sizes.ts';
import { CURL } from '../programs/curl.ts';
import { pgbackrest } from '../programs/pgbackrest.ts';
import { sql } from '../programs/postgres.ts';
import { quote, words } from '../shell/quote.ts';
import { asking } from './answer.ts';
import type { BackupService, DrillResult, Repository } from './backups.ts';
import { etcdAnswers, observeDcs } from './dcs.ts';

/** HAProxy's runtime API. */
export const HAPROXY_SOCKET = '/run/haproxy/admin.sock';

/** Who a host says it belongs to; `/etc/hapg/cluster.json`. */
export interface Identity {
  cluster: string;
  uuid: string;
  /** Raised when the inventory changes. */
  generation: number;
  /** Raised by every change of the secret store; absent where an older hapg wrote this, which counts as 0. */
  revision?: number;
  /** The random name of that revision: two copies of the store that were changed apart give it two names. */
  revision_id?: string;
  authorities: Record<string, string>;
  /** What keeps who leads; absent: etcd of the cluster's own. */
  dcs?: string;
  /** The settings that stay as they are as long as the cluster lives; absent where an older hapg wrote this. */
  fixed?: Record<string, string | number>;
}

/** One member as Patroni's `/cluster` tells it. */
export interface PatroniMember {
  name: string;
  role: string;
  state: string;
  host?: string;
  timeline?: number;
  lag?: number | string;
  pending_restart?: boolean;
  tags?: Record<string, unknown>;
}

/** What one host shows of itself and of the cluster; undefined where the host does not have the role or does not answer. */
export interface Observation {
  identity: Identity | undefined;
  pending: string[];
  /** Transient hapg units and armed undo timers that are there now. */
  units: string[];
  holder: string | undefined;
  dataDirectory:
    | {
        state: 'absent' | 'empty' | 'foreign' | 'cluster';
        systemIdentifier?: string;
        /** The data was last that of a leader, not of a replica (pg_controldata, "Database cluster state"). */
        led?: boolean;
        /** It is absent or empty now, and this host had its database there. */
        lost?: boolean;
        /** Where this host has, or had, its database. */
        noted?: string;
      }
    | undefined;
  patroni:
    | { self: Record<string, unknown> | undefined; members: PatroniMember[] | undefined; paused: boolean }
    | undefined;
  sql:
    | {
        archiver: {
          archived_count: number;
          failed_count: number;
          last_archived_time: string | null;
          last_failed_time: string | null;
          /** WAL segments that wait, and for how many seconds the oldest has. */
          waiting: number;
          waiting_s: number | null;
        };
        /** On a leader: who streams from it, and how many bytes of WAL each has yet to replay. */
        replication: { name: string; state: string; behind: number | null }[];
        /** On a leader: for whom WAL is kept and who is not connected, and how many bytes; `lost`: no longer all that is needed. */
        idleSlots: { name: string; kept: number | null; lost: boolean }[];
        /** Directories of tablespaces outside the data directory. */
        tablespaces: string[];
        /** Settings that take effect with a restart only. */
        restartSettings: string[];
        /** Those sizes that hapg computes, in bytes, as PostgreSQL has them from its configuration; null where it has none from there. */
        sizes?: Partial<Sizes> | null;
        /** On a standby: from where it gets WAL; null when it does not. */
        receiver: { status: string; from: string | null } | null;
        /** When the last transaction that was replayed here was committed; null where there was none. */
        replayed: string | null;
        /** The oldest open transaction of a client; null when there is none. */
        transaction: { seconds: number; user: string | null; database: string | null } | null;
      }
    | undefined;
  /** What the host knows of the DCS: its member's own view, or what Patroni reads there. */
  dcs:
    | {
        healthy: boolean;
        id: string;
        leader: string;
        members: { id: string; name: string; peer: string; learner: boolean }[] | undefined;
        initialize: string | undefined;
        /** Members that must answer before a leader without DCS may go on (Patroni's failsafe mode). */
        failsafe: string[];
        /** What is kept there could not be read: that nothing was seen does not mean that nothing is there. */
        blind?: boolean;
      }
    | undefined;
  /** A member of etcd belongs here, and there is nothing of one: no data, and no note that it has ever joined. */
  newToDcs: boolean | undefined;
  vipHeld: boolean | undefined;
  /** The pool before this member's PostgreSQL takes connections. */
  pool: boolean | undefined;
  /** Server rows of HAProxy's statistics; `sessions` are those open now. */
  balancer: { proxy: string; server: string; status: string; sessions: number }[] | undefined;
  repository: Repository | undefined;
  backupService: BackupService | undefined;
  drill: DrillResult | undefined;
  /** A restore is under way on this host: what it was told. */
  restore: string | undefined;
  /** Expiry in milliseconds since the epoch, by path. */
  certificates: { path: string; expires: number }[];
  /** What was asked of a program that should know, and gave no answer: the reason, by what it was asked about. */
  silent: Partial<Record<Subject, string>>;
}

/** What a host can be silent about although the program that knows is there. */
export type Subject = 'patroni' | 'postgres' | 'etcd' | 'backups';

/** Names of the undos of temporary changes that are armed, from a host's active units. */
export const armedUndos = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^hapg-undo-([a-z0-9-]+)\.timer$/.exec(unit)?.[1] ?? [])),
];

/**
 * Units of runs that are at work now, from a host's active units, also an undo that is being run. A drill and a client's load
 * go on beside everything.
 */
export const unitsAtWork = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^(hapg-(?!drill\.|load\.)[a-z0-9-]+)\.service$/.exec(unit)?.[1] ?? [])),
];

/**
 * POSIX sh that tells the holder of a host's lock, or prints nothing; writes nothing. For the moment in which it looks it
 * shares the lock with others that look; a run that wants it waits that long.
 */
export const holderScript = `if [ -e ${PATHS.lock} ] && ! flock -sn ${PATHS.lock} true; then cat ${PATHS.lock}; fi`;

/**
 * POSIX sh that asks Patroni and etcd once for all that follows in the same script: what they answer costs up to 50 ms a
 * request, and several kinds of step want it. Scripts use `${HAPG_PATRONI-$(ask again)}`, so that they also work alone.
 */
export function sharedAnswers(cluster: Cluster, host: Host): string {
  const { settings } = cluster;
  const parts: string[] = [];
  if (host.roles.has('patroni')) {
    const base = `https://${hostPort(host.address, settings.patroni.port)}`;
    parts.push(`HAPG_PATRONI= HAPG_CLUSTER= HAPG_CONFIG= HAPG_PATRONI_CODE=
if [ -e ${PKI.patroni}/rest-ca.crt ]; then
{ read -r HAPG_PATRONI; read -r HAPG_CLUSTER; read -r HAPG_CONFIG; read -r HAPG_PATRONI_CODE; } <<ANSWER
$(${CURL} -s --max-time 5 -w '\\n' --cacert ${PKI.patroni}/rest-ca.crt ${base}/patroni ${base}/cluster ${base}/config; echo $?)
ANSWER
fi`);
  }
  if (host.roles.has('etcd')) parts.push(etcdAnswers(cluster, host));
  return parts.join('\n');
}

/** POSIX sh that reads all this on one host, after `sharedAnswers`; `@name` lines announce the parts. Writes nothing. */
export function observeScript(cluster: Cluster, host: Host): string {
  const { settings } = cluster;
  const has = (role: Parameters<typeof host.roles.has>[0]) => host.roles.has(role);
  const parts = [
    `echo @identity; cat ${PATHS.identity} 2>/dev/null; echo`,
    `echo @pending; ls ${PATHS.pending} 2>/dev/null`,
    `echo @units; systemctl list-units --plain --no-legend --state=active,activating 'hapg-*' 2>/dev/null`,
    `echo @holder; ${holderScript}; echo`,
  ];
  const crts: string[] = [];
  if (has('patroni')) {
    const data = quote(cluster.dataDir);
    crts.push(`${PKI.patroni}/*.crt`);
    parts.push(`echo @restore; cat ${PATHS.restore} 2>/dev/null; echo`);
    parts.push(
      `echo @data
if [ -e ${data}/PG_VERSION ]; then echo cluster; ${cluster.binDir}/pg_controldata -D ${data} 2>/dev/null | sed -n 's/^Database system identifier: *//p; s/^Database cluster state: *//p'
elif [ ! -e ${data} ]; then echo absent; elif [ -z "$(ls -A ${data})" ]; then echo empty; else echo foreign; fi
[ ! -e ${PATHS.data} ] || echo "noted $(cat ${PATHS.data})"`,
      `echo @patroni; printf '%s\\n' "$HAPG_PATRONI" "$HAPG_CLUSTER" "$HAPG_PATRONI_CODE"`,
      `echo @sql
if [ -S /var/run/postgresql/.s.PGSQL.${settings.postgres.port} ]; then ${asking(10, sql(settings.postgres.port, SQL))}; fi`,
    );
  }
  if (has('etcd')) crts.push(`${PKI.etcd}/*.crt`);
  if (has('zookeeper')) crts.push(`${PKI.zookeeper}/*.crt`);
  parts.push(...observeDcs(cluster, host));
  if (has('pgbouncer')) {
    crts.push(`${PKI.pgbouncer}/*.crt`);
    const { port } = settings.pgbouncer;
    parts.push(`echo @pool; pg_isready -q -t 3 -h ${quote(host.address)} -p ${port} 2>/dev/null && echo yes`);
  }
  if (has('haproxy'))
    parts.push(
      `echo @haproxy; if [ -S ${HAPROXY_SOCKET} ]; then echo 'show stat -1 4 -1' | timeout 3 socat -t 3 - UNIX-CONNECT:${HAPROXY_SOCKET} 2>/dev/null; fi`,
    );
  if (has('keepalived') && cluster.vip)
    parts.push(
      `echo @vip; ip -o addr show dev ${quote(cluster.vip.interface)} 2>/dev/null | grep -cF ' ${cluster.vip.address}/'`,
    );
  if (has('pgbackrest')) crts.push(`${PKI.pgbackrest}/*.crt`);
  if (backupHosts(cluster).includes(host)) {
    // Where every member could tell, the one that leads does; without a leader all do.
    const asked = has('patroni')
      ? `case "$HAPG_PATRONI" in *'"role": "replica"'*|*'"role": "standby_leader"'*) false ;; esac`
      : 'true';
    parts.push(`echo @repository; if [ -e /etc/pgbackrest/pgbackrest.conf ] && { ${asked}; }; then ${asking(20, pgbackrest(cluster.stanza, 'info', '--output=json'))}; fi; echo
echo @backup; systemctl show --timestamp=unix -p Id,ActiveState,LastTriggerUSec pgbackrest-full.timer pgbackrest-diff.timer 2>/dev/null
for p in ${words(...cluster.repositories.filter((one) => one.kind !== 's3').map((one) => one.path))}; do [ ! -d "$p" ] || df -Pk "$p" | awk -v p="$p" 'NR == 2 {printf "space %.0f %.0f %s\\n", $2 * 1024, $4 * 1024, p}'; done`);
  }
  if (cluster.repositories.length > 0 && (has('patroni') || has('pgbackrest')))
    parts.push(`echo @drill; cat ${PATHS.drill} 2>/dev/null; echo`);
  if (crts.length > 0)
    parts.push(`echo @certificates; for f in ${crts.join(' ')}; do [ -e "$f" ] && { echo "path $f"; cat "$f"; }; done`);
  return parts.join('\n');
}

const SQL = `select json_build_object(
'archiver', (select json_build_object('archived_count', archived_count, 'failed_count', failed_count, 'last_archived_time', last_archived_time, 'last_failed_time', last_failed_time, 'waiting', (select count(*) from pg_ls_archive_statusdir() where name like '%.ready'), 'waiting_s', (select floor(extract(epoch from now() - min(modification))) from pg_ls_archive_statusdir() where name like '%.ready')) from pg_stat_archiver),
'replication', (select coalesce(json_agg(json_build_object('name', application_name, 'state', state, 'behind', case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) end)), '[]') from pg_stat_replication),
'idleSlots', (select coalesce(json_agg(json_build_object('name', slot_name, 'kept', case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end, 'lost', wal_status = 'lost')), '[]') from pg_replication_slots where not active and not pg_is_in_recovery()),
'tablespaces', (select coalesce(json_agg(pg_tablespace_location(oid) order by oid), '[]') from pg_tablespace where pg_tablespace_location(oid) like '/%'),
'restartSettings', (select json_agg(name order by name) from pg_settings where context = 'postmaster'),
'sizes', (select json_object_agg(name, setting::bigint * case unit when '8kB' then 8192 else 1024 end) from pg_settings where name in ('shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem') and source = 'configuration file' and sourcefile not like '%.auto.conf'),
'receiver', (select json_build_object('status', status, 'from', sender_host) from pg_stat_wal_receiver),
'replayed', pg_last_xact_replay_timestamp(),
'transaction', (select json_build_object('seconds', floor(extract(epoch from now() - xact_start)), 'user', usename, 'database', datname) from pg_stat_activity where backend_type = 'client backend' and xact_start is not null and pid <> pg_backend_pid() order by xact_start limit 1))`.replaceAll(
  '\n',
  ' ',
);
