import { ALL_NOTED_S, DROP_LOCK_S } from '../bounds/bench.ts';
import { print, quote, words } from '../shell/quote.ts';
import { clientPsql, hasSocket, psql, type Server } from './postgres.ts';

/** The schema of the load test, which is removed afterwards. */
export const BENCH_SCHEMA = 'hapg_bench';

/** By this name the servers know the load's sessions. */
const APPLICATION = 'hapg_bench';

/** A load test. */
export interface BenchWish {
  clients: number;
  seconds: number;
  /** Size of the tables: 100 000 accounts each. */
  scale: number;
}

/** Where pgbench runs: a directory for its files, and what it needs to log in. */
export interface BenchPlace {
  directory: string;
  /** The directory of PostgreSQL's programs, in which pgbench is looked for first. */
  binDir: string;
  uri: string;
  passwords: string;
}

/** What pgbench measured; its keys are part of the outside contract. Milliseconds; null: not known. */
export interface BenchFigures {
  transactions: number;
  failed_transactions: number;
  tps: number;
  latency_ms: {
    average: number | null;
    stddev: number | null;
    p50: number | null;
    p95: number | null;
    p99: number | null;
  };
}

/**
 * pgbench's own transaction (pgbench, "tpcb-like") and tables, with the schema in every name: a pool refuses options that
 * set a search path, and the tables of applications stay out of reach.
 */
const TRANSACTION = `\\set aid random(1, 100000 * :scale)
\\set bid random(1, :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
begin;
update ${BENCH_SCHEMA}.accounts set abalance = abalance + :delta where aid = :aid;
select abalance from ${BENCH_SCHEMA}.accounts where aid = :aid;
update ${BENCH_SCHEMA}.tellers set tbalance = tbalance + :delta where tid = :tid;
update ${BENCH_SCHEMA}.branches set bbalance = bbalance + :delta where bid = :bid;
insert into ${BENCH_SCHEMA}.history (tid, bid, aid, delta, mtime) values (:tid, :bid, :aid, :delta, current_timestamp);
end;
`;

/** One statement each. */
const tables = (scale: number): string[] => [
  `drop schema if exists ${BENCH_SCHEMA} cascade`,
  `create schema ${BENCH_SCHEMA}`,
  `create table ${BENCH_SCHEMA}.branches (bid int primary key, bbalance int, filler char(88)) with (fillfactor = 100)`,
  `create table ${BENCH_SCHEMA}.tellers (tid int primary key, bid int, tbalance int, filler char(84)) with (fillfactor = 100)`,
  `create table ${BENCH_SCHEMA}.accounts (aid int primary key, bid int, abalance int, filler char(84)) with (fillfactor = 100)`,
  `create table ${BENCH_SCHEMA}.history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`,
  `insert into ${BENCH_SCHEMA}.branches select n, 0, '' from generate_series(1, ${scale}) n`,
  `insert into ${BENCH_SCHEMA}.tellers select n, (n - 1) / 10 + 1, 0, '' from generate_series(1, ${10 * scale}) n`,
  `insert into ${BENCH_SCHEMA}.accounts select n, (n - 1) / 100000 + 1, 0, '' from generate_series(1, ${100_000 * scale}) n`,
  `analyze ${BENCH_SCHEMA}.branches, ${BENCH_SCHEMA}.tellers, ${BENCH_SCHEMA}.accounts`,
];

const named = (uri: string): string => `${uri}${uri.includes('?') ? '&' : '?'}application_name=${APPLICATION}`;

/** POSIX sh that fails where there is no pgbench. */
export const hasPgbench = (binDir: string): string => `PATH=${quote(binDir)}:$PATH; command -v pgbench >/dev/null`;

