/** Who a host says it belongs to; `/etc/hapg/cluster.json`. */
export interface Identity {
  cluster: string;
  uuid: string;
  /** Raised when the inventory changes. */
  generation: number;
  /** Raised by every change of the secret store; absent where an older hapg wrote this, which counts as 0. */
  revision?: number;
  /** The random name of that revision: two copies of the store that were changed apart give it two names. */
  revision_id?: string;
  authorities: Record<string, string>;
  /** What keeps who leads; absent: etcd of the cluster's own. */
  dcs?: string;
  /** The settings that stay as they are as long as the cluster lives; absent where an older hapg wrote this. */
  fixed?: Record<string, string | number>;
}
