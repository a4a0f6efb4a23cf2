import { spawnSync } from 'node:child_process';
import { type BenchRunner, bench, benchRunner } from '../../playbooks/bench.ts';
import { sharedParameters } from '../../roles/patroni/dynamic-config.ts';
import { BENCH_MOST_S } from '../bounds/bench.ts';
import { accountOf } from '../cluster/connect.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { all, type Verdict, verdict } from '../decisions/verdict.ts';
import { parseDuration } from '../duration.ts';
import { UsageError } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import { BENCH_SCHEMA, type BenchFigures, type BenchWish, hasPgbench } from '../programs/pgbench.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import { bytes } from '../units.ts';
import { showBench } from '../view/bench.ts';

/** The flags of `hapg bench`, as texts. */
export interface BenchFlags extends OperateOptions {
  clients: string;
  time: string;
  scale: string;
}

/** The largest scale: some three gigabytes, of which WAL carries as much to every replica and into the archive. */
const MOST_SCALE = 200;
const MOST_CLIENTS = 1000;
/** Size of the tables of scale 1, with their indexes (bytes). */
const SCALE_BYTES = 15_000_000;

const number = (flag: string, text: string, most: number): number => {
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new UsageError(`${flag} ${text}: a whole number from 1 to ${most} is needed`);
  return Number(text);
};

/** Reads the flags. Throws UsageError. */
export function readBenchFlags({ clients, time, scale }: Pick<BenchFlags, 'clients' | 'time' | 'scale'>): BenchWish {
  let seconds: number;
  try {
    seconds = parseDuration(time, BENCH_MOST_S);
  } catch (cause) {
    throw new UsageError(`--time ${time}: ${(cause as Error).message}`);
  }
  return {
    clients: number('--clients', clients, MOST_CLIENTS),
    scale: number('--scale', scale, MOST_SCALE),
    seconds,
  };
}

/** May the cluster be loaded so? Applications keep at least half of the connections. */
export function mayBench(cluster: Cluster, { clients }: Pick<BenchWish, 'clients'>): Verdict {
  const connections = Number(sharedParameters(cluster).max_connections ?? 100);
  return verdict([
    ...(cluster.upstream ? [`${cluster.name} is a standby of ${cluster.upstream.name} and takes no writes`] : []),
    ...(accountOf(cluster, {}) ? [] : ['the inventory has no database with a user']),
    ...(clients > connections / 2
      ? [`--clients ${clients} is more than half of max_connections (${connections}), and applications need theirs`]
      : []),
  ]);
}

const hasItHere = (cluster: Cluster): boolean =>
  spawnSync('sh', ['-c', hasPgbench(cluster.binDir)], { stdio: 'ignore' }).status === 0;

/** `hapg bench`: loads a healthy cluster with pgbench through the endpoint, and takes its tables away afterwards. */
export function benchCommand(flags: BenchFlags): Promise<number> {
  const wish = readBenchFlags(flags);
  let figures: BenchFigures | undefined;
  return operate('bench', flags, async (op, snapshot, _setup, secrets) => {
    const { cluster } = op;
    refuseUnless(all(mayBench(cluster, wish), steady(cluster, snapshot, DEFAULT_LIMITS)));
    const runner: BenchRunner = await benchRunner(op, () => hasItHere(cluster));
    const { database } = accountOf(cluster, {})!;
    const from = runner === 'here' ? 'this machine' : runner.name;
    return {
      explain: `pgbench on ${from} loads ${cluster.name} for ${wish.seconds} s with ${wish.clients} clients, through the endpoint of the applications. It writes about ${bytes(wish.scale * SCALE_BYTES)} into the schema ${BENCH_SCHEMA} of ${database}, which is removed at the end`,
      question: `Load ${cluster.name}?`,
      hosts: runner === 'here' ? [] : [runner],
      document: () => ({ from, ...wish, ...figures }),
      result: () => (figures ? showBench(figures) : ''),
      run: async () => {
        figures = await bench(op, runner, wish, { secrets, database });
      },
    };
  });
}
