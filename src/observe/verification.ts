/** What was counted among the files of one backup, or the segments of one archive. */
export interface Counted {
  name: string;
  /** pgBackRest's status of a backup: valid, invalid, in-progress, manifest missing. */
  status: string;
  checked: number;
  valid: number;
}

/** The outcome of a verification of one repository. */
export interface Verification {
  repository: number;
  /** Whether everything is there and as it was written. */
  ok: boolean;
  wal: { checked: number; invalid: number; missing: number };
  files: { checked: number; invalid: number };
  backups: Counted[];
  /** WAL segments that lie between those that are there: `from` and `to` are the neighbours. */
  gaps: { from: string; to: string; missing: number }[];
  /** What pgBackRest says of single files, or why it could not verify. */
  messages: string[];
}

/** Segments of the usual size, 16 MiB, in one log file of 4 GiB (PostgreSQL, "WAL Internals"). */
const SEGMENTS = 256;
const numberOf = (segment: string): number =>
  Number.parseInt(segment.slice(8, 16), 16) * SEGMENTS + Number.parseInt(segment.slice(16), 16);

/** Returns the gaps between ranges of WAL on the same timeline of the same database; a new timeline begins anywhere. */
function gapsBetween(ranges: readonly { archive: string; start: string; stop: string }[]): Verification['gaps'] {
  return ranges.slice(1).flatMap((range, index) => {
    const before = ranges[index]!;
    const same = before.archive === range.archive && before.stop.slice(0, 8) === range.start.slice(0, 8);
    const missing = numberOf(range.start) - numberOf(before.stop) - 1;
    return same && missing > 0 ? [{ from: before.stop, to: range.start, missing }] : [];
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** Reads pgBackRest's words about one repository. */
function parseOne(repository: number, text: string): Verification {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)];
  const archives = all(/^ {2}archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)$/gm);
  const backups = all(
    /^ {2}backup: (\S+), status: ([a-z -]+), total files checked: (\d+), total valid files: (\d+)$/gm,
  ).map(
    ([, name, status, checked, valid]): Counted => ({
      name: name!,
      status: status!,
      checked: Number(checked),
      valid: Number(valid),
    }),
  );
  const gaps = gapsBetween(
    all(/ archiveId: (\S+), wal start: ([0-9A-F]{24}), wal stop: ([0-9A-F]{24})$/gm).map(
      ([, archive, start, stop]) => ({
        archive: archive!,
        start: start!,
        stop: stop!,
      }),
    ),
  );
  const wal = {
    checked: sum(archives.map(([, , checked]) => Number(checked))),
    invalid: sum(archives.map(([, , checked, valid]) => Number(checked) - Number(valid))),
    missing: sum(gaps.map((one) => one.missing)),
  };
  const messages = [
    ...all(/ INFO: (invalid .+)$/gm),
    ...all(/^ {2}((?!archiveId:|backup:)[A-Za-z].*)$/gm),
    ...all(/ ERROR: (.+)$/gm),
  ].map(([, message]) => message!.trim());
  const isGood = ({ status }: Counted) => status === 'valid' || status === 'in-progress';
  const whole = /^status: ok$/m.test(text) && /^@code 0$/m.test(text);
  return {
    repository,
    ok: whole && wal.invalid === 0 && wal.missing === 0 && backups.every(isGood),
    wal,
    files: {
      checked: sum(backups.map((one) => one.checked)),
      invalid: sum(backups.map((one) => one.checked - one.valid)),
    },
    backups,
    gaps,
    messages: whole || messages.length > 0 ? messages : ['pgBackRest did not end its verification'],
  };
}

/** Reads the output of `verify`. A repository without an outcome is not good. Pure. */
export const parseVerification = (output: string): Verification[] =>
  output
    .split(/^@repository /m)
    .slice(1)
    .map((part) => parseOne(Number.parseInt(part, 10), part));
