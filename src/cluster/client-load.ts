import { ATTEMPT_S, COLLECT_S, LEASE_S } from '../bounds/controller.ts';
import type { Cluster } from '../inventory/model.ts';
import { clientPsql } from '../programs/postgres.ts';
import { quote } from '../shell/quote.ts';
import { clientUri } from './connect.ts';

/** Figures of a writer and a reader during a command; part of the outside contract. */
export interface LoadFigures {
  writes: { acked: number; failed: number; max_gap_ms: number; max_gap_at: string | null; lost: number };
  reads: { ok: number; failed: number; max_gap_ms: number; max_gap_at: string | null };
}

/** Place of a load: a directory for its logs and its sign of life, and what it needs to log in. */
export interface LoadPlace {
  directory: string;
  authority: string;
  /** The file with the users' passwords. */
  passwords: string;
  /** The table that the writer fills. */
  table: string;
  /** The pauses between two attempts (s). */
  pauses: { write: number; read: number };
  /** The load takes its table and its directory away by itself when nobody collects its figures. */
  leavesNothing?: boolean;
}

/** The pauses of a load that runs beside a command (s). */
export const PAUSES: LoadPlace['pauses'] = { write: 0.05, read: 0.1 };

const psql = (uri: string, { passwords }: Pick<LoadPlace, 'passwords'>, sql: string): string =>
  `timeout ${ATTEMPT_S} ${clientPsql(uri, passwords)} -c ${sql}`;

/** POSIX sh that recreates the load's table. The database's owner is the user of the first URI of `hapg connect`. */
export const prepareLoad = (cluster: Cluster, place: LoadPlace): string => {
  const { directory, authority, table } = place;
  const uri = clientUri(cluster, 'primary', { authority })!;
  return `umask 077; mkdir -p ${quote(directory)}; cd ${quote(directory)} || exit 1; rm -f writes reads ended; touch alive
${psql(uri, place, quote(`drop table if exists ${table}`))} 2>/dev/null
${psql(uri, place, quote(`create table ${table} (n bigint primary key)`))}`;
};

/**
 * POSIX sh that runs a writer and a reader; each attempt is a connection of its own through the client endpoint. Each
 * writes one line an attempt: milliseconds since the epoch, `ok` or `failed`, and the row's number. Both end when the
 * controller no longer touches `alive`, or when `alive` is gone.
 */
export function loadScript(cluster: Cluster, place: LoadPlace): string {
  const { directory, authority, table, pauses, leavesNothing } = place;
  const write = clientUri(cluster, 'primary', { authority })!;
  const read = clientUri(cluster, 'any', { authority }) ?? write;
  const going = `[ -e alive ] && [ $(($(date +%s) - $(stat -c %Y alive 2>/dev/null || echo 0))) -lt ${LEASE_S} ]`;
  const loop = (attempt: string, log: string, pause: string) =>
    `( n=0; while ${going}; do n=$((n + 1)); if ${attempt} >/dev/null 2>&1; then echo "$(date +%s%3N) ok $n"; else echo "$(date +%s%3N) failed $n"; fi; sleep ${pause}; done > ${log} ) &`;
  return `cd ${quote(directory)} || exit 1
${loop(psql(write, place, `"insert into ${table} values ($n)"`), 'writes', String(pauses.write))}
${loop(psql(read, place, '"select 1"'), 'reads', String(pauses.read))}
wait
touch ended${
    leavesNothing
      ? `
n=0; while [ -e ended ] && [ $n -lt ${COLLECT_S} ]; do n=$((n + 1)); sleep 1; done
[ ! -e ended ] || { ${psql(write, place, quote(`drop table if exists ${table}`))}; rm -rf ${quote(directory)}; }`
      : ''
  }`;
}

/**
 * POSIX sh that ends the load and prints its logs and the stored rows, in three parts. The first connection may fail
 * right after the watched work.
 */
