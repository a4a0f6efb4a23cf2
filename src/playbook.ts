import type { Snapshot } from './cluster/snapshot.ts';
import type { Verdict } from './decisions/verdict.ts';
import type { Cluster, Host } from './inventory/model.ts';
import type { Facts } from './observe/host.ts';
import type { SecretStore } from './secrets/store.ts';
import type { Step } from './steps/step.ts';

/** All that roles and playbooks may look at: the model, the secrets, what the hosts are, how the cluster lives. */
export interface Context {
  cluster: Cluster;
  secrets: SecretStore;
  facts(host: Host): Facts;
  snapshot: Snapshot;
  /** Names of the hosts through which this run reaches others. */
  jumpHosts: ReadonlySet<string>;
  /** The hosts that this run is about; undefined: all. */
  only?: readonly Host[] | undefined;
  /** Size of the database that a new replica copies, where a command has asked for it. */
  databaseBytes?: number | undefined;
  /** Leaf certificates made before this moment (milliseconds since the epoch) are renewed, where a command wants that. */
  renewIssuedBefore?: number | undefined;
}

/** One stretch of a playbook: what is done on which hosts, together or one after another. */
export interface Stage {
  name: string;
  hosts(context: Context): readonly Host[];
  steps(host: Host, context: Context): Step[];
  /**
   * Hosts that have something to do, in the groups that may be worked on at once. Absent: all together.
   * Groups run one after another, each behind `gate`.
   */
  order?(busy: readonly Host[], context: Context): Host[][];
  /** What a handler of this run set going needs this many seconds until it shows; the stage's hosts are not read before. */
  settles?(context: Context): { handler: string; seconds: number };
  /** Seconds between two groups, for what does not show at once; before the gate looks. */
  between?(context: Context): number;
  /** Must hold before each group of an ordered stage; asked again until it does or its time is over. */
  gate?(group: readonly Host[], context: Context): Verdict;
}

export type Playbook = readonly Stage[];
