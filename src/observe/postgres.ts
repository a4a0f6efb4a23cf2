import { SQL_S } from '../bounds/programs.ts';
import { serverOf } from '../inventory/model.ts';
import type { Sizes } from '../postgres/sizes.ts';
import { json } from '../programs/json.ts';
import { hasSocket, sql as statement } from '../programs/postgres.ts';
import { type Answer, answerOf, asking } from './answer.ts';
import type { Question } from './question.ts';

/** PostgreSQL's own report. */
export interface Postgres {
  archiver: {
    archived_count: number;
    failed_count: number;
    last_archived_time: string | null;
    last_failed_time: string | null;
    /** WAL segments that wait to be archived, and how long the oldest has waited (s). */
    waiting: number;
    waiting_s: number | null;
  };
  /** Standbys that stream from a leader, and the WAL that each has yet to replay (bytes). */
  replication: { name: string; state: string; behind: number | null }[];
  /** Slots of a leader that keep WAL for a consumer that is not connected (bytes); `lost`: needed WAL is gone. */
  idleSlots: { name: string; kept: number | null; lost: boolean }[];
  /** Directories of tablespaces outside the data directory. */
  tablespaces: string[];
  /** Settings that take effect with a restart only. */
  restartSettings: string[];
  /** The sizes that hapg computes, as PostgreSQL has them from its configuration (bytes); null when it has none from there. */
  sizes?: Partial<Sizes> | null;
  /** The upstream from which a standby gets WAL; null when it gets none. */
  receiver: { status: string; from: string | null } | null;
  /** When the last replayed transaction was committed; null when there was none. */
  replayed: string | null;
  /** The oldest open transaction of a client; null when there is none. */
  transaction: { seconds: number; user: string | null; database: string | null } | null;
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

/** PostgreSQL's report; null when none runs. */
export const postgres: Question<Answer<Postgres | null>> = {
  about: 'members',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script: (cluster) =>
    `if ${hasSocket(serverOf(cluster))}; then ${asking(SQL_S, statement(serverOf(cluster), SQL))}; fi`,
  read(answer) {
    const its = answerOf(answer);
    if (its === undefined) return { said: null };
    return 'silent' in its ? its : { said: json<Postgres>(its.said) ?? null };
  },
};
