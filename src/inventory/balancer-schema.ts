import { z } from 'zod';
import { interfaceName, network, port } from './values.ts';

export const haproxy = z
  .strictObject({
    ports: z
      .strictObject({
        primary: port.default(5000).describe('Writes: the leader'),
        replica: port.default(5001).describe('Reads: replicas that keep up, else the leader'),
        sync: port.default(5002).describe('Reads: the synchronous standbys'),
        async: port.default(5003).describe('Reads: the asynchronous standbys'),
        stats: port
          .default(7000)
          .describe('Statistics and /metrics, with a password; /health, /primary and /replica without'),
      })
      .prefault({})
      .describe('Ports of the balancers'),
    maxconn: z.int().min(10).default(2000).describe('Most client connections of one balancer'),
    replica_lag_bytes: z
      .int()
      .min(0)
      .default(104_857_600)
      .describe('Replicas that are further behind get no reads (bytes)'),
  })
  .prefault({})
  .describe('HAProxy, on hosts with the role haproxy');

export const vip = z
  .strictObject({
    address: network.describe('Address that clients use, with the prefix length of its network'),
    interface: interfaceName
      .optional()
      .describe(
        'Network interface of every balancer, such as eth0; default: on each of them the one that has its address',
      ),
    router_id: z
      .int('a VRRP router id is a number from 1 to 255')
      .min(1, 'a VRRP router id is 1 to 255 (RFC 9568)')
      .max(255, 'a VRRP router id is 1 to 255 (RFC 9568)')
      .describe('VRRP router id, 1 to 255; unique in the network'),
  })
  .describe('Virtual IP address; keepalived keeps it on exactly one balancer');
