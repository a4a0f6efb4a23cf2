import { drain, undrain } from '../../playbooks/drain.ts';
import { chooseCandidate } from '../../playbooks/switchover.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { holdOn } from '../decisions/holds.ts';
import { DEFAULT_LIMITS, mayTakeOut } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { describeDuration } from '../duration.ts';
import { type Cluster, commitsWait, type Host, hostsWith } from '../inventory/model.ts';
import type { OperateOptions } from '../run/intent.ts';
import { lengthOf, timeIn } from '../run/length.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg drain`. */
export interface DrainOptions extends OperateOptions {
  for: string;
}

/** Whether clients reach the cluster through this host, so that there is something to drain. */
const serves = ({ roles }: Host): boolean => roles.has('patroni') || roles.has('keepalived');

/** What the cluster is without this host, in words. */
function without(cluster: Cluster, { members, vipHolders }: Snapshot, host: Host): string[] {
  const others = members.filter(({ name, state }) => name !== host.name && /^(running|streaming)$/.test(state));
  const balancers = hostsWith(cluster, 'keepalived').filter((one) => one !== host);
  return [
    ...(host.roles.has('patroni')
      ? [
          others.length > 1
            ? `  ${others.map(({ name }) => name).join(' and ')} go on; a row is acknowledged ${commitsWait(cluster) ? 'when two of them have it' : 'when the leader has it'}`
            : `  ! ${others[0]?.name ?? 'nobody'} is alone meanwhile: rows that it acknowledges are on one host only, and are lost with it`,
        ]
      : []),
    ...(vipHolders.includes(host.name) ? [`  the VIP moves to ${balancers.map(({ name }) => name).join(' or ')}`] : []),
  ];
}

/** `hapg drain`: takes a host out of service for work on its hardware. It comes back by itself. */
export function drainCommand(name: string, options: DrainOptions): Promise<number> {
  const seconds = lengthOf(options.for);
  return operate('drain', { ...options, named: [{ how: name, name }] }, async (op, snapshot) => {
    const { cluster } = op;
    const host = op.host(name);
    const isDrained = holdOn(snapshot, name, 'drain') !== undefined;
    const now = op.clock.now();
    const leads = snapshot.leader?.name === name;
    const choice = leads ? chooseCandidate(cluster, snapshot) : undefined;
    refuseUnless(
      all(
        verdict(
          serves(host) ? [] : [`${name}: no client is served by it (${[...host.roles].join(', ')}); it can be stopped`],
          'nothing_to_connect_to',
        ),
        isDrained ? verdict([]) : mayTakeOut(cluster, snapshot, host, DEFAULT_LIMITS),
        choice?.verdict ?? verdict([]),
      ),
    );
    const end = `${describeDuration(seconds)}, until ${timeIn(seconds, now)}`;
    return {
      explain: isDrained
        ? `${name} is drained already; now for ${end}`
        : [
            `${name} is drained for ${end}, and can be switched off meanwhile; "hapg undrain ${name}" ends it before`,
            ...(choice ? [`  it leads: ${choice.to} takes over first, and writes wait that long`] : []),
            ...without(cluster, snapshot, host),
          ].join('\n'),
      question: `Drain ${name}?`,
      hosts: [host],
      expects: ({ code, host: of }) => code === 'held' && of === name,
      run: () => drain(op, host, seconds, isDrained),
      document: () => ({ drained: name, until: new Date(now + seconds * 1000).toISOString() }),
    };
  });
}

/** `hapg undrain`: brings a drained host back into service. */
export const undrainCommand = (name: string, options: OperateOptions): Promise<number> =>
  operate('undrain', { ...options, asItIs: true, named: [{ how: name, name }] }, async (op, snapshot) => {
    if (!holdOn(snapshot, name, 'drain')) return undefined;
    return {
      explain: `${name} comes back into service`,
      question: `Bring ${name} back?`,
      hosts: [op.host(name)],
      run: () => undrain(op, op.host(name)),
      document: () => ({ drained: null }),
    };
  });
