import type { Cluster, Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';
import { firewall, type Rule } from '../../src/steps/firewall.ts';
import type { Step } from '../../src/steps/step.ts';
import { isJumpHost } from '../hardening/jump-host.ts';

/** Returns the networks that may log in, and the jump hosts. Empty: from anywhere. */
function sshSources(host: Host, context: Context): string[] {
  const { hosts, firewall: its } = context.cluster;
  const { sshFrom } = its;
  const through = hosts.filter((other) => other !== host && isJumpHost(other, context));
  return sshFrom.length === 0 ? [] : [...sshFrom, ...through.map((other) => other.address)];
}

/** Returns the firewall step of a host. `rulesFor` computes its rules from a model whose networks for logins are given. */
export function ufw(
  host: Host,
  context: Context,
  rulesFor: (host: Host, cluster: Cluster, sshPorts: readonly number[]) => Rule[],
): Step[] {
  const { cluster } = context;
  const { sshPorts, forwards } = context.facts(host);
  const open = { ...cluster, firewall: { ...cluster.firewall, sshFrom: sshSources(host, context) } };
  return [firewall('ufw', rulesFor(host, open, sshPorts), cluster.firewall.exclusive, forwards)];
}
