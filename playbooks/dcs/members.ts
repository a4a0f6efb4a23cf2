import type { Operation } from '../../src/engine/operation.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';

/** What is done to the members of a living DCS beside configuring them; etcd and ZooKeeper each in their own way. */
export interface DcsMembers {
  unit: string;
  /** A file that says that this host has joined, outside of its data. */
  joined: string | undefined;
  /** Takes the member of a host out of the ensemble, asked of another one. */
  leave(op: Operation, host: Host): Promise<void>;
  /** POSIX sh that tells what is left of a member: `active`, `data`, `size BYTES`, `written SECONDS`. Writes nothing. */
  remains(cluster: Cluster): string;
  /** What a replacement of a broken member means, for a person. */
  replacement: string;
  /** A member that is broken starts anew and gets everything from the others. */
  replace(op: Operation, host: Host): Promise<void>;
  /** POSIX sh, while all others are stopped: this member goes on alone with all that it knows; a copy of its data is kept. */
  alone(cluster: Cluster, host: Host): string;
  /** POSIX sh for a host of the DCS: writes a key only if there is none. */
  create(cluster: Cluster, host: Host, key: string, value: string): string;
  /** POSIX sh for a host of the DCS: writes down what is below the cluster's path, then removes these. */
  deleteKeys(
    cluster: Cluster,
    host: Host,
    keys: readonly string[],
    directories: readonly string[],
    stamp: string,
  ): string;
}
