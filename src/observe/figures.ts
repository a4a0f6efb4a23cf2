import { SQL_S, STORAGE_S } from '../bounds/programs.ts';
import { type Cluster, type Host, serverOf } from '../inventory/model.ts';
import { json } from '../programs/json.ts';
import { askRest } from '../programs/patroni.ts';
import { hasSocket, sql } from '../programs/postgres.ts';
import { words } from '../shell/quote.ts';
import { type Answer, answerOf, asking, bounded, wholeOf } from './answer.ts';
import { patroniRest } from './patroni.ts';
import type { Question } from './question.ts';

/** PostgreSQL's figures of one member. */
export interface ServerFigures {
  version: string;
  connections: { used: number; max: number };
  /** Null on a replica, which has the same. */
  databases: { name: string; bytes: number }[] | null;
  slots: { name: string; type: string; active: boolean; kept: number | null }[];
}

/** Room in the file system of a directory (bytes). */
export interface Room {
  path: string;
  sizeBytes: number;
  freeBytes: number;
}

/** What a person wants to know of a member, and no verdict depends on. */
export interface Figures {
  server: Answer<ServerFigures | null>;
  room: Answer<Room[]>;
  /** Patroni's list of timelines as it answered (GET /history); empty without an answer. */
  history: string;
}

/** One statement with a one-line answer. The sizes of databases cost a look at every file, so one member counts them. */
const statement = (everywhere: boolean): string =>
  `select json_build_object(
'version', current_setting('server_version'),
'connections', json_build_object('used', (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()), 'max', current_setting('max_connections')::int),
'databases', ${everywhere ? '' : 'case when pg_is_in_recovery() then null else '}(select json_agg(json_build_object('name', datname, 'bytes', coalesce(pg_database_size(oid), 0)) order by datname) from pg_database where not datistemplate)${everywhere ? '' : ' end'},
'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'type', slot_type, 'active', active, 'kept', case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end) order by slot_name), '[]') from pg_replication_slots))`.replaceAll(
    '\n',
    ' ',
  );

/** Directories whose room counts: the data, and WAL that lies elsewhere. */
const placesOf = ({ walDir }: Cluster, { dataDir }: Host): string[] => [dataDir, ...(walDir ? [walDir] : [])];

/** Figures for `hapg status`; other observations leave them out, for they take a connection and a look at every file. */
export const figures: Question<Answer<Figures>> = {
  about: 'figures',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script: (cluster, host) =>
    `{ ${patroniRest(cluster, host)}
${askRest('history', '--fail')}
} 2>/dev/null
echo
if ${hasSocket(serverOf(cluster))}; then ${asking(SQL_S, sql(serverOf(cluster), statement(cluster.upstream !== undefined)))}; fi
echo --
${bounded(STORAGE_S, `for p in ${words(...placesOf(cluster, host))}; do [ ! -d "$p" ] || { echo "room $p"; df -Pk -- "$p"; }; done`)}`,
  read(answer) {
    const [first = '', ...lines] = answer.split('\n');
    const middle = lines.indexOf('--');
    const its = answerOf(lines.slice(0, Math.max(middle, 0)).join('\n'));
    const whole = wholeOf(lines.slice(middle + 1).join('\n'));
    const server: Figures['server'] =
      its === undefined
        ? { said: null }
        : 'silent' in its
          ? its
          : { said: json<ServerFigures & Record<string, unknown>>(its.said) ?? null };
    const room: Figures['room'] = 'silent' in whole ? whole : { said: roomsOf(whole.said) };
    return { said: { history: first.trim(), server, room } };
  },
};

/** Reads df(1), "-P": a heading, then one line a file system: device, blocks of a KiB, used, available. */
const roomsOf = (text: string): Room[] =>
  [...text.matchAll(/^room (.+)\n.*\n\S+ +(\d+) +\d+ +(\d+) /gm)].map(([, path, size, free]) => ({
    path: path!,
    sizeBytes: Number(size) * 1024,
    freeBytes: Number(free) * 1024,
  }));
