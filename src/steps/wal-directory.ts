import { MOVE_WAL_S } from '../bounds/copy.ts';
import { shutdown } from '../bounds/postgres.ts';
import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type HandOver, handOver } from './hand-over.ts';
import { type Kind, type Step, step } from './step.ts';

export interface WalDirectoryWant extends HandOver {
  dataDir: string;
  /** The wanted directory of pg_wal; undefined: the inventory has none, and an existing link stays. */
  walDir: string | undefined;
  /** POSIX sh that fails while a server still uses the data directory. */
  notRunning: string;
}

export interface WalDirectoryState {
  /** Whether there is a database. */
  there: boolean;
  /** The target of the link pg_wal; empty when it is a directory. */
  target: string;
  leads: boolean;
}

/**
 * POSIX sh that moves a member's WAL while it is stopped, and starts it again whatever happens. It clears the leftovers
 * of an earlier try: an unfinished copy, known by its mark, and a directory that was renamed but not yet replaced by
 * the link.
 */
export function moveWal(want: { pgWal: string; target: string; walDir: string; notRunning: string }): string {
  const [pgWal, walDir, old, mark] = [want.pgWal, want.walDir, want.target, `${want.walDir}/.hapg-moving`].map(quote);
  const from = want.target ? old : pgWal;
  return `set -e
trap 'systemctl start patroni.service' EXIT
[ ! -e ${mark} ] || find ${walDir} -mindepth 1 -delete
[ -z "$(ls -A -- ${walDir})" ] || { echo ${quote(`${want.walDir} is not empty`)}; exit 1; }
systemctl stop patroni.service
${want.notRunning}
[ -e ${pgWal} ] || [ ! -d ${pgWal}.moved ] || mv -T -- ${pgWal}.moved ${pgWal}
touch ${mark}
cp -a -- ${from}/. ${walDir}
sync -f ${walDir}
diff -rq -x .hapg-moving -- ${from} ${walDir} || { echo 'the copy is not the same; nothing was taken away'; exit 1; }
mv -T -- ${pgWal} ${pgWal}.moved
ln -s -- ${walDir} ${pgWal}
rm -f ${mark}
chown -h postgres:postgres ${pgWal}
rm -rf -- ${pgWal}.moved
${want.target ? `find ${old} -mindepth 1 -delete` : ':'}`;
}

/**
 * The directory of a member's WAL. New members are made with it; on an existing one it is moved while its PostgreSQL is
 * stopped, one member at a time. The original is removed only when its copy is identical.
 */
const walDirectoryKind: Kind<WalDirectoryWant, WalDirectoryState> = {
  name: 'wal-directory',
  volatile: true,
  probe: (steps) =>
    steps
      .map(({ want }) => {
        const data = quote(want.dataDir);
        return `[ ! -e ${data}/PG_VERSION ] || echo there; if [ -L ${data}/pg_wal ]; then echo "target $(readlink ${data}/pg_wal)"; fi; [ -e ${data}/standby.signal ] || echo leads`;
      })
      .join('\n'),
  parse: (answer, steps) => {
    const lines = answer.split('\n');
    const target = lines.find((line) => line.startsWith('target '))?.slice('target '.length) ?? '';
    return new Map(
      steps.map((one) => [one.id, { there: lines.includes('there'), target, leads: lines.includes('leads') }]),
    );
  },
  diff({ want }, { there, target, leads }) {
    if (!there || want.walDir === undefined || target === want.walDir) return undefined;
    return {
      action: 'restart',
      summary: `WAL moves from ${target || `${want.dataDir}/pg_wal`} to ${want.walDir}; PostgreSQL stops meanwhile, ${leads ? 'after a switchover' : 'one member at a time'}`,
    };
  },
  notes: ({ want }, { there, target }) =>
    there && want.walDir === undefined && target
      ? [`pg_wal is a link to ${target}, which a new copy would not have; postgres: {wal_dir: ${target}} keeps it so`]
      : [],
  async change({ want }, { target, leads }, remote) {
    if (leads) await handOver(want, remote);
    remote.doing(`moving WAL to ${want.walDir}`);
    await remote.unit(
      'wal',
      moveWal({ pgWal: `${want.dataDir}/pg_wal`, target, walDir: want.walDir!, notRunning: want.notRunning }),
      MOVE_WAL_S + shutdown(want.sharedBuffers),
    );
  },
};

/** A step: this member keeps its WAL in this directory. */
export const walDirectory = (role: RoleName, want: WalDirectoryWant): Step =>
  step(walDirectoryKind, role, want.dataDir, want);
