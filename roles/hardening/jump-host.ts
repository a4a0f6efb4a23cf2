import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';

/**
 * Whether other hosts are reached through this one: in this run, by the inventory, or according to an earlier run. One
 * operator may use -J or ~/.ssh/config, which another does not have, so only `jump_host: false` revokes it.
 */
export const isJumpHost = (host: Host, { jumpHosts, facts }: Pick<Context, 'jumpHosts' | 'facts'>): boolean =>
  jumpHosts.has(host.name) || (host.jumpHost ?? facts(host).sshForwards === 'granted');
