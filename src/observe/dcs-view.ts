import { dcsPeer } from '../inventory/dcs.ts';
import type { Cluster } from '../inventory/model.ts';

/** The DCS as a host reports it: its member's own view, or what Patroni reads there. */
export interface DcsView {
  healthy: boolean;
  id: string;
  leader: string;
  /** The version of this host's member. */
  version?: string;
  members: { id: string; name: string; peer: string; learner: boolean }[] | undefined;
  initialize: string | undefined;
  /** Members that must answer before a leader without the DCS may continue (Patroni's failsafe mode). */
  failsafe: string[];
  /** Its keys could not be read: a missing key is not proven absent. */
  blind?: boolean;
}

/** Returns the name of the host whose member has this peer address; empty when there is none. */
export const nameOf = (cluster: Cluster, peer: string | undefined): string =>
  cluster.hosts.find((host) => dcsPeer(cluster, host) === peer)?.name ?? '';
