import { z } from 'zod';
import { apt } from './apt-schema.ts';
import { pgbackrest } from './backup-schema.ts';
import { haproxy, vip } from './balancer-schema.ts';
import { dcs, etcd, zookeeper } from './dcs-schema.ts';
import { hardening } from './hardening-schema.ts';
import { hooks } from './hooks-schema.ts';
import { host, ssh } from './host-schema.ts';
import { monitoring } from './monitoring-schema.ts';
import { patroni } from './patroni-schema.ts';
import { pgbouncer } from './pgbouncer-schema.ts';
import { postgres } from './postgres-schema.ts';
import { standbyOf, standbys } from './standby-schema.ts';
import { hostsFrom } from './terraform.ts';
import { tuning } from './tuning-schema.ts';
import { clusterName, hostName, network, ownProgram } from './values.ts';

export const inventorySchema = z
  .strictObject({
    cluster: clusterName.describe(
      "Name of the cluster; default of Patroni's scope, of pgBackRest's stanza and of the data directory's name",
    ),
    standby_of: standbyOf,
    standbys,
    ssh: ssh.prefault({}),
    postgres,
    replication: z
      .enum(['sync', 'quorum', 'async'], { error: 'one of sync, quorum, async' })
      .optional()
      .describe(
        'sync: a commit waits for one standby. quorum: for any of several (Patroni 4.0). async: it does not wait. Default: sync from three database hosts on, else async',
      ),
    rto: z
      .enum(['fast', 'norm', 'wide'], { error: 'one of fast, norm, wide' })
      .default('norm')
      .describe(
        'How soon a lost leader is replaced: within 30 (fast), 45 (norm) or 120 (wide) seconds. Sets the timers of Patroni and HAProxy together',
      ),
    accept_no_quorum: z
      .boolean()
      .default(false)
      .describe(
        'Needed for two database hosts without a third voting member: accepts that there is no failover when one of them is lost',
      ),
    clients: z
      .array(network)
      .default([])
      .describe('Networks that may reach the client endpoints; the firewall and pg_hba.conf follow'),
    vip: vip.optional(),
    patroni,
    dcs,
    etcd,
    zookeeper,
    pgbouncer,
    haproxy,
    pgbackrest,
    monitoring,
    hardening: hardening
      .default(true)
      .describe(
        'false: the hosts are not hardened. A mapping turns single items off (ITEM: false); what is not named is on. A host may override it, item by item',
      ),
    tuning: tuning
      .default(true)
      .describe(
        'Settings of the kernel on database hosts. false: none. A mapping turns single items off or on; docs/tuning.md has each with its reason',
      ),
    ufw: z
      .union([
        z.boolean(),
        z.strictObject({
          exclusive: z
            .boolean()
            .default(false)
            .describe('true: firewall rules that hapg did not make are removed. false: they are kept and reported'),
          ssh_from: z.array(network).default([]).describe('Networks that may reach sshd; empty: any'),
        }),
      ])
      .default(true)
      .describe('false: the firewall is not managed; a host may override it. A mapping sets the options below'),
    apt,
    hooks,
    secrets: z
      .strictObject({
        recipients: z
          .array(z.string().regex(/^age1[a-z0-9]+$/, 'not an age recipient (age1...)'))
          .default([])
          .describe('age recipients for whom the store is encrypted; empty: a plain file of mode 0600'),
        command: ownProgram
          .optional()
          .describe(
            'Program that prints a secret which somebody else keeps (keys of a bucket, a webhook), for example from a vault. It is called once a run for each, with its name in HAPG_SECRET; nothing of it is stored. Without it: "hapg secrets set NAME"',
          ),
      })
      .prefault({})
      .describe('The secret store of the cluster'),
    hosts: z
      .record(hostName, host)
      .refine((hosts) => Object.keys(hosts).length > 0, {
        message: 'there are no hosts',
      })
      .describe('The hosts by name'),
  })
  .describe('hapg inventory: one cluster, its hosts and its settings');

/** The inventory as written, checked and default-filled. */
export type Inventory = z.output<typeof inventorySchema>;

/** JSON Schema (draft 2020-12) of what an operator may write. */
export function jsonSchema(): unknown {
  const hosts = z.union([inventorySchema.shape.hosts, hostsFrom]).describe('The hosts by name, or from Terraform');
  return z.toJSONSchema(inventorySchema.extend({ hosts }), { io: 'input', unrepresentable: 'any' });
}
