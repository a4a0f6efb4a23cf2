import { ANSWER_S } from '../src/bounds/hosts.ts';
import { gate, switched } from '../src/bounds/patroni.ts';
import { PROMOTE_S } from '../src/bounds/postgres.ts';
import { writesGoTo } from '../src/cluster/snapshot.ts';
import { verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { patroniRest } from '../src/observe/patroni.ts';
import { awaitRole, failover as request } from '../src/programs/patroni.ts';

/**
 * Makes a member the leader although nobody hands over to it, through Patroni, which takes the lease of the DCS first: a
 * leader that lives after all keeps it, and the request is refused. Done when it leads by its own word and the balancers
 * that answer send writes to it. `hosts` are those that answer.
 */
export async function failOver(op: Operation, host: Host, hosts: readonly Host[]): Promise<void> {
  const { cluster } = op;
  op.stage('failover', [host]);
  const rest = patroniRest(cluster, host);
  await op.step(host, `failover to ${host.name}`, 'patroni', 'run', async () => {
    const seconds = switched(cluster.timing);
    await op.ask(host, 'failover', request(rest, host.name, seconds), seconds + ANSWER_S);
    await op.ask(host, 'failover', awaitRole(rest, 'leader', PROMOTE_S), PROMOTE_S + ANSWER_S);
  });
  const balancers = hostsWith(cluster, 'haproxy').filter((one) => hosts.includes(one));
  if (balancers.length === 0 || cluster.upstream) return;
  const about = hosts.filter((one) => one.roles.has('haproxy') || one.roles.has('patroni'));
  await op.until(
    host,
    'balancers',
    gate(cluster.timing),
    (snapshot) =>
      verdict(
        balancers.flatMap(({ name }) => {
          const rows = said(snapshot.observations.get(name)?.balancer) ?? [];
          const up = rows.filter(({ proxy, status }) => proxy === 'primary' && status.startsWith('UP'));
          return up.map(({ server }) => server).join() === writesGoTo(snapshot)
            ? []
            : [`HAProxy on ${name} does not send writes to ${host.name} yet`];
        }),
      ),
    { hosts: about, about: ['members', 'balancers'], everyMs: 1000 },
  );
}
