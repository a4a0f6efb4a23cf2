import type { Operation } from '../../src/engine/operation.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';

/** Operations on the members of a running DCS beside their configuration; etcd and ZooKeeper each have their own. */
export interface DcsMembers {
  unit: string;
  /** File, outside the data directory, that marks a host as joined. */
  joined: string | undefined;
  /** Removes the member of a host from the ensemble, by asking another member. */
  leave(op: Operation, host: Host): Promise<void>;
  /**
   * POSIX sh that prints what is left of a member: `active`, `data`, `size BYTES`, `written SECONDS`. Writes nothing.
   */
  remains(cluster: Cluster): string;
  /** Describes the replacement of a broken member, for the operator. */
  replacement: string;
  /** Replaces a broken member with an empty one, which copies everything from the others. */
  replace(op: Operation, host: Host): Promise<void>;
  /**
   * POSIX sh, while all others are stopped: lets this member continue alone with its data; keeps a copy of the data.
   */
  alone(cluster: Cluster, host: Host): string;
  /** POSIX sh for a DCS host: writes a key only if there is none. */
  create(cluster: Cluster, host: Host, key: string, value: string): string;
  /**
   * POSIX sh for a DCS host: saves everything below the cluster's path in a file, then deletes these keys and
   * directories.
   */
  deleteKeys(
    cluster: Cluster,
    host: Host,
    keys: readonly string[],
    directories: readonly string[],
    stamp: string,
  ): string;
}
