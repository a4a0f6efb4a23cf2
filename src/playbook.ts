import type { Snapshot } from './cluster/snapshot.ts';
import type { Verdict } from './decisions/verdict.ts';
import type { Cluster, Host } from './inventory/model.ts';
import type { Facts } from './observe/host.ts';
import type { SecretStore } from './secrets/store.ts';
import type { Step } from './steps/step.ts';

/** The inputs of roles and playbooks: model, secrets, facts of the hosts, snapshot of the cluster. */
export interface Context {
  cluster: Cluster;
  secrets: SecretStore;
  facts(host: Host): Facts;
  snapshot: Snapshot;
  /** Names of the hosts through which this run reaches others. */
  jumpHosts: ReadonlySet<string>;
  /** The hosts that this run is about; undefined: all. */
  only?: readonly Host[] | undefined;
  /** Size of the database that a new replica copies, where a command has read it (bytes). */
  databaseBytes?: number | undefined;
  /** Leaf certificates made before this time are renewed, where a command sets it (ms since the epoch). */
  renewIssuedBefore?: number | undefined;
  /** Whether roles, memberships, rights and settings that the inventory does not declare are taken away (`--prune`). */
  prune?: boolean | undefined;
}

/** A stage of a playbook: steps for some hosts, done together or one after another. */
export interface Stage {
  name: string;
  hosts(context: Context): readonly Host[];
  steps(host: Host, context: Context): Step[];
  /**
   * Groups of the hosts with work; the hosts of a group are worked on at once. Groups run one after another, each after
   * `gate`. Absent: one group.
   */
  order?(busy: readonly Host[], context: Context): Host[][];
  /** Time until the effect of a handler of this run shows (s); the stage's hosts are not probed before. */
  settles?(context: Context): { handler: string; seconds: number };
  /** Wait between two groups, before the gate, for effects that do not show at once (s). */
  between?(context: Context): number;
  /** Verdict that must be yes before each group of an ordered stage; repeated until it is or its time is over. */
  gate?(group: readonly Host[], context: Context): Verdict;
}

export type Playbook = readonly Stage[];
