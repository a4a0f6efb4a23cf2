import type { Cluster, Host } from '../inventory/model.ts';
import { bytesOfKiB, freeKiB, usedKiB } from '../programs/files.ts';
import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';

/** A directory that holds a part of a database: the data directory, or the target of a link in it. */
export interface Place {
  kind: 'data' | 'wal' | 'tablespace';
  /** The real directory, with every symbolic link resolved. */
  path: string;
  /** A file system is mounted there, so it cannot be renamed. */
  mount: boolean;
  device: string;
  usedBytes: number;
  /** The file system of its parent directory. */
  besideDevice: string;
  besideFreeBytes: number;
}

/** A place where a directory is wanted on a host. */
export interface Room {
  path: string;
  state: 'absent' | 'empty' | 'taken';
  /** The file system on which it is, or would be made. */
  device: string;
  freeBytes: number;
}

/** The parts of a database on a host, and room for one. */
export interface Storage {
  places: Place[];
  rooms: Room[];
}

/** A tablespace outside the data directory. */
export interface Tablespace {
  path: string;
  bytes: number;
}

/** The directories that pgBackRest, pg_basebackup and initdb want empty for the database of a host. */
export const databasePaths = (
  { dataDir }: Host,
  { walDir }: Cluster,
  tablespaces: readonly Pick<Tablespace, 'path'>[],
): string[] => [dataDir, ...(walDir ? [walDir] : []), ...tablespaces.map(({ path }) => path)];

/**
 * POSIX sh that prints the parts of a database in `dataDir` and the free room at `wanted`; read by `parseStorage`. The
 * server may run: only links and file systems are read. Writes nothing.
 */
export const storageScript = (dataDir: string, wanted: readonly string[]): string => `place() {
  [ -d "$2" ] || return 0
  m=no; ! mountpoint -q -- "$2" || m=yes
  up=$(dirname "$2")
  echo "place|$1|$m|$(stat -c %d -- "$2")|$(${usedKiB('"$2"')})|$(stat -c %d -- "$up")|$(${freeKiB('"$up"')})|$2"
}
data=$(readlink -f -- ${quote(dataDir)})
if [ -n "$data" ]; then
  place data "$data"
  [ ! -L "$data/pg_wal" ] || place wal "$(readlink -f -- "$data/pg_wal")"
  for l in "$data"/pg_tblspc/*; do [ ! -L "$l" ] || place tablespace "$(readlink -f -- "$l")"; done
fi
for p in ${words(...wanted)}; do
  d=$p; while [ ! -d "$d" ]; do d=$(dirname "$d"); done
  state=absent
  if [ -d "$p" ]; then state=empty; [ -z "$(ls -A -- "$p")" ] || state=taken; elif [ -e "$p" ] || [ -L "$p" ]; then state=taken; fi
  echo "room|$state|$(stat -c %d -- "$d")|$(${freeKiB('"$d"')})|$p"
done`;

/** Reads the answer of `storageScript`. */
export function parseStorage(answer: string): Storage {
  const lines = answer.split('\n').map((line) => line.split('|'));
  return {
    places: lines
      .filter(([what]) => what === 'place')
      .map(([, kind, mount, device, used, besideDevice, besideFree, ...path]) => ({
        kind: kind as Place['kind'],
        path: path.join('|'),
        mount: mount === 'yes',
        device: device!,
        usedBytes: bytesOfKiB(used),
        besideDevice: besideDevice!,
        besideFreeBytes: bytesOfKiB(besideFree),
      })),
    rooms: lines
      .filter(([what]) => what === 'room')
      .map(([, state, device, free, ...path]) => ({
        path: path.join('|'),
        state: state as Room['state'],
        device: device!,
        freeBytes: bytesOfKiB(free),
      })),
  };
}

/**
 * POSIX sh that sets a database aside, with tablespaces and WAL outside the data directory. Each directory becomes
 * PATH.SUFFIX, an empty one of postgres takes its place, and links in the kept data point to the kept data. A mount
 * point cannot be renamed: its contents are copied to PATH.SUFFIX, compared, and only then removed. It can be repeated
 * until it has completed, and does nothing once PATH.SUFFIX of the data directory exists. The server must not run.
 */
export const setDatabaseAside = (dataDir: string, suffix: string): string => `set -eu
data=$(readlink -m -- ${quote(dataDir)}) suffix=${quote(suffix)}
list() { ( cd "$1" && ${pipe("find . -mindepth 1 ! -path './lost+found*' \\( -type f -printf 'file %s %p\\n' -o -printf '%y %p\\n' \\)", 'sort')} ); }
aside() {
  kept=$1.$suffix
  [ ! -e "$kept" ] || return 0
  if ! mountpoint -q -- "$1"; then
    mv -T -- "$1" "$kept"
    install -d -o postgres -g postgres -m 0700 -- "$1"
    return 0
  fi
  if [ ! -e "$kept.copied" ]; then
    # What is there of an earlier try is a part of a copy.
    rm -rf -- "$kept.part"
    cp -a -- "$1" "$kept.part"
    # What could not be listed is not the same: sort, too, may have no room.
    is=$(list "$1")
    [ "$is" = "$(list "$kept.part")" ] || { echo "the copy of $1 in $kept.part is not the same; nothing was taken away"; exit 1; }
    sync -f "$kept.part"
    mv -T -- "$kept.part" "$kept.copied"
  fi
  find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf -- {} +
  mv -T -- "$kept.copied" "$kept"
}
if [ -n "$data" ] && [ -d "$data" ] && [ ! -e "$data.$suffix" ]; then
  for l in "$data"/pg_wal "$data"/pg_tblspc/*; do
    [ -L "$l" ] || continue
    to=$(readlink -f -- "$l")
    case "$to" in *."$suffix") continue ;; esac
    [ ! -d "$to" ] || aside "$to"
    [ ! -d "$to.$suffix" ] || ln -sfn -- "$to.$suffix" "$l"
  done
  aside "$data"
fi`;

/**
 * POSIX sh that sets a database aside unless a part of it is on a mount point, which would have to be copied. Then it
 * stays in place, and the script reports that.
 */
export const setDatabaseAsideOrLeave = (dataDir: string, suffix: string): string => `left=$({
${storageScript(dataDir, [])}
} | grep '^place|[a-z]*|yes|' | sed 's/.*|//')
if [ -n "$left" ]; then echo "left in place, for it is a mount point: $left"; else
# In a condition, such as in front of "||", the shell would not heed "set -e".
( ${setDatabaseAside(dataDir, suffix)}
)
[ $? = 0 ] || exit 1
fi`;

/**
 * POSIX sh that turns `pg_wal` of a stopped database into a link to `walDir`, unless it is one: a copy brings it as a
 * directory. Fails when something else is in the way. May be run as postgres.
 */
export const placeWal = (dataDir: string, walDir: string | undefined): string =>
  walDir === undefined
    ? ':'
    : `if [ -d ${quote(`${dataDir}/pg_wal`)} ] && [ ! -L ${quote(`${dataDir}/pg_wal`)} ]; then
  [ -z "$(ls -A -- ${quote(walDir)})" ] || { echo ${quote(`${walDir} is not empty: it holds WAL of another database`)}; exit 1; }
  cp -a -- ${quote(`${dataDir}/pg_wal/.`)} ${quote(walDir)} && rm -rf -- ${quote(`${dataDir}/pg_wal`)} && ln -s -- ${quote(walDir)} ${quote(`${dataDir}/pg_wal`)} || exit 1
fi`;
