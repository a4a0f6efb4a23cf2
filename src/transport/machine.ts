import type { Cluster, Host } from '../inventory/model.ts';
import type { JumpHosts } from './jump-hosts.ts';

/** The output and exit status of a script. */
export interface ShellAnswer {
  /** Standard output and standard error together, decoded once as UTF-8. */
  output: string;
  /** The exit status. */
  code: number;
}

export interface RunOptions {
  /** Time without an answer after which the machine counts as lost (ms). */
  timeoutMs: number;
  /** Runs the script in the persistent shell itself, so that descriptors that it opens (the lock) stay open. */
  inShell?: boolean | undefined;
  /** Rejects with Interrupted when aborted; the machine cannot be used afterwards. */
  signal?: AbortSignal | undefined;
}

/**
 * A host with a persistent shell of the super user. Scripts run one after another. A non-zero status is an answer.
 * Descriptors of the shell are closed when the machine is closed or its link is lost.
 */
export interface Machine {
  /** Whether scripts can still be run. */
  readonly isOpen: boolean;
  /** Runs a script and waits for its end. Rejects when the link is lost or too slow; every later run then rejects as well. */
  run(script: string, options: RunOptions): Promise<ShellAnswer>;
  /**
   * Runs a script concurrently in a second shell of the same connection, or after the others where the host allows one
   * shell only. Rejects like `run`. A script that took too long ends the shell that it ran in.
   */
  beside(script: string, options: RunOptions): Promise<ShellAnswer>;
  close(): void;
}

/** Options of one connection. */
export interface DialOptions {
  /** Shares no jump connection: proves every login on the way. */
  alone?: boolean;
}

/** The network of the hosts: over SSH, or in memory for tests. */
export interface Network {
  /** Logs in to a host. Rejects with Unreachable, or with the KnownError of a question to the operator. */
  dial(cluster: Cluster, host: Host, options?: DialOptions): Promise<Machine>;
  /** Finds the hosts of the inventory through which others are reached. */
  jumpHosts(cluster: Cluster): Promise<JumpHosts>;
}