export const collectScript = (cluster: Cluster, place: LoadPlace): string => {
  const { directory, authority, table } = place;
  const uri = clientUri(cluster, 'primary', { authority })!;
  return `cd ${quote(directory)} || exit 1
[ ! -e ended ] || echo early
rm -f alive
n=0; while [ ! -e ended ] && [ $n -lt 150 ]; do n=$((n + 1)); sleep 0.1; done
cat writes; echo --; cat reads; echo --
n=0; until rows=$(${psql(uri, place, quote(`select n from ${table}`))}); do n=$((n + 1)); [ $n -lt 15 ] || exit 1; sleep 1; done
printf '%s\\n' "$rows"
${psql(uri, place, quote(`drop table ${table}`))}
rm -rf ${quote(directory)}`;
};

/** POSIX sh that counts the attempts so far: four numbers, writes and reads that were done and that failed. */
export const glanceScript = ({ directory }: LoadPlace): string =>
  `cd ${quote(directory)} || exit 1
for f in writes reads; do for word in ok failed; do if [ -e $f ]; then grep -c " $word " $f; else echo 0; fi; done; done
true`;

/** Figures of a load that goes on. */
export interface Glance {
  writes: { acked: number; failed: number };
  reads: { ok: number; failed: number };
}

/** Reads what `glanceScript` printed. Throws when the answer is cut short. */
export function readGlance(answer: string): Glance {
  const numbers = answer.trim().split('\n').map(Number);
  if (numbers.length !== 4 || numbers.some(Number.isNaN))
    throw new Error(`the probe's figures are not understood: ${answer.slice(0, 200)}`);
  const [acked, notWritten, ok, notRead] = numbers as [number, number, number, number];
  return { writes: { acked, failed: notWritten }, reads: { ok, failed: notRead } };
}

interface Attempt {
  at: number;
  ok: boolean;
  n: string;
}

const attempts = (log: string): Attempt[] =>
  log
    .split('\n')
    .map((line) => line.trim().split(' '))
    .filter((fields) => fields.length === 3)
    .map(([at, what, n]) => ({ at: Number(at), ok: what === 'ok', n: n! }));

/** Returns the longest time between two successes and when it began. Failures at the end count up to the last of them. */
function longestGap(list: readonly Attempt[]): { max_gap_ms: number; max_gap_at: string | null } {
  const marks = [...list.filter((one) => one.ok), ...list.slice(-1)].map((one) => one.at);
  let [longest, began] = [0, undefined as number | undefined];
  for (const [index, at] of marks.slice(1).entries())
    if (at - marks[index]! > longest) [longest, began] = [at - marks[index]!, marks[index]!];
  return { max_gap_ms: longest, max_gap_at: began === undefined ? null : new Date(began).toISOString() };
}

/** Reads what `collectScript` printed. Throws when the answer is cut short, or when the load ended before it was collected. */
export function figures(answer: string): LoadFigures {
  const parts = answer.split(/^--$/m);
  if (parts.length !== 3) throw new Error(`the probe's answer is not understood: ${answer.slice(0, 200)}`);
  const [writes, reads] = [attempts(parts[0]!), attempts(parts[1]!)];
  const there = new Set(parts[2]!.split('\n').map((line) => line.trim()));
  if (/^early$/m.test(parts[0]!)) {
    const last = Math.max(...[...writes, ...reads].map(({ at }) => at));
    throw new Error(
      `the probe ended before the work did${Number.isFinite(last) ? `, at ${new Date(last).toISOString()}` : ''}`,
    );
  }
  const acked = writes.filter((one) => one.ok);
  return {
    writes: {
      acked: acked.length,
      failed: writes.length - acked.length,
      ...longestGap(writes),
      lost: acked.filter((one) => !there.has(one.n)).length,
    },
    reads: {
      ok: reads.filter((one) => one.ok).length,
      failed: reads.filter((one) => !one.ok).length,
      ...longestGap(reads),
    },
  };
}
