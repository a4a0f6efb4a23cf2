import { ASK_S } from '../src/bounds/hosts.ts';
import { memberExpiry, slots } from '../src/bounds/patroni.ts';
import { stop } from '../src/bounds/postgres.ts';
import { KEYS_S, PATRONICTL_S } from '../src/bounds/programs.ts';
import { undoFor } from '../src/bounds/undo.ts';
import type { Waits } from '../src/bounds/waits.ts';
import { sharedBuffers } from '../src/cluster/buffers.ts';
import { isForgotten } from '../src/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { StepFailed } from '../src/errors.ts';
import { dcsHosts, type Host, hostsWith, memberSlot, patroniScope, serverOf } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { setContentsAside } from '../src/programs/files.ts';
import { setDynamic } from '../src/programs/patroni.ts';
import { sql } from '../src/programs/postgres.ts';
import { stopUnits, turnOffUnits } from '../src/programs/systemd.ts';
import { unitsOf } from '../src/roles.ts';
import { dcsMembers } from './dcs/index.ts';
import { BACKUP_TIMERS, MEMBER_TIMERS, takeOutOfService } from './out-of-service.ts';

/**
 * Removes a host from a running cluster: takes it out of reads and commits, stops Patroni until it is gone from the
 * member list, removes its DCS member by its id, and stops its services. Its data directory stays. The DCS's data,
 * which is of no further use, is moved aside, so that the host can join again later.
 */
export async function retire(op: Operation, host: Host, wait: Waits): Promise<void> {
  const { cluster } = op;
  op.stage(`retire ${host.name}`, [host]);
  const buffers = sharedBuffers(await op.observe(), host.name);
  await takeOutOfService(op, host, wait, buffers, async () => {
    if (host.roles.has('patroni')) await leavePatroni(op, host, wait, buffers);
  });
  const dcs = dcsHosts(cluster).includes(host) ? dcsMembers(cluster) : undefined;
  await dcs?.leave(op, host);
  await op.step(host, 'services off', 'packages', 'remove', async (remote) => {
    await remote.run(
      `${turnOffUnits([...unitsOf(host), ...BACKUP_TIMERS, ...MEMBER_TIMERS])}
${dcs ? `set -e\n${setContentsAside(cluster.dcs.dataDir, 'removed-$(date +%s)')}` : ''}
${dcs?.joined ? `rm -f ${dcs.joined}` : ''}`,
      stop(buffers),
    );
  });
  // Its removal is permanent, so there is nothing to undo.
  await op.callOffUndo(host, 'update');
  for (const balancer of hostsWith(cluster, 'haproxy'))
    if (balancer !== host && host.roles.has('patroni')) await op.runUndo(balancer, `drain-${host.name}`);
}

/** Removes a host that is lost for good from what the others keep of it. Asks nothing of the host itself. */
export async function writeOff(op: Operation, host: Host, wait: Waits): Promise<void> {
  const { cluster } = op;
  op.stage(`forget ${host.name}`, [host]);
  if (host.roles.has('patroni')) await awaitForgotten(op, host, wait);
  if (dcsHosts(cluster).includes(host)) await dcsMembers(cluster)?.leave(op, host);
}

async function leavePatroni(op: Operation, host: Host, wait: Waits, buffers: number | undefined): Promise<void> {
  await op.step(host, 'leave patroni', 'patroni', 'remove', async (remote) => {
    await remote.run(`${stopUnits(['patroni.service'])}\nrm -f ${PATHS.data}`, stop(buffers));
    await awaitForgotten(op, host, wait);
  });
}

/**
 * Waits until no other member counts on this one: it is not in their member list, and a leader in failsafe mode would
 * not ask it.
 */
async function awaitForgotten(op: Operation, host: Host, wait: Waits): Promise<void> {
  // Hosts of the DCS too: they may be others than those of the database, and have the failsafe list.
  const others = [...new Set([...hostsWith(op.cluster, 'patroni'), ...dcsHosts(op.cluster)])].filter(
    (other) => other !== host,
  );
  await op.until(
    host,
    'leaving the member list',
    memberExpiry(op.cluster.timing) + wait.gate,
    (snapshot) => isForgotten(snapshot, host),
    { hosts: others, about: ['members'] },
  );
}

/**
 * Drops the slots of a member that is gone, so that no WAL is kept for it. Patroni (4.0) keeps the slot of an absent
 * member for `member_slots_ttl`, half an hour, in case it comes back; here that time is set to nothing for a moment.
 */
export async function dropSlots(op: Operation, name: string): Promise<void> {
  const members = hostsWith(op.cluster, 'patroni');
  const { leader } = await op.observe(members, { about: ['members'] });
  const host = members.find((one) => one.name === leader?.name);
  if (!host) return;
  const server = serverOf(op.cluster);
  const slot = `slot_name = '${memberSlot(name)}'`;
  const left = async () => {
    const counts = await Promise.all(
      members.map((one) =>
        op.ask(one, 'slots', sql(server, `select count(*) from pg_replication_slots where ${slot}`)),
      ),
    );
    return counts.some((count) => count.trim() !== '0');
  };
  if (!(await left())) return;
  op.stage('slots', [host]);
  await op.step(host, `drop the slot of ${name}`, 'patroni', 'remove', async () => {
    const edit = (value: string) => setDynamic(patroniScope(op.cluster), 'member_slots_ttl', value);
    const bound = slots(op.cluster.timing);
    // An undo that failed would stay armed; the setting that it leaves behind is drift that the next apply repairs.
    await op.withUndo(host, 'slots', `( ${edit('null')} ) || true`, undoFor(ASK_S, KEYS_S), async () => {
      await op.ask(host, 'slots', edit('0'), PATRONICTL_S);
      const end = op.clock.now() + bound * 1000;
      while (await left()) {
        // Patroni may drop it at the same moment; the next count shows whether it is gone.
        for (const one of members)
          await op.ask(
            one,
            'slots',
            `${sql(
              server,
              `select pg_drop_replication_slot(slot_name) from pg_replication_slots where ${slot} and not active`,
            )} 2>&1 || true`,
          );
        if (op.clock.now() > end)
          throw new StepFailed(host.name, 'slots', `a slot is kept for ${name}; drop it with pg_drop_replication_slot`);
        await op.pause(2000);
      }
    });
  });
}
