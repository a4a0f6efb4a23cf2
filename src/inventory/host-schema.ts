import { z } from 'zod';
import { ASSIGNABLE_ROLES } from '../roles.ts';
import { hardening } from './hardening-schema.ts';
import { tuning } from './tuning-schema.ts';
import { absolutePath, address, endpointHost, hostName, interfaceName, oneLine, parametersOf, port } from './values.ts';

const sshFields = {
  user: z
    .string()
    // What the OpenSSH client takes (ssh.c, valid_ruser): directories such as SSSD and winbind have names with dots and domains.
    .regex(
      /^(?![-\s])[^\s'"`$;&<>|(){}\u0000-\u001f\u007f]*[^\s'"`;&<>|(){}\\\u0000-\u001f\u007f]$/,
      'not a login name',
    )
    .optional()
    .describe(
      'Login name; default: as in ~/.ssh/config, else the name of the person who runs hapg. A user other than root needs sudo',
    ),
  port: port.optional().describe('Port of sshd; default: as in ~/.ssh/config, else 22'),
  key: z
    .string()
    .min(1)
    .optional()
    .describe('Private key file, relative to the inventory; default: as in ~/.ssh/config, and the keys of the agent'),
  jump: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Jump host, or several separated by commas: a host of the inventory, an alias of ~/.ssh/config, or USER@HOST:PORT',
    ),
  transport: z
    .enum(['auto', 'node-ssh', 'openssh'])
    .optional()
    .describe(
      'Who makes the connections. openssh: the ssh program of this machine, with all that it can do (certificates, security keys, GSSAPI). node-ssh: hapg itself, which is faster. Default: auto, hapg itself, and the ssh program for hosts that need a certificate, a security key or a PKCS#11 token',
    ),
};
export const ssh = z
  .strictObject({
    ...sshFields,
    host: oneLine
      .min(1)
      .optional()
      .describe(
        'Name or address at which the controller reaches the host; default: its address in the cluster network',
      ),
  })
  .describe(
    'How the controller reaches the hosts by SSH; a host may override each key. ~/.ssh/config, the agent and known_hosts are used',
  );

const tags = z
  .strictObject({
    nofailover: z.boolean().optional().describe('true: this member never becomes the leader'),
    noloadbalance: z.boolean().optional().describe('true: the balancers send no reads to this member'),
    nosync: z.boolean().optional().describe('true: this member is never a synchronous standby'),
    nostream: z
      .boolean()
      .optional()
      .describe('true: this member replays WAL from the archive instead of streaming it; it cannot become the leader'),
    clonefrom: z
      .boolean()
      .optional()
      .describe('true: new members prefer this member as the source of their base backup'),
    failover_priority: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Of standbys with the same WAL, the one with the highest number becomes the leader; 0 means never. Needs Patroni 3.2',
      ),
    replicatefrom: hostName
      .optional()
      .describe('The member that this one streams from (cascading replication); default: the leader'),
  })
  .describe('Tags of this member, as Patroni knows them');

export const host = z
  .strictObject({
    address: address.describe('IP address in the cluster network: the other hosts use it. Names are not accepted'),
    ssh: ssh.optional(),
    jump_host: z
      .boolean()
      .optional()
      .describe(
        'true: other hosts are reached through this one, so its sshd forwards TCP. false: it never forwards. Default: true from the first run that went through it',
      ),
    roles: z
      .array(z.enum(ASSIGNABLE_ROLES, { error: 'not a role' }))
      .min(1, 'a host needs a role')
      .describe(`What the host does: any of ${ASSIGNABLE_ROLES.join(', ')}`),
    tags: tags.optional(),
    datacenter: hostName
      .optional()
      .describe(
        'Data center of the host. With several, at least one synchronous standby is in another data center than the leader',
      ),
    outside: z
      .strictObject({
        host: endpointHost.describe('Name or address that outside clients use'),
        port: port.describe('Port that outside clients use'),
      })
      .optional()
      .describe('Endpoint of this host for clients outside the cluster network; "hapg connect --outside" prints it'),
    hardening: hardening
      .optional()
      .describe('Hardening of this host: false, true, or items that differ from those at the top'),
    tuning: tuning
      .optional()
      .describe('Tuning of this database host: false, true, or items that differ from those at the top'),
    ufw: z
      .boolean()
      .optional()
      .describe('false: the firewall of this host is not managed; default: the value at the top'),
    postgres: z
      .strictObject({
        parameters: parametersOf(
          'PostgreSQL settings of this member alone, over those of all. Not for settings that must be the same on all members',
        ).optional(),
        data_dir: absolutePath
          .optional()
          .describe(
            'Data directory on this host alone, with the same rules as that of all; default: postgres.data_dir. It cannot be changed while the host has its database',
          ),
      })
      .optional()
      .describe('PostgreSQL on this host'),
    vip: z
      .strictObject({
        interface: interfaceName.describe('Network interface for the VIP on this host'),
      })
      .optional()
      .describe('The VIP on this host, over what is said at the top'),
    priority: z
      .int()
      .min(1)
      .max(254)
      .optional()
      .describe(
        'VRRP priority; the balancer with the highest one holds the VIP. Default: by the order of the hosts in the inventory',
      ),
  })
  .describe('One host');
