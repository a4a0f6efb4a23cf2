import { fence, type HandOver, unfence } from '../../playbooks/fence.ts';
import { chooseCandidate } from '../../playbooks/switchover.ts';
import { holdOn } from '../decisions/holds.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { describeDuration } from '../duration.ts';
import { commitsWait } from '../inventory/model.ts';
import type { OperateOptions } from '../run/intent.ts';
import { lengthOf, timeIn } from '../run/length.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg fence`. */
export interface FenceOptions extends OperateOptions {
  /** How long; undefined: until it is ended. */
  for?: string;
  now: boolean;
}

/** Only the named member's host must be there, and the cluster may be in any state. */
const aboutOne = <T extends OperateOptions>(name: string, options: T): T & OperateOptions => ({
  ...options,
  asItIs: true,
  emergency: true,
  goesWithout: (host) => host.name !== name,
  named: [{ how: name, name, role: 'patroni' }],
});

/**
 * `hapg fence`: takes a member that must not serve out of the cluster: its PostgreSQL is stopped and stays down, over boots
 * too. A leader hands over first, or is stopped at once with `--now`, and the others elect.
 */
export function fenceCommand(name: string, options: FenceOptions): Promise<number> {
  const seconds = options.for === undefined ? undefined : lengthOf(options.for);
  return operate('fence', aboutOne(name, options), async (op, snapshot) => {
    const { cluster } = op;
    const leads = snapshot.leader?.name === name || snapshot.leaders.includes(name);
    const choice = leads ? chooseCandidate(cluster, snapshot) : undefined;
    const handOver: HandOver = !leads ? 'none' : options.now ? 'election' : 'switchover';
    const others = snapshot.members.filter((one) => one.name !== name && one.state === 'streaming');
    refuseUnless(
      all(
        handOver === 'switchover' && choice ? withCure(choice.verdict, name) : verdict([]),
        verdict(
          handOver === 'election' && snapshot.paused
            ? ['the cluster is paused, so nobody would take over: "hapg resume" first']
            : [],
          'paused',
        ),
      ),
    );
    const away = cluster.hosts.map((host) => host.name).filter((one) => !snapshot.observations.has(one));
    const end =
      seconds === undefined
        ? `until "hapg unfence ${name}"`
        : `for ${describeDuration(seconds)}, until ${timeIn(seconds, op.clock.now())}`;
    return {
      explain: [
        `${name} is fenced ${end}: its PostgreSQL stops and stays down, its data stays as it is`,
        ...(handOver === 'switchover' ? [`  it leads: ${choice!.to} takes over first`] : []),
        ...(handOver === 'election'
          ? [
              `  ! it leads and is stopped at once: writes fail until the others have elected, up to ${cluster.timing.failoverBound} s`,
              others.length === 0
                ? '  ! no other member streams: nobody may take over, and nobody can write'
                : commitsWait(cluster)
                  ? '  no acknowledged row is lost, as long as the synchronous standby lives'
                  : '  ! rows that it has acknowledged and not sent yet are missing until it is back',
            ]
          : []),
        ...(away.length > 0 ? [`  ! ${away.join(', ')}: no answer`] : []),
      ].join('\n'),
      question: `Fence ${name}?`,
      hosts: [op.host(name)],
      expects: ({ code, host }) => host === name || away.includes(host) || code === 'no_sync_standby',
      run: () => fence(op, op.host(name), { seconds, handOver }),
      document: () => ({ fenced: name }),
    };
  });
}

/** The verdict about a switchover with the way on without one. */
const withCure = (choice: ReturnType<typeof verdict>, name: string): ReturnType<typeof verdict> =>
  choice.ok
    ? choice
    : verdict(
        [...choice.reasons, `${name} leads and cannot hand over: --now stops it at once, and the others elect`],
        'candidate',
      );

/** `hapg unfence`: lets a fenced member take part again. */
export const unfenceCommand = (name: string, options: OperateOptions): Promise<number> =>
  operate('unfence', aboutOne(name, options), async (op, snapshot) => {
    if (!holdOn(snapshot, name, 'fence')) return undefined;
    return {
      explain: `${name} takes part again: as a replica, and Patroni makes its data follow the leader's`,
      question: `Let ${name} in?`,
      hosts: [op.host(name)],
      run: () => unfence(op, op.host(name)),
      document: () => ({ fenced: null }),
    };
  });
