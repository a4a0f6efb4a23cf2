import type { Cluster, Host } from '../inventory/model.ts';
import type { RoleName } from '../roles.ts';
import type { Problem } from '../status/status.ts';
import type { CommonOptions } from './options.ts';

export interface OperateOptions extends CommonOptions {
  probe?: boolean;
  /** The name given with --confirm, for `typed` of the intent. */
  typed?: string | undefined;
  /** The command is for an unhealthy cluster: it does not wait until the effects of an interrupted run have settled. */
  asItIs?: boolean;
  /**
   * The command is for an emergency: it does not even wait for units of an interrupted run, which may be its cause, and
   * an unhealthy cluster may change while its question is open.
   */
  emergency?: boolean;
  /** Hosts that the operator names, and how; one with a role is looked for among those that have it. */
  named?: readonly { how: string; name: string; role?: RoleName }[];
  /** The command accepts --limit; others are about the whole cluster and refuse it. None works on single roles. */
  selects?: boolean;
  /** The time at which the work begins, as the operator wrote it. */
  at?: string | undefined;
  /** Hosts that may be unreachable. */
  goesWithout?: (host: Host) => boolean;
  /** The command may be the first for its inventory: it makes the secret store. */
  mayBeNew?: boolean;
}

/** What a command has decided to do after it has observed the cluster. */
export interface Intent {
  /** Text for the operator before the question. */
  explain: string;
  question: string;
  /** A name that the operator has to type, because the work cannot be reversed. */
  typed?: string;
  hosts: readonly Host[];
  /** Does the work. `beginProbe` starts the client load where it should not start at once. */
  run(beginProbe: () => Promise<void>): Promise<void>;
  /** The load starts when `run` calls `beginProbe`. */
  probeLater?: boolean;
  /** The model of the cluster after the work, where that is another one. */
  after?: Cluster;
  /** The model of the cluster after a failure, where that is another one. */
  onFailure?: () => Cluster;
  /** Problems that the work is meant to bring, or that were there before and are not its subject; they are no failure. */
  expects?: (problem: Problem) => boolean;
  /** The work ends the cluster, so its status is not read afterwards. */
  ends?: boolean;
  /** Lines about the result for the operator; empty: none. */
  result?: () => string;
  /** Additional keys of the JSON document. */
  document?: () => Record<string, unknown>;
}
