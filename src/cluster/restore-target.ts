/** Where a restore shall end. */
export type Target =
  | { kind: 'time'; at: Date }
  | { kind: 'lsn'; lsn: string }
  | { kind: 'name'; name: string }
  | { kind: 'latest' };

/** The flags that name it, as texts. */
export interface TargetFlags {
  toTime?: string;
  toLsn?: string;
  toName?: string;
  latest?: boolean;
}

/**
 * Reads the flags. A time has a zone, or is meant in the zone of the person's machine: `2026-01-31 14:05:00`,
 * `2026-01-31T14:05:00Z`, `2026-01-31 14:05:00+02:00`. Throws with a message when there is not exactly one target or it is
 * not understood.
 */
export function parseTarget({ toTime, toLsn, toName, latest }: TargetFlags): Target {
  const given = [toTime, toLsn, toName, latest || undefined].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new Error('exactly one of --to-time, --to-lsn, --to-name and --latest says where the restore ends');
  if (toTime !== undefined) {
    const match =
      /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/.exec(toTime);
    const [, day, time, zone = ''] = match ?? [];
    const offset = /^[+-]\d{2}$/.test(zone)
      ? `${zone}:00`
      : /^[+-]\d{4}$/.test(zone)
        ? `${zone.slice(0, 3)}:${zone.slice(3)}`
        : zone.replace('UTC', 'Z');
    const at = new Date(`${day}T${time}${offset}`);
    if (!match || Number.isNaN(at.getTime()))
      throw new Error(`--to-time ${toTime}: not a time such as "2026-01-31 14:05:00" or 2026-01-31T14:05:00Z`);
    return { kind: 'time', at };
  }
  if (toLsn !== undefined) {
    if (!/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i.test(toLsn))
      throw new Error(`--to-lsn ${toLsn}: not an LSN such as 0/3000060`);
    return { kind: 'lsn', lsn: toLsn.toUpperCase() };
  }
  if (toName !== undefined) {
    if (!/^[\x21-\x7e]{1,63}$/.test(toName)) throw new Error(`--to-name ${toName}: not the name of a restore point`);
    return { kind: 'name', name: toName };
  }
  return { kind: 'latest' };
}

/** `2026-01-31 14:05:00.000+00`, as PostgreSQL's recovery_target_time takes it. */
export const postgresTime = (at: Date): string => `${at.toISOString().replace('T', ' ').replace('Z', '')}+00`;

/** The target in words; a time in UTC. */
export function describeTarget(target: Target): string {
  switch (target.kind) {
    case 'time':
      return `${at(target.at)} UTC`;
    case 'lsn':
      return `LSN ${target.lsn}`;
    case 'name':
      return `restore point ${target.name}`;
    case 'latest':
      return 'the newest archived transaction';
  }
}
const at = (time: Date): string =>
  time
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.000)?Z$/, '');

/** pgBackRest's arguments for a target on a timeline (pgBackRest command reference, "restore"). */
export function targetArguments(target: Target, timeline: number): string[] {
  const end = ['--target-action=promote', `--target-timeline=${timeline}`];
  switch (target.kind) {
    case 'time':
      return ['--type=time', `--target=${postgresTime(target.at)}`, ...end];
    case 'lsn':
      return ['--type=lsn', `--target=${target.lsn}`, ...end];
    case 'name':
      return ['--type=name', `--target=${target.name}`, ...end];
    case 'latest':
      return ['--type=default'];
  }
}
