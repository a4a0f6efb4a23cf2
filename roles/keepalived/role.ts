import { hostsWith } from '../../src/inventory/model.ts';
import type { Role } from '../role.ts';
import { keepalivedPackages } from './keepalived.ts';

export const keepalivedRole: Role = {
  packages: () => keepalivedPackages,
  traffic: (host, cluster) =>
    hostsWith(cluster, 'keepalived')
      .filter((peer) => peer !== host)
      .map((peer) => ({ protocol: 'vrrp', port: undefined, from: peer.address, purpose: 'vrrp' })),
};
