import { MEASURE_S } from '../bounds/copy.ts';
import { sizeOf, usedKiB } from '../programs/files.ts';
import { quote } from '../shell/quote.ts';
import { progressBar } from '../units.ts';

/**
 * POSIX sh that prints the progress of a database's copy. It writes nothing and is bounded whatever the size. It prints
 * `bytes N` below the directory, links followed, without logs, which a server that keeps failing writes. It prints
 * `used N` of the file system instead when counting takes too long. It also prints what the programs at work have read
 * (proc(5), "io") and the WAL segment that PostgreSQL's startup process names in its title.
 */
export const copyProgress = (directory: string): string => `d=${quote(directory)}
[ -e "$d" ] || { echo absent; exit 0; }
n=$(${sizeOf(directory, MEASURE_S)})
if [ -n "$n" ]; then echo "bytes $n"; else echo "used $(${usedKiB('"$d"')} 2>/dev/null)"; fi
for p in /proc/[0-9]*; do
  read -r name < "$p/comm" || continue
  case $name in
    pgbackrest|pg_basebackup|pg_rewind) sed -n 's/^rchar: /read /p' "$p/io" ;;
    postgres) title=; read -r title < "$p/cmdline"; case $title in *'startup recovering '*) echo "wal \${title##*recovering }" ;; esac ;;
  esac
done 2>/dev/null`;

/** Reads the copied bytes from the output of `copyProgress`; undefined when they could not be counted. */
export function copiedBytes(answer: string): number | undefined {
  const bytes = Number(/^bytes (\d+)$/m.exec(answer)?.[1] ?? 0);
  return bytes > 0 ? bytes : undefined;
}

/** Returns the progress line of a copy: `restoring [###   ] 1.2 GiB of 4.8 GiB`; undefined when the bytes are not known. */
export function copyProgressLine(doing: string, answer: string, totalBytes: number | undefined): string | undefined {
  const bytes = copiedBytes(answer);
  return bytes === undefined ? undefined : `${doing} ${progressBar(bytes, totalBytes)}`;
}

/** Returns the progress line of a recovery: the WAL segment that is replayed; undefined when none is. */
export const replayProgressLine = (answer: string): string | undefined => {
  const segment = /^wal (\S+)/m.exec(answer)?.[1];
  return segment && `replaying ${segment}`;
};
