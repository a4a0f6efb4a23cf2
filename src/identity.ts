/** The cluster that a host belongs to, as it says itself (`/etc/hapg/cluster.json`). */
export interface Identity {
  cluster: string;
  uuid: string;
  /** Raised when the inventory changes. */
  generation: number;
  /** Raised by every change of the secret store; absent when an older hapg wrote this, which counts as 0. */
  revision?: number;
  /** Random name of that revision: two copies of the store that were changed independently have different names. */
  revision_id?: string;
  authorities: Record<string, string>;
  /** The DCS; absent: the cluster's own etcd. */
  dcs?: string;
  /** Settings that cannot change during the cluster's life; absent when an older hapg wrote this. */
  fixed?: Record<string, string | number>;
}
