import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';

/**
 * Whether others are reached through this host: in this run, by the inventory, or because an earlier run said so. What one
 * operator was granted (with -J or ~/.ssh/config, which another does not have) is taken away by `jump_host: false` only.
 */
export const isJumpHost = (host: Host, { jumpHosts, facts }: Pick<Context, 'jumpHosts' | 'facts'>): boolean =>
  jumpHosts.has(host.name) || (host.jumpHost ?? facts(host).sshForwards === 'granted');
