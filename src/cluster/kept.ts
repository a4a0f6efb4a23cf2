import { MEASURE_S } from '../bounds/copy.ts';
import { type Cluster, dcsRole, type Host } from '../inventory/model.ts';
import { usedOn } from '../programs/files.ts';
import { quote, words } from '../shell/quote.ts';

/** Data that an operation has set aside on a host. */
export interface Kept {
  host: string;
  path: string;
  part: 'database' | 'wal' | 'tablespace' | 'dcs';
  /** What has set it aside. */
  origin: string;
  /** When (ms since the epoch). */
  at: number;
  /** Its size; undefined where counting took too long. */
  bytes: number | undefined;
  /** Why it must not be removed; empty where it may be. */
  obstacles: string[];
}

/** How operations name a part of a database that they set aside, and a member's data of the DCS. */
const DATABASE = /^\/.+\.(before-restore|replaced|destroyed)-(\d{8}T\d{6})$/;
const DCS = /^\/.+\/aside-(broken|removed|destroyed)-(\d{10}|\d{8}T\d{6})$/;
const ORIGIN: Readonly<Record<string, string>> = {
  'before-restore': 'restore',
  replaced: 'reinit',
  destroyed: 'destroy',
  broken: 'repair',
  removed: 'remove-node',
};

/** The name of kept data: the same path may be there on several hosts. */
export const keptName = ({ host, path }: Pick<Kept, 'host' | 'path'>): string => `${host}:${path}`;

/** Reads origin and time from a path; undefined for one that no operation of hapg has named. */
export function originOf(path: string): { origin: string; at: number } | undefined {
  const [, word, stamp] = DATABASE.exec(path) ?? DCS.exec(path) ?? [];
  if (!word || !stamp) return undefined;
  const iso = stamp.replace(/^(....)(..)(..)T(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  const at = stamp.length === 10 ? Number(stamp) * 1000 : Date.parse(iso);
  return Number.isNaN(at) ? undefined : { origin: ORIGIN[word]!, at };
}

/**
 * Functions of sh that tell what stands against the removal of a directory: `look` reads once what is in use, `against`
 * prints one word for each obstacle of `$1`. `live` holds the parts of the present database.
 */
const OBSTACLES = `look() {
  data=$(readlink -m -- "$1")
  live=$data
  for l in "$data"/pg_wal "$data"/pg_tblspc/*; do [ ! -L "$l" ] || live="$live
$(readlink -m -- "$l")"; done
  open=$(find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -type l -printf '%l\\n' 2>/dev/null | sort -u)
  mounts=$(awk '{print $2}' /proc/self/mounts)
}
holds() { printf '%s\\n' "$2" | awk -v p="$1" '$0 == p || index($0, p "/") == 1 {found = 1} END {exit !found}'; }
against() {
  [ ! -L "$1" ] || echo link
  [ -L "$1" ] || [ "$(readlink -f -- "$1")" = "$1" ] || echo behind-link
  ! holds "$1" "$mounts" || echo mount
  ! holds "$1" "$live" || echo live
  ! holds "$1" "$open" || echo open
}`;

const REASONS: Readonly<Record<string, string>> = {
  link: 'it is a link',
  'behind-link': 'a directory above it is a link',
  mount: 'it is a mount point, or has one in it',
  live: 'the present database has a part there',
  open: 'a process works in it or has a file of it open',
};

/** POSIX sh that prints the data that was set aside on a host; read by `parseKept`. Writes nothing. */
export function keptScript(cluster: Cluster, host: Host): string {
  const dcs = [...host.roles].some((role) => role === dcsRole(cluster)) ? cluster.dcs.dataDir : '';
  return `${OBSTACLES}
look ${quote(host.dataDir)}
show() {
  [ -d "$2" ] || return 0
  kib=$(${usedOn('"$2"', MEASURE_S)})
  echo "kept|$1|$kib|$(against "$2" | tr '\\n' ' ')|$2"
}
beside() { for k in "$2".before-restore-* "$2".replaced-* "$2".destroyed-*; do show "$1" "$k"; done; }
# A kept database names its own tablespaces, which the present one may not have any more.
within() {
  for k in "$1".before-restore-* "$1".replaced-* "$1".destroyed-*; do
    for l in "$k"/pg_wal "$k"/pg_tblspc/*; do
      [ -L "$l" ] || continue
      case "$l" in */pg_wal) part=wal ;; *) part=tablespace ;; esac
      show $part "$(readlink -m -- "$l")"
    done
  done
}
for base in ${words(host.dataDir)} "$data"; do beside database "$base"; within "$base"; done
${cluster.walDir ? `beside wal ${quote(cluster.walDir)}; beside wal "$(readlink -m -- ${quote(cluster.walDir)})"` : ':'}
for l in "$data"/pg_tblspc/*; do [ ! -L "$l" ] || beside tablespace "$(readlink -m -- "$l")"; done
${dcs ? `for k in ${quote(dcs)}/aside-*; do show dcs "$k"; done` : ':'}`;
}

/** Reads the answer of `keptScript`; oldest first. What is not named as operations name it is left out. */
export function parseKept(answer: string, host: string): Kept[] {
  const found = new Map<string, Kept>();
  for (const line of answer.split('\n')) {
    const [mark, part, kib, obstacles, ...rest] = line.split('|');
    const path = rest.join('|');
    const origin = originOf(path);
    if (mark !== 'kept' || !origin || found.has(path)) continue;
    found.set(path, {
      ...{ host, path, part: part as Kept['part'], ...origin },
      bytes: /^\d+$/.test(kib ?? '') ? Number(kib) * 1024 : undefined,
      obstacles: (obstacles ?? '').split(' ').flatMap((word) => REASONS[word] ?? []),
    });
  }
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/** POSIX sh that removes kept data, after it has looked again at what stands against it. Stays on one file system. */
export const removeScript = ({ dataDir }: Host, path: string): string => `${OBSTACLES}
look ${quote(dataDir)}
p=${quote(path)}
[ -e "$p" ] || [ -L "$p" ] || exit 0
why=$(against "$p")
[ -z "$why" ] || { echo "it is kept, because it is in use or no plain directory:" $why; exit 1; }
rm -rf --one-file-system -- "$p"
[ ! -e "$p" ]`;
