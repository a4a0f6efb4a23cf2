import type { Snapshot } from '../cluster/snapshot.ts';
import type { HoldName } from '../observe/holds.ts';
import { isoSeconds } from '../units.ts';
import { type Verdict, verdict } from './verdict.ts';

/** A hold and the host that has it. */
export interface HostHold {
  host: string;
  name: HoldName;
  /** When it ends by itself (s since the epoch); undefined: only when somebody ends it. */
  until: number | undefined;
}

/** The temporary states that operators have set, by host. */
export const holdsOf = ({ observations }: Snapshot): HostHold[] =>
  [...observations].flatMap(([host, { holds }]) => holds.map((one) => ({ host, ...one })));

/** The hold of this name on a host; undefined where there is none. */
export const holdOn = (snapshot: Snapshot, host: string, name: HoldName): HostHold | undefined =>
  holdsOf(snapshot).find((one) => one.host === host && one.name === name);

const untilWords = (until: number | undefined): string => (until === undefined ? '' : ` until ${isoSeconds(until)}`);

/** The words for a pause: since when it is one of hapg's, it has an end. */
export function pauseWords(snapshot: Snapshot): string {
  const ends = holdsOf(snapshot).flatMap(({ name, until }) => (name === 'pause' && until !== undefined ? [until] : []));
  return `the cluster is paused${ends.length > 0 ? untilWords(Math.max(...ends)) : ''}`;
}

/** Says what a held host is, and how that is ended. */
export const describeHold = ({ host, name, until }: HostHold): string =>
  name === 'pause'
    ? `${host} will end a pause${untilWords(until).replace('until', 'at')}; "hapg resume" ends it now`
    : name === 'drain'
      ? `${host} is drained${untilWords(until)}: it serves nobody; "hapg undrain ${host}" ends that`
      : `${host} is fenced${untilWords(until)}: its PostgreSQL is down and stays down; "hapg unfence ${host}" ends that`;

/** Is no host drained or fenced on purpose? What writes a member's configuration would end that unnoticed. */
export const noHostHeld = (snapshot: Snapshot): Verdict =>
  verdict(
    holdsOf(snapshot)
      .filter(({ name }) => name !== 'pause')
      .map(describeHold),
    'held',
  );