/** POSIX sh that fills the tables and runs the load; its results stay in the directory for `collectBench`. */
export const benchScript = ({ clients, seconds, scale }: BenchWish, place: BenchPlace): string => {
  const { directory, binDir, uri, passwords } = place;
  const fill = tables(scale).flatMap((statement) => ['-c', statement]);
  const share = Math.min(1, ALL_NOTED_S / seconds);
  return `umask 077; rm -rf ${quote(directory)}; mkdir -p ${quote(directory)}; cd ${quote(directory)} || exit 1
PATH=${quote(binDir)}:$PATH
${print(TRANSACTION)} > transaction.sql
echo 'the tables are being filled' > progress
${clientPsql(named(uri), passwords)} -v ON_ERROR_STOP=1 ${words(...fill)} >/dev/null 2> progress || { tail -n 3 progress; exit 1; }
env ${quote(`PGPASSFILE=${passwords}`)} ${words(
    ...['pgbench', '-n', '-c', String(clients), '-j', String(Math.min(clients, 2)), '-T', String(seconds), '-P', '2'],
    ...['-l', '--log-prefix=log', ...(share < 1 ? [`--sampling-rate=${share.toFixed(4)}`] : [])],
    ...['-D', `scale=${scale}`, '-f', 'transaction.sql', named(uri)],
  )} > out 2> progress || { tail -n 3 progress; exit 1; }
cut -d ' ' -f 3 log.* | sort -n > times
n=$(wc -l < times)
for share in 50 95 99; do sed -n "$(((n * share + 99) / 100))p" times; done > shares`;
};

/** POSIX sh that prints how far the load is. */
export const benchProgress = ({ directory }: Pick<BenchPlace, 'directory'>): string =>
  `tail -n 1 ${quote(`${directory}/progress`)}`;

/** Reads one line of pgbench's progress, for a person. */
export const describeProgress = (line: string): string | undefined =>
  /^progress: (.*)$/.exec(line.trim())?.[1]?.replace('lat ', 'latency ') ?? (line.trim() || undefined);

/** POSIX sh that prints the results and removes the files. */
export const collectBench = ({ directory }: Pick<BenchPlace, 'directory'>): string =>
  `cd ${quote(directory)} && cat out && echo -- && cat shares; code=$?; rm -rf ${quote(directory)}; exit $code`;

/** Reads what `collectBench` printed. Throws when it is not understood. */
export function readBench(answer: string): BenchFigures {
  const [out = '', shares = ''] = answer.split(/^--$/m);
  const figure = (pattern: RegExp): number | null => {
    const found = pattern.exec(out)?.[1];
    return found === undefined ? null : Number(found);
  };
  const tps = figure(/^tps = ([\d.]+)/m);
  const transactions = figure(/^number of transactions actually processed: (\d+)/m);
  if (tps === null || transactions === null)
    throw new Error(`pgbench's answer is not understood: ${answer.trim().slice(0, 200)}`);
  const [p50 = null, p95 = null, p99 = null] = shares
    .trim()
    .split('\n')
    .filter(Boolean)
    // pgbench notes microseconds (pgbench, "Per-Transaction Logging").
    .map((text) => Number(text) / 1000);
  return {
    transactions,
    failed_transactions: figure(/^number of failed transactions: (\d+)/m) ?? 0,
    tps,
    latency_ms: {
      average: figure(/^latency average = ([\d.]+) ms/m),
      stddev: figure(/^latency stddev = ([\d.]+) ms/m),
      ...{ p50, p95, p99 },
    },
  };
}

/**
 * POSIX sh for a database host that ends the load's sessions and removes its tables, where that host leads. A host that
 * follows has nothing to do: the removal reaches it as WAL.
 */
export const removeBench = (server: Server, database: string): string => {
  const ask = (sql: string) => psql(server, database, '-c', sql);
  return `if ${hasSocket(server)} && [ "$(${ask('select pg_is_in_recovery()')})" = f ]; then
${ask(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${APPLICATION}'`)} >/dev/null
${psql(server, database, '-c', `set lock_timeout = '${DROP_LOCK_S}s'`, '-c', 'set client_min_messages = warning', '-c', `drop schema if exists ${BENCH_SCHEMA} cascade`)} || exit 1
fi`;
};
