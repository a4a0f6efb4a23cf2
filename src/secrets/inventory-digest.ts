import { createHash } from 'node:crypto';
import type { Inventory } from '../inventory/schema.ts';

/** What hosts see of the way in: sshd is set up by the login name, and jump hosts keep forwarding. */
const wayIn = ({ user, jump }: { user?: string | undefined; jump?: string | undefined } = {}) => ({ user, jump });

/** Returns the part of an inventory that hosts see. Ports, keys, the transport, hooks and ways to a vault may differ between operators. */
const seenByHosts = ({ ssh, hosts, hooks: { webhook }, secrets: { recipients }, ...rest }: Inventory) => ({
  ...rest,
  webhook,
  secrets: { recipients },
  ssh: wayIn(ssh),
  hosts: Object.fromEntries(
    Object.entries(hosts).map(([name, { ssh: own, ...host }]) => [name, { ...host, ssh: wayIn(own) }]),
  ),
});

/** Returns the SHA-256 of what hosts see of an inventory; another one is another generation. */
export const inventoryDigest = (settings: Inventory): string =>
  createHash('sha256')
    .update(JSON.stringify(seenByHosts(settings)))
    .digest('hex');
