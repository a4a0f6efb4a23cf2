import { withoutScheduledBackups } from '../../playbooks/backup-hold.ts';
import {
  download,
  mayUpgradeTogether,
  planUpdate,
  roll,
  switchBack,
  type UpdateOptions,
  type UpdatePlan,
  upgradeTogether,
} from '../../playbooks/update.ts';
import { gate } from '../bounds/patroni.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { shortOfRoom } from '../cluster/upgrades.ts';
import { mayTakeOut, nextHost, steady } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import type { Operation } from '../engine/operation.ts';
import { UsageError } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import type { HostUpgrades, Upgrade } from '../programs/apt.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import type { Timing } from '../timing.ts';
import { paint, table } from '../view/style.ts';

/** The flags of `hapg update`, as texts. */
export interface UpdateFlags extends OperateOptions {
  reboot: string;
  securityOnly: boolean;
  switchBack: boolean;
  maxLag: string;
  maxTransactionAge: string;
  waitDrain: string;
  waitGate?: string;
  waitHost: string;
  waitMember: string;
}

const number = (flag: string, text: string): number => {
  if (!/^\d+$/.test(text)) throw new UsageError(`${flag} ${text}: a number is needed`);
  return Number(text);
};

/** Reads the flags; returns the options for a cluster's timing. Throws UsageError. */
function parseFlags(flags: UpdateFlags): (timing: Timing) => UpdateOptions {
  if (!['auto', 'always', 'never'].includes(flags.reboot))
    throw new UsageError(`--reboot ${flags.reboot}: auto, always or never`);
  const waitGate = flags.waitGate === undefined ? undefined : number('--wait-gate', flags.waitGate);
  const options = {
    reboot: flags.reboot as UpdateOptions['reboot'],
    securityOnly: flags.securityOnly,
    switchBack: flags.switchBack,
    limits: {
      maxLagBytes: number('--max-lag', flags.maxLag),
      maxTransactionSeconds: number('--max-transaction-age', flags.maxTransactionAge),
    },
    wait: {
      drain: number('--wait-drain', flags.waitDrain),
      host: number('--wait-host', flags.waitHost),
      member: number('--wait-member', flags.waitMember),
    },
  };
  return (timing) => ({ ...options, wait: { ...options.wait, gate: waitGate ?? gate(timing) } });
}

/**
 * `hapg update`: updates every host, one by one; the leader last of its kind, after a switchover to a named candidate.
 */
export function updateCommand(flags: UpdateFlags): Promise<number> {
  const optionsFor = parseFlags(flags);
  return operate('update', { ...flags, selects: true }, async (op, snapshot, { hosts }) => {
    const { cluster } = op;
    const options = optionsFor(cluster.timing);
    refuseUnless(steady(cluster, snapshot, options.limits));
    const { plan, found } = await planUpdate(op, hosts, options);
    const held = !mayUpgradeTogether(plan, hosts, cluster.hosts);
    if (held) plan.together.clear();
    if (plan.rolling.size === 0 && plan.together.size === 0) return undefined;
    const busy = [...new Set([...plan.rolling.keys(), ...plan.together.keys()])];
    refuseUnless(admitUpdate(op, snapshot, plan, found, options));
    return {
      explain: describe(snapshot, plan, held),
      question: `Update ${busy.length} hosts of ${cluster.name}?`,
      hosts: busy,
      probeLater: true,
      document: () => ({
        packages: Object.fromEntries(
          busy.map((host) => [
            host.name,
            [...(plan.rolling.get(host)?.upgrades ?? []), ...(plan.together.get(host) ?? [])].map(
              ({ name, from, to }) => ({ name, from, to }),
            ),
          ]),
        ),
      }),
      run: async (beginProbe) => {
        await download(op, plan);
        const clients = hosts.filter((host) => host.roles.has('client'));
        await withoutScheduledBackups(op, mayTake(busy.length, options), async () => {
          await roll(op, plan, clients, options);
          // Started here, because the probe runs on a client, which may just have been rebooted.
          await beginProbe();
          await roll(
            op,
            plan,
            hosts.filter((host) => !clients.includes(host)),
            options,
          );
          await upgradeTogether(op, plan, options);
          if (options.switchBack) await switchBack(op, snapshot.leader?.name, options);
        });
      },
    };
  });
}

/** Bound for this many hosts, from the waits on each and a gate before and after it (s). */
const mayTake = (hosts: number, { wait }: UpdateOptions): number =>
  hosts * (wait.drain + 2 * wait.gate + wait.host + wait.member);

/** Every reason not to begin: each host must be one that may be taken out, and have room for its packages. */
function admitUpdate(
  { cluster }: Operation,
  snapshot: Snapshot,
  plan: UpdatePlan,
  found: ReadonlyMap<Host, HostUpgrades>,
  { limits }: UpdateOptions,
) {
  const leads = [...plan.rolling.keys()].some((host) => host.name === snapshot.leader?.name);
  return all(
    ...[...plan.rolling.keys()].map((host) => mayTakeOut(cluster, snapshot, host, limits)),
    verdict(
      [...found].flatMap(([host, { room }]) => shortOfRoom(room).map((reason) => `${host.name}: ${reason}`)),
      'room',
    ),
    verdict(
      leads && snapshot.members.length < 2
        ? ['the leader has no replica that could take over; updating it means downtime, which hapg does not do']
        : [],
      'candidate',
    ),
  );
}

/** Each package once, with the hosts that have it. */
function packageLines({ rolling, together }: UpdatePlan): string[][] {
  const hosts = new Map<string, string[]>();
  const note = (host: Host, upgrades: readonly Upgrade[], how: string) => {
    for (const { name, from, to } of upgrades) {
      const key = [name, `${from} → ${to}`, how].join('|');
      hosts.set(key, [...(hosts.get(key) ?? []), host.name]);
    }
  };
  for (const [host, { upgrades }] of rolling) note(host, upgrades, '');
  for (const [host, upgrades] of together) note(host, upgrades, 'all in one step:');
  return [...hosts].map(([key, names]) => {
    const [name = '', versions = '', how = ''] = key.split('|');
    return [name, versions, `${how} ${names.join(' ')}`.trim()];
  });
}

/** Describes the order and the changes of each host. */
function describe(snapshot: Snapshot, plan: UpdatePlan, held: boolean): string {
  const left = [...plan.rolling.keys()];
  const rows: string[][] = [];
  while (left.length > 0) {
    const host = nextHost(left, snapshot);
    left.splice(left.indexOf(host), 1);
    const { upgrades, boot } = plan.rolling.get(host)!;
    rows.push([
      String(rows.length + 1),
      host.name,
      upgrades.length === 0 ? 'no packages' : `${upgrades.length} packages`,
      boot.length > 0 ? paint.yellow(`reboot: ${boot.join('; ')}`) : 'no reboot',
      snapshot.leader?.name === host.name ? 'hands over first' : '',
    ]);
  }
  return [
    ...(rows.length > 0 ? [table(rows)] : []),
    table(packageLines(plan)),
    ...(held ? ['pgbackrest is held back: it is upgraded on all its hosts at once, and --limit leaves some out'] : []),
  ].join('\n');
}
