import { z } from 'zod';
import { clusterName, port, seconds, sqlName } from './values.ts';

export const patroni = z
  .strictObject({
    scope: clusterName.optional().describe("Patroni's scope; default: the name of the cluster"),
    port: port.default(8008).describe("Port of Patroni's REST API"),
    ttl: seconds
      .min(20, 'ttl is at least 20 (Patroni)')
      .optional()
      .describe("Lifetime of the leader's key (s); default: by rto (20, 30 or 60)"),
    loop_wait: seconds.optional().describe("Pause between two of Patroni's cycles (s); default: by rto (5, 5 or 10)"),
    retry_timeout: seconds
      .min(3, 'retry_timeout is at least 3 (Patroni)')
      .optional()
      .describe('How long Patroni retries the DCS and PostgreSQL (s); default: by rto (5, 10 or 20)'),
    maximum_lag_on_failover: z
      .int()
      .min(0)
      .default(1_048_576)
      .describe('A standby that is further behind does not take over (bytes)'),
    citus: z
      .strictObject({
        group: z.int().min(0).describe('Number of the group; 0 is the coordinator'),
        database: sqlName.describe('Database that is distributed'),
      })
      .optional()
      .describe('Makes this cluster one group of a distributed Citus database'),
    synchronous_mode_strict: z
      .boolean()
      .default(false)
      .describe('true: commits block while no synchronous standby is there. false: they are asynchronous meanwhile'),
    synchronous_node_count: z
      .int()
      .min(1)
      .max(8)
      .optional()
      .describe(
        'Number of standbys that a commit waits for; default: 1, or with several data centers as many as one data center has members',
      ),
    watchdog: z
      .enum(['off', 'automatic', 'required'])
      .default('automatic')
      .describe('Use of /dev/watchdog; automatic: where the device exists'),
  })
  .prefault({})
  .describe('Patroni, which decides who leads');
