import { DISK_S, SLOW_DISK_MS, TIMED_S, VERY_SLOW_DISK_MS } from '../bounds/doctor.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { bounded, wholeOf } from '../observe/answer.ts';
import { quote, words } from '../shell/quote.ts';
import { bytes } from '../units.ts';
import { failure, hostCheck, type Judgement, orElse, warning } from './check.ts';

/** A directory that the cluster writes to. */
interface Directory {
  path: string;
  what: string;
  /** Free space below which nothing begins (bytes). */
  leastBytes: number;
  /** Whether commits or elections wait for its disk. */
  synchronous: boolean;
}

const GIB = 1024 ** 3;

/** Packages of a database host with their archives: 350 MB on Debian 13, and room for their logs. */
const PACKAGES_BYTES = 1 * GIB;

/** Returns the directories of a host's roles. */
function directoriesOf({ settings, walDir, dcs, repositories }: Cluster, { roles, dataDir }: Host): Directory[] {
  const votes = !dcs.external && (dcs.kind === 'etcd' || dcs.kind === 'zookeeper') && roles.has(dcs.kind);
  return [
    { path: '/var/cache/apt', what: 'packages', leastBytes: PACKAGES_BYTES, synchronous: false },
    ...(roles.has('patroni')
      ? [
          { path: dataDir, what: 'data', leastBytes: GIB, synchronous: true },
          ...(walDir ? [{ path: walDir, what: 'WAL', leastBytes: GIB, synchronous: true }] : []),
        ]
      : []),
    ...(votes ? [{ path: dcs.dataDir, what: dcs.label, leastBytes: GIB / 4, synchronous: true }] : []),
    ...(roles.has('pgbackrest') && repositories.some(({ kind }) => kind === 'host')
      ? [{ path: settings.pgbackrest.path, what: 'backups', leastBytes: GIB, synchronous: false }]
      : []),
  ];
}

/** How many synchronous writes are timed, each of the size of a record of etcd (bytes). */
const WRITES = 30;
const WRITE_BYTES = 2300;

/**
 * Times synchronous writes to an unnamed file of a directory (open(2), O_TMPFILE), which is gone whatever happens. Prints
 * the mean (ms), or nothing where the file system has no such files. Only modules of perl-base are used.
 */
const TIMED = String.raw`use strict; use POSIX (); use Fcntl; use IO::Handle;
my $ticks = POSIX::sysconf(&POSIX::_SC_CLK_TCK) || 100;
sysopen(my $f, $ARGV[0], 020000000 | O_DIRECTORY | O_RDWR, 0600) or exit 0;
my $block = "." x ${WRITE_BYTES};
my $from = (POSIX::times())[0];
my $done = 0;
while ($done < ${WRITES} && (POSIX::times())[0] - $from < ${TIMED_S} * $ticks) { syswrite($f, $block) or exit 0; $f->sync or exit 0; $done++ }
printf "%.1f\n", ((POSIX::times())[0] - $from) * 1000 / $ticks / $done;`;

/** File systems in memory, and those of a network, by their name in /proc/mounts. */
const IN_MEMORY = /^(tmpfs|ramfs)$/;
const OF_A_NETWORK = /^(nfs4?|cifs|smb3|9p|fuse\.(sshfs|glusterfs|s3fs)|glusterfs|ceph)$/;
/** File systems on which PostgreSQL is not run. */
const UNFIT = /^(vfat|exfat|msdos|ntfs3?|fuseblk)$/;

/** Room where the cluster writes, on file systems that keep it, with disks that answer in time. */
export const diskCheck = hostCheck(
  'disk',
  (host, { cluster }) =>
    bounded(
      DISK_S,
      `for p in ${words(...directoriesOf(cluster, host).map(({ path, synchronous }) => `${synchronous ? 'timed' : 'plain'}${path}`))}; do
  kind=\${p%%/*}; p=/\${p#*/}; d=$p; while [ ! -d "$d" ]; do d=\${d%/*}; [ -n "$d" ] || d=/; done
  # Where a service lives, its disk is left in peace.
  ms=; [ "$kind" != timed ] || { [ -d "$p" ] && [ -n "$(ls -A "$p")" ]; } || ms=$(perl -e ${quote(TIMED)} "$d")
  free=$(df -Pk "$d" | { read -r _; read -r _ size _ free _; echo "$free $size"; })
  type=; options=; best=0
  while read -r _source target kind given _; do
    case "$d/" in "\${target%/}/"*) [ "\${#target}" -lt "$best" ] || { best=\${#target}; type=$kind; options=$given; } ;; esac
  done < /proc/self/mounts
  echo "place $p|$free|$type|$options|$ms"
done`,
    ),
  (answer, host, { cluster }) => {
    const whole = wholeOf(answer);
    if ('silent' in whole) return [failure(whole.silent, 'look at the mounts of this host (df, dmesg)')];
    const seen: string[] = [];
    const found = directoriesOf(cluster, host).flatMap((directory): Judgement[] => {
      const line = whole.said.split('\n').find((one) => one.startsWith(`place ${directory.path}|`));
      const [, room = '', type = '', options = '', ms = ''] = line?.split('|') ?? [];
      const [free, size] = room.split(' ').map((kib) => Number(kib) * 1024);
      if (!Number.isFinite(free) || !Number.isFinite(size))
        return [failure(`nothing is known about ${directory.path}`, 'look at the mounts of this host')];
      if (directory.synchronous || directory.what === 'backups')
        seen.push(`${directory.what}: ${bytes(free!)} free on ${type}${ms ? `, fsync ${ms} ms` : ''}`);
      return judgeDirectory(directory, { free: free!, type, options: options.split(','), ms });
    });
    return orElse(found, seen.join('; ') || 'room for the packages');
  },
);

function judgeDirectory(
  { path, what, leastBytes, synchronous }: Directory,
  { free, type, options, ms }: { free: number; type: string; options: readonly string[]; ms: string },
): Judgement[] {
  const place = `${path} (${what})`;
  if (options.includes('ro'))
    return [failure(`${place} is on a file system that is mounted read-only`, 'look at dmesg, then remount it')];
  const kept = synchronous || what === 'backups';
  return [
    ...(kept && IN_MEMORY.test(type)
      ? [failure(`${place} is on ${type}, which a reboot empties`, 'mount a disk there')]
      : []),
    ...(kept && UNFIT.test(type) ? [failure(`${place} is on ${type}`, 'use ext4 or XFS')] : []),
    ...(synchronous && OF_A_NETWORK.test(type)
      ? [
          warning(
            `${place} is on ${type}`,
            'use a local disk: a server or network that stops takes the database with it',
          ),
        ]
      : []),
    ...(free < leastBytes
      ? [failure(`${bytes(free)} are free for ${place}`, `make at least ${bytes(leastBytes)} free`)]
      : []),
    ...(Number(ms) > SLOW_DISK_MS
      ? [
          warning(
            `a synchronous write to ${place} takes ${ms} ms`,
            Number(ms) > VERY_SLOW_DISK_MS
              ? 'use another disk: every commit waits for it, and elections of the DCS may time out'
              : `use a disk with a write cache that survives a power cut: etcd wants less than ${SLOW_DISK_MS} ms`,
          ),
        ]
      : []),
  ];
}
