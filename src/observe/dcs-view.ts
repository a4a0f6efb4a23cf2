import { dcsPeer } from '../inventory/dcs.ts';
import type { Cluster } from '../inventory/model.ts';

/** What a host knows of the DCS: its member's own view, or what Patroni reads there. */
export interface DcsView {
  healthy: boolean;
  id: string;
  leader: string;
  members: { id: string; name: string; peer: string; learner: boolean }[] | undefined;
  initialize: string | undefined;
  /** Members that must answer before a leader without DCS may go on (Patroni's failsafe mode). */
  failsafe: string[];
  /** What is kept there could not be read: that nothing was seen does not mean that nothing is there. */
  blind?: boolean;
}

/** The name of the host whose member the others find at `peer`; empty where no host is there. */
export const nameOf = (cluster: Cluster, peer: string | undefined): string =>
  cluster.hosts.find((host) => dcsPeer(cluster, host) === peer)?.name ?? '';
