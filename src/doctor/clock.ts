import { CLOCK_REFUSED_MS, CLOCK_WARNED_MS } from '../bounds/doctor.ts';
import type { Finding } from './check.ts';

/** The clock of a host against the controller's, and how far that may be off (ms). */
export interface ClockOffset {
  host: string;
  offsetMs: number;
  uncertaintyMs: number;
  /** Whether something keeps the clock (timedatectl(1), NTPSynchronized); undefined: not known, as in a container. */
  synchronized: boolean | undefined;
}

/** POSIX sh that prints the clock; asked alone, for the time of the answer is a part of it. */
export const CLOCK_SCRIPT = 'date +%s%N';

/** POSIX sh that prints whether something keeps the clock. */
export const CLOCK_KEPT_SCRIPT =
  'systemd-detect-virt -cq || timeout 5 timedatectl show -p NTPSynchronized --value 2>/dev/null || :';

const name = 'clock';
const seconds = (ms: number): string => `${(Math.abs(ms) / 1000).toFixed(Math.abs(ms) < 10_000 ? 1 : 0)} s`;

/** Judges the clocks against their median: one that is wrong is told from those that are right. */
export function judgeClocks(clocks: readonly ClockOffset[]): Finding[] {
  const sorted = clocks.map(({ offsetMs }) => offsetMs).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const controller = Math.abs(median) > CLOCK_REFUSED_MS;
  return [
    ...(controller
      ? [
          {
            check: name,
            host: '',
            level: 'failure' as const,
            seen: `this machine's clock is ${seconds(median)} ${median > 0 ? 'behind' : 'ahead of'} the hosts'`,
            cure: 'set the clock of this machine: certificates are made by it',
          },
        ]
      : []),
    ...clocks.map(({ host, offsetMs, uncertaintyMs, synchronized }): Finding => {
      const apart = offsetMs - median;
      const sure = Math.max(0, Math.abs(apart) - uncertaintyMs);
      const words = `${seconds(apart)} ${apart > 0 ? 'ahead of' : 'behind'} the other hosts`;
      const cure = 'let chrony or systemd-timesyncd keep the clock (chronyc makestep sets it at once)';
      if (sure > CLOCK_REFUSED_MS) return { check: name, host, level: 'failure', seen: words, cure };
      if (sure > CLOCK_WARNED_MS) return { check: name, host, level: 'warning', seen: words, cure };
      if (synchronized === false)
        return { check: name, host, level: 'warning', seen: 'nothing keeps its clock at present', cure };
      return { check: name, host, level: 'ok', seen: `${seconds(apart)} off` };
    }),
  ];
}
