import type { Storage, Tablespace } from '../cluster/storage.ts';
import { type Cluster, dataDirSetting, type Host } from '../inventory/model.ts';
import type { DataDirectory } from '../observe/data-directory.ts';
import { bytes } from '../units.ts';
import { type Verdict, verdict } from './verdict.ts';

/** Finds why a database cannot be made where the inventory says: the directory is not empty, or the root of a file system. */
export function placesTaken(cluster: Cluster, host: Host, data: DataDirectory | undefined): string[] {
  const { name, dataDir } = host;
  const roots = data?.roots ?? [];
  const reasons = roots.map(
    (path) =>
      `${name}: ${path} is the root of a file system, with its lost+found, and PostgreSQL takes an empty directory only; name one below it with ${path === cluster.walDir ? 'postgres.wal_dir' : dataDirSetting(cluster, host)}`,
  );
  if (data?.state === 'foreign' && !roots.includes(dataDir))
    reasons.push(
      `${name}: ${dataDir} holds files but no database. Move them away, or check that the right disk is mounted`,
    );
  return reasons;
}

/** The room for a copy of a file system, as a multiple of its size. */
const COPY_MARGIN = 1.02;

const inside = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);

/** May the database's parts on this host be set aside? Asked before anything is stopped. */
export function maySetAside(host: string, { walDir }: Cluster, { places }: Storage): Verdict {
  const reasons: string[] = [];
  for (const [index, place] of places.entries()) {
    const around = places.find((other, at) => at !== index && inside(place.path, other.path));
    if (around)
      reasons.push(
        `${host}: the ${place.kind === 'wal' ? 'WAL' : place.kind} directory ${place.path} lies in ${around.path}, so that neither can be moved aside alone; move it elsewhere first`,
      );
    if (place.kind === 'wal' && walDir === undefined)
      reasons.push(
        `${host}: pg_wal is a link to ${place.path}, which a new copy would not have; write postgres: {wal_dir: ${place.path}} into the inventory`,
      );
  }
  // Several mount points may be copied to one file system.
  for (const device of new Set(places.filter(({ mount }) => mount).map(({ besideDevice }) => besideDevice))) {
    const copied = places.filter((one) => one.mount && one.besideDevice === device);
    const needed = copied.reduce((sum, { usedBytes }) => sum + usedBytes * COPY_MARGIN, 0);
    const free = copied[0]!.besideFreeBytes;
    if (free < needed)
      reasons.push(
        `${host}: ${copied.map(({ path }) => path).join(', ')} ${copied.length > 1 ? 'are mount points' : 'is a mount point'}, so that the present data is kept as a copy beside it, where ${bytes(free)} are free and ${bytes(needed)} are needed. Move the data away by hand, or make room`,
      );
  }
  return verdict(reasons, 'directory');
}

/**
 * Is there room for a database of `databaseBytes` with these tablespaces, and `extraBytes` beside it? The present
 * contents of a mount point are moved off it by then; a renamed directory stays on its file system.
 */
export function hasRoom(
  { name, dataDir }: Host,
  {
    databaseBytes,
    tablespaces,
    extraBytes,
  }: { databaseBytes: number; tablespaces: readonly Tablespace[]; extraBytes: number },
  { places, rooms }: Storage,
): Verdict {
  const own = databaseBytes - tablespaces.reduce((sum, one) => sum + one.bytes, 0) + extraBytes;
  const needs = [{ path: dataDir, bytes: own }, ...tablespaces];
  const reasons: string[] = [];
  for (const device of new Set(rooms.map((room) => room.device))) {
    const here = needs.filter(({ path }) => rooms.find((room) => room.path === path)?.device === device);
    const needed = here.reduce((sum, one) => sum + one.bytes, 0);
    const emptied = places
      .filter((one) => one.mount && one.device === device)
      .reduce((sum, one) => sum + one.usedBytes, 0);
    const free = rooms.find((room) => room.device === device)!.freeBytes + emptied;
    if (here.length > 0 && !(free >= needed))
      reasons.push(
        `${name}: ${bytes(free)} are free for ${here.map(({ path }) => path).join(' and ')}, and ${bytes(needed)} are needed`,
      );
  }
  if (rooms.length === 0 || Number.isNaN(own))
    reasons.push(`${name}: it is not known how much room there is for ${dataDir}`);
  return verdict(reasons, 'room');
}

/** Are the directories of tablespaces and WAL empty for this host's copy? The data directory is judged elsewhere. */
export const placesFree = ({ name, dataDir }: Host, { rooms }: Storage): Verdict =>
  verdict(
    rooms
      .filter(({ path, state }) => path !== dataDir && state === 'taken')
      .map(
        ({ path }) =>
          `${name}: ${path} is not empty, and a part of the database belongs there; move what is in it away`,
      ),
    'directory',
  );
