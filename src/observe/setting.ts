import { SQL_S } from '../bounds/programs.ts';
import { type Cluster, type Host, serverOf } from '../inventory/model.ts';
import type { Effective } from '../postgres/effective.ts';
import { json } from '../programs/json.ts';
import { printDynamic } from '../programs/patroni.ts';
import { hasSocket, sql } from '../programs/postgres.ts';
import { answerOf, asking } from './answer.ts';
import { patroniRest } from './patroni.ts';

/** A value that ALTER ROLE, ALTER DATABASE, or both together give to sessions; null: every role, every database. */
export interface SessionValue {
  role: string | null;
  database: string | null;
  value: string;
}

/** One setting as a member's PostgreSQL has it. */
export interface LiveSetting extends Effective {
  /** PostgreSQL's own default, in base units; null when it has none. */
  boot: string | null;
  /** The value that the files hold now, which a reload or restart brings; undefined when they hold none. */
  inFiles: string | undefined;
  sessions: SessionValue[];
}

/** What one host knows of a setting. */
export interface SettingAnswer {
  /** Undefined when PostgreSQL has no such setting. */
  live: LiveSetting | undefined;
  /** Why PostgreSQL gave no answer. */
  silent: string | undefined;
  /** The dynamic configuration; undefined when Patroni gave none. */
  dynamic: Record<string, unknown> | undefined;
}

/** A setting of the TCP connection, of which the asking session has none (`show_tcp_keepalives_idle`): what others get. */
const VALUE = "case when name like 'tcp\\_%' then reset_val else setting end";

/** One statement with a one-line answer. `name` has no character that a string of SQL would have to escape. */
const statement = (name: string): string =>
  `select json_build_object(
'live', (select json_build_object('value', ${VALUE}, 'type', vartype, 'unit', unit, 'context', context, 'source', source, 'place', sourcefile || ':' || sourceline, 'boot', boot_val, 'pendingRestart', pending_restart) from pg_settings where lower(name) = '${name}'),
'inFiles', (select setting from pg_file_settings where lower(name) = '${name}' and applied order by seqno desc limit 1),
'sessions', (select coalesce(json_agg(json_build_object('role', r.rolname, 'database', d.datname, 'value', substr(c, strpos(c, '=') + 1)) order by r.rolname, d.datname), '[]') from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole cross join unnest(s.setconfig) c where lower(split_part(c, '=', 1)) = '${name}'))`.replaceAll(
    '\n',
    ' ',
  );

/** Names that the question takes. */
export const isSettingName = (name: string): boolean => /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*$/.test(name);

/** POSIX sh that asks Patroni for its dynamic configuration and PostgreSQL for one setting. */
export const settingScript = (cluster: Cluster, host: Host, name: string): string =>
  `${printDynamic(patroniRest(cluster, host))}
if ${hasSocket(serverOf(cluster))}; then ${asking(SQL_S, sql(serverOf(cluster), statement(name)))}; fi`;

/** Reads the answer to `settingScript`. */
export function readSetting(answer: string): SettingAnswer {
  const [first = '', ...rest] = answer.split('\n');
  const dynamic = json<Record<string, unknown>>(first);
  const its = answerOf(rest.join('\n'));
  if (its === undefined) return { live: undefined, silent: 'PostgreSQL does not run', dynamic };
  if ('silent' in its) return { live: undefined, silent: its.silent, dynamic };
  type Row = Omit<LiveSetting, 'inFiles' | 'sessions'> & { unit: string | null; place: string | null };
  const { live, inFiles, sessions } = json<{
    live: Row | null;
    inFiles: string | null;
    sessions: SessionValue[];
  }>(its.said)!;
  if (!live) return { live: undefined, silent: undefined, dynamic };
  const { unit, place, ...others } = live;
  return {
    live: {
      ...others,
      ...(unit === null ? {} : { unit }),
      place: place ?? undefined,
      inFiles: inFiles ?? undefined,
      sessions,
    },
    silent: undefined,
    dynamic,
  };
}
