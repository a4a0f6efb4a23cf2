import { ANSWER_S } from '../src/bounds/hosts.ts';
import { join } from '../src/bounds/patroni.ts';
import { APT_LISTS_S } from '../src/bounds/programs.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { databasePaths, parseStorage, type Storage, storageScript } from '../src/cluster/storage.ts';
import { hasJoined, type JoinFacts } from '../src/decisions/growth.ts';
import { hasRoom, maySetAside, placesFree } from '../src/decisions/storage.ts';
import { all, type Verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { Refused } from '../src/errors.ts';
import { type Cluster, type Host, serverOf } from '../src/inventory/model.ts';
import {
  installedVersions,
  offeredVersions,
  parseVersions,
  upstreamVersion,
  type Versions,
} from '../src/programs/apt.ts';
import { sql } from '../src/programs/postgres.ts';

/** Packages whose versions must be the leader's: a different minor version, or a different pgBackRest, is refused. */
const sameAsLeader = (cluster: Cluster): string[] => [
  `postgresql-${cluster.settings.postgres.version}`,
  ...(cluster.repositories.length > 0 ? ['pgbackrest'] : []),
];

/** Reads a host's part of the database, and the free space at these paths. Changes nothing. */
export const storageOf = async (op: Operation, host: Host, wanted: readonly string[]): Promise<Storage> =>
  parseStorage(await op.ask(host, 'disks', storageScript(host.dataDir, wanted)));

/**
 * Whether a host can keep its present data aside and take another database of `bytes`. The size of a tablespace is
 * known where the host has it now.
 */
export async function roomOn(op: Operation, host: Host, paths: readonly string[]): Promise<(bytes: number) => Verdict> {
  const { cluster } = op;
  const storage = await storageOf(
    op,
    host,
    databasePaths(
      host,
      cluster,
      paths.map((path) => ({ path })),
    ),
  );
  const tablespaces = paths.map((path) => ({
    path,
    bytes: storage.places.find((one) => one.path === path)?.usedBytes ?? 0,
  }));
  const foreign = {
    ...storage,
    rooms: storage.rooms.filter(({ path }) => !storage.places.some((one) => one.path === path)),
  };
  return (databaseBytes) =>
    all(
      maySetAside(host.name, cluster, storage),
      placesFree(host, foreign),
      hasRoom(host, { databaseBytes, tablespaces, extraBytes: 0 }, storage),
    );
}

/**
 * SQL for the leader: tablespaces outside the data directory, with their sizes. Their paths hold no pipes and no line
 * breaks.
 */
const TABLESPACES =
  "select 'tablespace ' || pg_tablespace_size(oid) || ' ' || pg_tablespace_location(oid) from pg_tablespace where pg_tablespace_location(oid) like '/%'";

/** Reads everything that decides whether a host may join. Refreshes its package lists and changes nothing else. */
export async function inspectHost(op: Operation, snapshot: Snapshot, host: Host): Promise<JoinFacts> {
  const { cluster } = op;
  const names = sameAsLeader(cluster);
  if (!snapshot.leader) throw new Refused('no member leads, so nothing can join', 'no_leader');
  const leader = op.host(snapshot.leader.name);
  const [there, here] = await Promise.all([
    op.ask(
      leader,
      'size and versions',
      `echo "bytes $(${sql(serverOf(cluster), 'select sum(pg_database_size(oid)) from pg_database')})"
${sql(serverOf(cluster), TABLESPACES)}
${installedVersions(names)}`,
    ),
    op.ask(host, 'room and versions', offeredVersions(names), APT_LISTS_S + ANSWER_S),
  ]);
  const bytesOf = (answer: string) => Number(/^bytes (\d+)$/m.exec(answer)?.[1]);
  const upstreamOf = ({ versions }: Versions) =>
    Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, upstreamVersion(version)]));
  const offered = parseVersions(here);
  const tablespaces = [...there.matchAll(/^tablespace (\d+) (\/.*)$/gm)].map(([, bytes, path]) => ({
    path: path!,
    bytes: Number(bytes),
  }));
  return {
    storage: await storageOf(op, host, databasePaths(host, cluster, tablespaces)),
    tablespaces,
    databaseBytes: bytesOf(there),
    leader: upstreamOf(parseVersions(there)),
    candidate: upstreamOf(offered),
    aptSays: offered.complaint,
  };
}

/** Waits until a host has joined: streaming, caught up, voting and receiving reads; a running process is not enough. */
export async function awaitJoined(op: Operation, host: Host): Promise<void> {
  op.stage('joined', [host]);
  await op.step(host, 'joined', [...host.roles].at(-1)!, 'run', async () => {
    await op.until(host, 'joined', join(op.cluster.timing), (snapshot) => hasJoined(op.cluster, snapshot, host), {
      stoppable: true,
    });
  });
}
