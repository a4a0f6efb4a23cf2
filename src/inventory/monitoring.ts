import type { Inventory } from './schema.ts';

/** Whether the hosts of an inventory have exporters: a host has the role monitoring, or a Prometheus of others reads them. */
export const isMonitored = ({ hosts, monitoring }: Pick<Inventory, 'hosts' | 'monitoring'>): boolean =>
  monitoring.external !== undefined || Object.values(hosts).some(({ roles }) => roles.includes('monitoring'));
