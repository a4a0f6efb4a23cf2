import type { Cluster, Host } from '../inventory/model.ts';
import type { CommonOptions } from './options.ts';

export interface OperateOptions extends CommonOptions {
  probe?: boolean;
  /** What was typed for `typed` of the intent, on the command line. */
  typed?: string | undefined;
  /** The command is for a cluster that is not whole: it does not wait for one that a killed run has left to settle. */
  asItIs?: boolean;
  /** The command can be about some hosts only; others are about the whole cluster, and refuse --limit. */
  selects?: boolean;
  /** Hosts without which the command goes on when they do not answer. */
  goesWithout?: (host: Host) => boolean;
  /** The command may be the first that this inventory sees: its secret store is made. */
  mayBeNew?: boolean;
}

/** What a command has decided to do after its look at the cluster. */
export interface Intent {
  /** For the person, before the question. */
  explain: string;
  question: string;
  /** A name that has to be typed, because what is done cannot be taken back. */
  typed?: string;
  hosts: readonly Host[];
  /** Does it; `beginProbe` starts the client load where it should not start at once. */
  run(beginProbe: () => Promise<void>): Promise<void>;
  /** The load starts when `run` calls for it. */
  probeLater?: boolean;
  /** The model that the cluster shall be like afterwards, where that is another one. */
  after?: Cluster;
  /** The model that a failure has left the cluster with, where that is another one. */
  onFailure?: () => Cluster;
  /** There is no cluster afterwards, so nobody looks how it is. */
  ends?: boolean;
  /** More for the JSON document. */
  document?: () => Record<string, unknown>;
}
