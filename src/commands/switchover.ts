import { chooseCandidate, switchOver } from '../../playbooks/switchover.ts';
import { membersHealthy } from '../decisions/members.ts';
import { all } from '../decisions/verdict.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg switchover`. */
export interface SwitchoverOptions extends OperateOptions {
  to?: string;
}

const namedOf = ({ to }: SwitchoverOptions): OperateOptions['named'] =>
  to === undefined ? [] : [{ how: `--to ${to}`, name: to, role: 'patroni' }];

/**
 * `hapg switchover`: judges, changes the leader to a named candidate, and verifies it on both hosts. Exits 0 only when
 * healthy afterwards.
 */
export const switchoverCommand = (options: SwitchoverOptions): Promise<number> =>
  operate('switchover', { ...options, named: namedOf(options) }, async (op, snapshot) => {
    const { cluster } = op;
    const { verdict, from, to } = chooseCandidate(cluster, snapshot, options.to);
    refuseUnless(all(membersHealthy(cluster, snapshot), verdict));
    const member = snapshot.members.find((one) => one.name === to)!;
    return {
      explain: `${from} hands over to ${to}: ${member.role}, ${member.state}, ${member.lagBytes ?? '?'} bytes behind`,
      question: `Switch ${cluster.name} over?`,
      hosts: [op.host(from), op.host(to)],
      run: async () => {
        op.stage('switchover', [op.host(from), op.host(to)]);
        await switchOver(op, to);
      },
    };
  });
