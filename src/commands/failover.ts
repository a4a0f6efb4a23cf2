import { failOver } from '../../playbooks/failover.ts';
import { lossOf, mayFailOver } from '../decisions/failover.ts';
import { pauseWords } from '../decisions/holds.ts';
import { hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** The flags of `hapg failover`. */
export interface FailoverOptions extends OperateOptions {
  to: string;
}

/** Problems that follow from the loss of hosts, and that the new leader does not mend. */
const FOLLOWS = ['no_sync_standby', 'dcs_member', 'dcs_member_missing', 'unknown', 'idle_slot', 'vip_nowhere'];

/**
 * `hapg failover`: makes a member the leader where nobody leads and Patroni elects none by itself, because it cannot rule
 * out a loss. Needs only that member's host and the quorum of the DCS. Refuses while a leader serves.
 */
export const failoverCommand = (options: FailoverOptions): Promise<number> =>
  operate(
    'failover',
    {
      ...options,
      asItIs: true,
      emergency: true,
      goesWithout: ({ name }) => name !== options.to,
      named: [{ how: `--to ${options.to}`, name: options.to, role: 'patroni' }],
    },
    async (op, snapshot) => {
      const { cluster } = op;
      const { to } = options;
      refuseUnless(mayFailOver(cluster, snapshot, to));
      const hosts = cluster.hosts.filter(({ name }) => snapshot.observations.has(name));
      const away = cluster.hosts.filter((host) => !hosts.includes(host)).map(({ name }) => name);
      const dead = hostsWith(cluster, 'patroni')
        .map(({ name }) => name)
        .filter((name) => name !== to && !said(snapshot.observations.get(name)?.patroni)?.self);
      return {
        explain: [
          `${to} becomes the leader of ${cluster.name}, although nobody hands over to it`,
          ...lossOf(cluster, snapshot, to),
          ...(snapshot.paused ? [`  ${pauseWords(snapshot)}, and stays so`] : []),
          ...(away.length > 0
            ? [
                `  ! ${away.join(', ')}: no answer. Where one led, it follows ${to} when it is back, and what only it has is given up`,
              ]
            : []),
          ...dead
            .filter((name) => !away.includes(name))
            .map(
              (name) => `  ! ${name}: Patroni does not run there, so it is not known whether it has more than ${to}`,
            ),
        ].join('\n'),
        question: `Make ${to} the leader?`,
        hosts: [op.host(to)],
        expects: ({ code, host }) =>
          away.includes(host) ||
          dead.includes(host) ||
          FOLLOWS.includes(code) ||
          (snapshot.paused && code === 'paused'),
        run: () => failOver(op, op.host(to), hosts),
        document: () => ({ leader: to, away }),
      };
    },
  );
