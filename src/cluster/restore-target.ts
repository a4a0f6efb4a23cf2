import { describeMoment, type Moment, type OffsetAt, parseMoment, postgresTime } from './moment.ts';

/** Where a restore ends. */
export type Target =
  | { kind: 'time'; at: Moment }
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
 * Reads the flags. A time without a zone is in the zone of the operator's machine (`offsetAt`): `2026-01-31 14:05:00`,
 * `2026-01-31T14:05:00Z`, `2026-01-31 14:05:00.123456+02:00`. Throws when there is not exactly one target or it is not
 * understood.
 */
export function parseTarget({ toTime, toLsn, toName, latest }: TargetFlags, offsetAt?: OffsetAt): Target {
  const given = [toTime, toLsn, toName, latest || undefined].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new Error('exactly one of --to-time, --to-lsn, --to-name and --latest says where the restore ends');
  if (toTime !== undefined)
    try {
      return { kind: 'time', at: parseMoment(toTime, offsetAt) };
    } catch (cause) {
      throw new Error(`--to-time ${toTime}: ${(cause as Error).message}`);
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

/** The target in words; a time in UTC. */
export function describeTarget(target: Target): string {
  switch (target.kind) {
    case 'time':
      return `${describeMoment(target.at)} UTC`;
    case 'lsn':
      return `LSN ${target.lsn}`;
    case 'name':
      return `restore point ${target.name}`;
    case 'latest':
      return 'the newest archived transaction';
  }
}

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
