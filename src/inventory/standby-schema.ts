import { z } from 'zod';
import { clusterName, network, oneLine } from './values.ts';

export const standbyOf = oneLine
  .min(1)
  .optional()
  .describe('Makes this a standby cluster: path of the inventory of the cluster that it copies, until "hapg promote"');

export const standbys = z
  .record(clusterName, z.array(network).min(1, 'from which networks?'))
  .default({})
  .describe('Standby clusters of this one by name, with the networks of their database hosts');
