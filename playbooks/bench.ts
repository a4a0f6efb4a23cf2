import { bench as benchTime } from '../src/bounds/bench.ts';
import { STOP_UNIT_S } from '../src/bounds/hosts.ts';
import { QUICK_S } from '../src/bounds/programs.ts';
import { undoFor } from '../src/bounds/undo.ts';
import { clientUri } from '../src/cluster/connect.ts';
import { type ClientHere, clientHere } from '../src/engine/client-here.ts';
import { stopOn } from '../src/engine/interrupt.ts';
import type { Operation } from '../src/engine/operation.ts';
import { stopUnit } from '../src/engine/transient.ts';
import { Refused } from '../src/errors.ts';
import { type Cluster, type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { PATHS, PKI } from '../src/paths.ts';
import {
  type BenchFigures,
  type BenchPlace,
  type BenchWish,
  benchProgress,
  benchScript,
  collectBench,
  describeProgress,
  hasPgbench,
  readBench,
  removeBench,
} from '../src/programs/pgbench.ts';
import type { SecretStore } from '../src/secrets/store.ts';

/** The host that runs pgbench; `here` is this machine. */
export type BenchRunner = Host | 'here';

/** The name of the undo that removes the tables. */
const UNDO = 'bench';

/**
 * Chooses who runs pgbench: the first host with the role client that has it, else this machine. Throws Refused with the
 * cure.
 */
export async function benchRunner(op: Operation, hasItHere: () => boolean): Promise<BenchRunner> {
  const { cluster } = op;
  const clients = hostsWith(cluster, 'client').filter((host) => !op.isUnreachable(host));
  for (const host of clients) {
    const found = await op.ask(host, 'looking for pgbench', `( ${hasPgbench(cluster.binDir)} ) && echo yes || true`);
    if (found.trim() === 'yes') return host;
  }
  if (hasItHere()) return 'here';
  const where = clients.map(({ name }) => name).join(', ');
  throw new Refused(
    `pgbench is ${where ? `neither on ${where} nor` : 'not'} on this machine; Debian and Ubuntu have it in the package postgresql-${cluster.settings.postgres.version}`,
    'program',
  );
}

const placeOf = (
  cluster: Cluster,
  { directory, authority, passwords }: Omit<BenchPlace, 'binDir' | 'uri'> & { authority: string },
): BenchPlace => ({
  ...{ directory, passwords, binDir: cluster.binDir },
  uri: clientUri(cluster, 'primary', { authority })!,
});

/**
 * Loads the cluster as its clients would, and returns what pgbench measured. Every database host is ready to remove the
 * tables, because any of them may lead at the end; the end of the run, or the time of these undos, removes them.
 */
export async function bench(
  op: Operation,
  runner: BenchRunner,
  wish: BenchWish,
  { secrets, database }: { secrets: SecretStore; database: string },
): Promise<BenchFigures> {
  const { cluster } = op;
  const seconds = benchTime(wish.seconds, wish.scale);
  for (const host of hostsWith(cluster, 'patroni'))
    await op.armUndo(host, UNDO, removeBench(serverOf(cluster), database), undoFor(seconds));
  if (runner === 'here') {
    const here = clientHere(cluster, secrets, 'bench');
    try {
      return await onThisMachine(op, here, wish, seconds);
    } finally {
      here.cleanUp();
    }
  }
  const place = placeOf(cluster, {
    directory: '/run/hapg-bench',
    authority: PKI.client,
    passwords: PATHS.clientPasswords,
  });
  op.stage('bench', [runner]);
  return op.step(runner, `pgbench for ${wish.seconds} s`, 'client', 'run', async (remote) => {
    try {
      await remote.unit('bench', benchScript(wish, place), seconds, {
        script: benchProgress(place),
        describe(line) {
          op.checkInterrupt();
          return describeProgress(line);
        },
        // It prints nothing while it fills the tables.
        stuckSeconds: seconds,
      });
      return readBench(await remote.run(collectBench(place), QUICK_S));
    } catch (cause) {
      await remote.run(`${stopUnit('bench')}; rm -rf ${place.directory}`, STOP_UNIT_S).catch(() => undefined);
      throw cause;
    }
  });
}

async function onThisMachine(op: Operation, here: ClientHere, wish: BenchWish, seconds: number): Promise<BenchFigures> {
  const { soft } = op.session.interrupt;
  const place = placeOf(op.cluster, { ...here, directory: `${here.directory}/run` });
  try {
    return readBench(await here.run(`${benchScript(wish, place)} && ${collectBench(place)}`, seconds, soft));
  } catch (cause) {
    stopOn(soft);
    throw new Refused(`pgbench on this machine failed: ${(cause as Error).message}`, 'program');
  }
}
