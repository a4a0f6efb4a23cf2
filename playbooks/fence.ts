import { election } from '../src/bounds/patroni.ts';
import { START_ONE_S, stop as stopTime } from '../src/bounds/postgres.ts';
import { waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { backInService, DEFAULT_LIMITS } from '../src/decisions/update.ts';
import { verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Host, hostsWith } from '../src/inventory/model.ts';
import { stopServer } from '../src/programs/postgres.ts';
import { start } from '../src/programs/systemd.ts';
import { MEMBER_TIMERS } from './out-of-service.ts';
import { switchOver } from './switchover.ts';

const UNITS = ['patroni.service', ...MEMBER_TIMERS];

/** POSIX sh that lets a fenced member take part again. */
const letIn = `for unit in ${UNITS.join(' ')}; do ! systemctl cat $unit >/dev/null 2>&1 || systemctl -q enable $unit; done
${start('patroni.service', START_ONE_S)} || exit 1`;

/** How a fenced member gives up the leadership: to a candidate, by an election, or to nobody. */
export type HandOver = 'none' | 'switchover' | 'election';

/**
 * Stops a member's Patroni and PostgreSQL and keeps them down, over boots too, for `seconds` or until somebody ends it.
 * Its data stays as it is. A server that does not end in time is stopped as it is.
 */
export async function fence(
  op: Operation,
  host: Host,
  { seconds, handOver }: { seconds: number | undefined; handOver: HandOver },
): Promise<void> {
  const { cluster } = op;
  op.stage(`fence ${host.name}`, [host]);
  const buffers = sharedBuffers(await op.observe([host], { about: ['members'] }), host.name);
  if (handOver === 'switchover') await switchOver(op);
  await op.setHold(host, 'fence', letIn, seconds);
  const bound = stopTime(buffers);
  await op.step(host, 'stop PostgreSQL, and keep it down', 'patroni', 'run', (remote) =>
    remote.run(
      `systemctl -q disable ${UNITS.join(' ')} 2>/dev/null
systemctl stop ${UNITS.join(' ')} 2>/dev/null
${stopServer(cluster.binDir, host.dataDir, bound)}
if systemctl -q is-enabled patroni.service; then echo 'a boot would start Patroni again'; exit 1; fi`,
      3 * bound,
    ),
  );
  const others = hostsWith(cluster, 'patroni').filter((one) => one !== host);
  if (others.length === 0) return;
  await op.until(
    host,
    'another leader',
    election(cluster.timing),
    ({ leaders }) => verdict(leaders.length === 1 && leaders[0] !== host.name ? [] : ['no other member leads yet']),
    { hosts: others, about: ['members'], everyMs: 1000 },
  );
}

/** Lets a fenced member take part again, and waits until it does. */
export async function unfence(op: Operation, host: Host): Promise<void> {
  op.stage(`unfence ${host.name}`, [host]);
  await op.step(host, 'start PostgreSQL', 'patroni', 'run', () => op.endHold(host, 'fence'));
  await op.until(
    host,
    'in service',
    waits(op.cluster.timing).member,
    (snapshot) => backInService(op.cluster, snapshot, host, DEFAULT_LIMITS),
    { about: ['members', 'balancers'], everyMs: 1000, stoppable: true },
  );
}
