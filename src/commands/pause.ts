import { pause, resume } from '../../playbooks/pause.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { holdsOf, pauseWords } from '../decisions/holds.ts';
import { verdict } from '../decisions/verdict.ts';
import { describeDuration } from '../duration.ts';
import type { Operation } from '../engine/operation.ts';
import { type Host, hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { OperateOptions } from '../run/intent.ts';
import { lengthOf, timeIn } from '../run/length.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg pause`. */
export interface PauseOptions extends OperateOptions {
  for: string;
}

/** Database hosts whose Patroni runs, the leader first. */
function runningMembers({ cluster }: Operation, { observations, leader }: Snapshot): Host[] {
  const running = hostsWith(cluster, 'patroni').filter(({ name }) => said(observations.get(name)?.patroni)?.self);
  return running.sort((a, b) => Number(b.name === leader?.name) - Number(a.name === leader?.name));
}

/** What speaks against a change of the pause. */
const nobodyToAsk = (running: readonly Host[]): string[] =>
  running.length === 0 ? ['Patroni runs on no database host that answers; see "hapg status"'] : [];

/** Both may be needed while a part of the cluster is lost. */
const IN_AN_EMERGENCY = { asItIs: true, emergency: true, goesWithout: () => true };

/** `hapg pause`: turns automatic failover off for a while. The pause ends by itself. */
export function pauseCommand(options: PauseOptions): Promise<number> {
  const seconds = lengthOf(options.for);
  return operate('pause', { ...options, ...IN_AN_EMERGENCY }, async (op, snapshot) => {
    const { name, upstream } = op.cluster;
    const hosts = runningMembers(op, snapshot);
    const { leader, leaders } = snapshot;
    refuseUnless(
      verdict(
        [
          ...nobodyToAsk(hosts),
          ...(leaders.length > 1 ? [`two leaders: ${leaders.join(' and ')}; a pause would let both go on`] : []),
        ],
        'member',
      ),
    );
    const now = op.clock.now();
    const end = timeIn(seconds, now);
    return {
      explain: [
        `${name} is paused for ${describeDuration(seconds)}, until ${end}; "hapg resume" ends it before`,
        `  clients feel nothing, as long as ${leader?.name ?? 'a leader'} lives`,
        `  ! when ${leader?.name ?? 'the leader'} fails meanwhile, nobody takes over: ${upstream ? 'nothing is received' : 'writes fail'} until the pause ends`,
        ...(snapshot.paused ? [`  ${pauseWords(snapshot)} already; its end is set anew`] : []),
      ].join('\n'),
      question: `Pause ${name}?`,
      hosts,
      expects: ({ code }) => code === 'paused',
      run: () => pause(op, hosts, seconds),
      document: () => ({ paused: true, until: new Date(now + seconds * 1000).toISOString() }),
    };
  });
}

/** `hapg resume`: turns automatic failover on again, whoever turned it off. */
export const resumeCommand = (options: OperateOptions): Promise<number> =>
  operate('resume', { ...options, ...IN_AN_EMERGENCY }, async (op, snapshot) => {
    const hosts = runningMembers(op, snapshot);
    refuseUnless(verdict(nobodyToAsk(hosts), 'member'));
    if (!snapshot.paused && !holdsOf(snapshot).some(({ name }) => name === 'pause')) return undefined;
    const { leader } = snapshot;
    return {
      explain: [
        `${op.cluster.name} fails over by itself again`,
        ...(leader ? [] : ['  no member leads now: Patroni elects one at once, if one may lead']),
      ].join('\n'),
      question: `Resume ${op.cluster.name}?`,
      hosts,
      run: () => resume(op, hosts),
      document: () => ({ paused: false }),
    };
  });
