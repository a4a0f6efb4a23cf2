import { dcsHealthy } from '../src/cluster/decisions/dcs.ts';
import type { Damage, DcsRemains } from '../src/cluster/decisions/repair.ts';
import { verdict } from '../src/cluster/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, dcsHosts, dcsRole, type Host } from '../src/inventory/model.ts';
import { dcsMembers, parseRemains } from './dcs.ts';

/** Seconds for a member of the DCS to start, and for all of them to be in touch. */
const MEMBER_S = 120;

/** Looks at what is left of the DCS on each of its hosts; changes nothing. */
export async function dcsRemains(op: Operation): Promise<Map<string, DcsRemains>> {
  const found = new Map<string, DcsRemains>();
  for (const host of dcsHosts(op.cluster))
    found.set(
      host.name,
      parseRemains(
        await op.ask(host, `what is left of ${op.cluster.dcs.label}`, dcsMembers(op.cluster)!.remains(op.cluster)),
      ),
    );
  return found;
}

/** What is done about a damage, in words. */
export function cureOf(cluster: Cluster, damage: Damage): string {
  switch (damage.kind) {
    case 'start-dcs':
      return 'it is started';
    case 'replace-dcs-member':
      return dcsMembers(cluster)!.replacement;
    case 'recover-quorum':
      return `a copy of its data is kept, it goes on alone with everything that it knows, and ${damage.lost.map((host) => host.name).join(', ')} join it, one after another; PostgreSQL goes on meanwhile as far as failsafe mode lets it`;
    case 'refill-dcs':
      return `the key that says which database this is (${damage.systemIdentifier}) is written again, and ${damage.host.name}, which led last, leads first; no database is made anew`;
  }
}

/** Mends one damage. Rejects with StepFailed; every phase can be repeated. */
export async function repair(op: Operation, damage: Damage): Promise<void> {
  const members = dcsMembers(op.cluster)!;
  op.stage(damage.kind.replaceAll('-', ' '), [damage.host]);
  switch (damage.kind) {
    case 'start-dcs':
      return start(op, damage.host);
    case 'replace-dcs-member':
      return members.replace(op, damage.host);
    case 'recover-quorum':
      return recoverQuorum(op, damage.host);
    case 'refill-dcs':
      return refill(op, damage.host, damage.systemIdentifier);
  }
}

const start = (op: Operation, host: Host): Promise<void> =>
  op.step(host, `start ${op.cluster.dcs.label}`, dcsRole(op.cluster)!, 'run', async (remote) => {
    const { unit } = dcsMembers(op.cluster)!;
    await remote.run(`systemctl reset-failed ${unit} 2>/dev/null; timeout 60 systemctl start --no-block ${unit}`, 70);
    // Without the others it cannot become healthy; whether that is so is what the next look tells.
    await remote.run(`sleep 3; systemctl is-active ${unit}`);
  });

/** One member goes on alone with all that it knows, and the others, whose copies are of something that is no more, join it. */
async function recoverQuorum(op: Operation, host: Host): Promise<void> {
  const { cluster } = op;
  const { label } = cluster.dcs;
  const role = dcsRole(cluster)!;
  const { alone, replace, unit } = dcsMembers(cluster)!;
  const others = dcsHosts(cluster).filter((other) => other !== host);
  for (const other of others)
    await op.step(other, `stop ${label}`, role, 'run', (remote) =>
      remote.run(`systemctl stop ${unit}; systemctl reset-failed ${unit} 2>/dev/null; true`),
    );
  await op.step(host, 'go on alone', role, 'run', (remote) => remote.run(alone(cluster, host), 150));
  await op.until(host, `${label} of one`, MEMBER_S, (snapshot) =>
    verdict(snapshot.dcs.quorum ? [] : [`${label} does not answer yet`]),
  );
  for (const other of others) await replace(op, other);
  await op.until(host, `${label} whole`, MEMBER_S, (snapshot) => dcsHealthy(cluster, snapshot));
}

/**
 * Writes the initialize key, only if there is none, and lets the last leader lead before any other member starts: alone
 * on an empty DCS, Patroni takes whoever comes first.
 */
async function refill(op: Operation, host: Host, systemIdentifier: string): Promise<void> {
  const { cluster } = op;
  const member = dcsHosts(cluster)[0]!;
  const key = `${cluster.dcsPath}initialize`;
  await op.step(member, 'write the initialize key', dcsRole(cluster)!, 'create', (remote) =>
    remote.run(dcsMembers(cluster)!.create(cluster, member, key, systemIdentifier), 30),
  );
  await op.step(host, 'lead', 'patroni', 'run', async (remote) => {
    await remote.run('systemctl reset-failed patroni 2>/dev/null; systemctl start patroni', 130);
    await op.until(host, 'leading', cluster.timing.patroni.ttl * 3, ({ leaders, initialize }) =>
      verdict([
        ...(initialize === systemIdentifier ? [] : [`the initialize key is ${initialize ?? 'absent'}`]),
        ...(leaders.join() === host.name ? [] : [`${leaders.join(' and ') || 'nobody'} leads`]),
      ]),
    );
  });
}
