import type { Snapshot } from '../cluster/snapshot.ts';
import { type Verdict, verdict } from './verdict.ts';

/** The facts that decide about a planned change, as comparable lines, without figures that change all the time. */
const decisiveFacts = ({ observations, members, leaders, paused, dcs, vipHolders }: Snapshot): Map<string, string> =>
  new Map([
    ...[...observations.keys()].sort().map((host): [string, string] => [host, 'answers']),
    ...members.map(({ name, role, state }): [string, string] => [`member ${name}`, `${role}, ${state}`]),
    ['who leads', [...leaders].sort().join(' and ') || 'nobody'],
    ['failover', paused ? 'paused' : 'on'],
    ...dcs.members.map(({ name, healthy }): [string, string] => [
      `DCS on ${name}`,
      healthy ? 'healthy' : 'not healthy',
    ]),
    ['the VIP', vipHolders.join(' and ') || 'nowhere'],
  ]);

/** Is the cluster still as shown before the question? Otherwise the work would not be what was confirmed. */
export function unchanged(before: Snapshot, now: Snapshot): Verdict {
  const [was, is] = [decisiveFacts(before), decisiveFacts(now)];
  return verdict(
    [...new Set([...was.keys(), ...is.keys()])]
      .filter((name) => was.get(name) !== is.get(name))
      .map(
        (name) =>
          `${name} has changed since the question was asked: ${was.get(name) ?? 'nothing'} → ${is.get(name) ?? 'no answer'}. Run again`,
      ),
    'changed_meanwhile',
  );
}
