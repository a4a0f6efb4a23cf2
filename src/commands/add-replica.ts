import { isIPv6 } from 'node:net';
import { parseDocument } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { awaitJoined, inspectHost } from '../../playbooks/inspect-host.ts';
import { reconnected } from '../bounds/patroni.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { admitApply } from '../decisions/admission.ts';
import { checkVersions } from '../decisions/equipment.ts';
import { mayAdd } from '../decisions/growth.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { all } from '../decisions/verdict.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import { UsageError } from '../errors.ts';
import { addHost, type NewHost, removeHost, writeInventory } from '../inventory/edit.ts';
import { filesOf, loadInventory } from '../inventory/load.ts';
import { whenSteady } from '../run/calm.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

export interface AddOptions extends OperateOptions {
  address: string;
  ssh?: string;
  roles: string;
  datacenter?: string;
}

/** Reads the flags. An IPv6 address stands in brackets where a port follows (RFC 3986, 3.2.2). Throws UsageError. */
export function parseHost({ address, ssh, roles, datacenter }: AddOptions): NewHost {
  const [, literal, name, port] = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(ssh ?? '') ?? [];
  const host = isIPv6(ssh ?? '') ? ssh : (literal ?? name);
  if (ssh !== undefined && (!host || (literal !== undefined && !isIPv6(literal))))
    throw new UsageError(`--ssh ${ssh}: HOST, HOST:PORT or [IPV6]:PORT is needed`);
  return {
    address,
    ...(host ? { ssh: { host, ...(port ? { port: Number(port) } : {}) } } : {}),
    roles: roles.split(',').map((role) => role.trim()),
    ...(datacenter ? { datacenter } : {}),
  };
}

/** Throws UsageError for a host of a file under the inventory's own one: a line of its own would only change it. */
function expectUnknown(name: string, { inventory, extra }: AddOptions): void {
  const { under } = filesOf(inventory);
  if (under.length === 0) return;
  const { cluster, text } = loadInventory(inventory, extra);
  const isThere = cluster.hosts.some((host) => host.name === name);
  if (isThere && !parseDocument(text).hasIn(['hosts', name]))
    throw new UsageError(`the name ${name} is in use, in ${under.join(', ')}`);
}

/**
 * `hapg add-replica`: writes the host into the inventory and brings it in. Done when it streams, votes and receives
 * reads. The same command continues an interrupted run.
 */
export function addReplicaCommand(name: string, options: AddOptions): Promise<number> {
  const wanted = parseHost(options);
  expectUnknown(name, options);
  return operate(
    'add-replica',
    { ...options, asItIs: true },
    async (op, found, setup, store) => {
      const { cluster } = op;
      const host = op.host(name);
      // Without the host, which an interrupted run may have written there: one more member may change defaults.
      const present = loadInventory(options.inventory, options.extra, (text) =>
        cluster.hosts.length > 1 && parseDocument(text).hasIn(['hosts', name]) ? removeHost(text, name) : text,
      ).cluster;
      const judge = (snapshot: Snapshot) => steady(present, snapshot, DEFAULT_LIMITS);
      const snapshot = await whenSteady(op, reconnected(cluster.timing), found, judge);
      refuseUnless(all(judge(snapshot), admitApply(cluster, snapshot, [])));
      const prospect = host.roles.has('patroni') ? await inspectHost(op, snapshot, host) : undefined;
      if (prospect) refuseUnless(mayAdd(cluster, snapshot, host, prospect));
      await store.complete();
      const survey = await surveyAll(op, apply, store, { databaseBytes: prospect?.databaseBytes });
      refuseUnless(checkVersions(cluster, survey.context.facts, cluster.hosts));
      if (survey.plan.changes.length === 0) return undefined;
      const touched = cluster.hosts.filter((one) => survey.plan.changes.some((change) => change.host === one.name));
      const rows = touched.map((one) => `${one.name}: ${survey.plan.hosts[one.name]!.changed} changes`);
      return {
        explain: `${name} (${host.address}) joins ${cluster.name} as ${wanted.roles.join(', ')}\n  ${rows.join('\n  ')}`,
        question: `Add ${name} to ${cluster.name}?`,
        hosts: [host],
        run: async () => {
          writeInventory(cluster.file, setup.text);
          await store.save();
          await converge(op, survey);
          await awaitJoined(op, host);
        },
      };
    },
    (text) => addHost(text, name, wanted),
  );
}
