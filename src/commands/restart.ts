import { restart } from '../../playbooks/restart.ts';
import { bestCandidate } from '../decisions/switchover.ts';
import { DEFAULT_LIMITS, noLongTransaction, steady } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { commitsWait } from '../inventory/model.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg restart`. */
export interface RestartOptions extends OperateOptions {
  pending: boolean;
}

/**
 * `hapg restart`: restarts PostgreSQL of all members (or those of --limit, or with a pending restart), one at a time.
 */
export const restartCommand = (options: RestartOptions): Promise<number> =>
  operate('restart', { ...options, selects: true }, async (op, snapshot, { hosts }) => {
    const { cluster } = op;
    const waiting = new Set(snapshot.members.filter((one) => one.pendingRestart).map((one) => one.name));
    const members = hosts.filter((host) => host.roles.has('patroni') && (!options.pending || waiting.has(host.name)));
    if (members.length === 0) return undefined;
    const leads = members.some((host) => host.name === snapshot.leader?.name);
    refuseUnless(
      all(
        steady(cluster, snapshot, DEFAULT_LIMITS),
        leads ? noLongTransaction(snapshot, DEFAULT_LIMITS) : verdict([]),
        leads && !bestCandidate(snapshot, commitsWait(cluster))
          ? verdict(['the leader has no member to hand over to; restarting it means downtime'], 'candidate')
          : verdict([]),
      ),
    );
    return {
      explain: `PostgreSQL restarts on ${members.map((host) => host.name).join(', ')}, one at a time${leads ? `; ${snapshot.leader!.name} hands over first` : ''}`,
      question: `Restart ${members.length} members of ${cluster.name}?`,
      hosts: members,
      run: () => restart(op, members),
    };
  });
