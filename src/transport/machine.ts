import type { Cluster, Host } from '../inventory/model.ts';
import type { JumpHosts } from './jump-hosts.ts';

/** What a script printed and how it ended. */
export interface ShellAnswer {
  /** Standard output and standard error together, decoded once as UTF-8. */
  output: string;
  /** The exit status. */
  code: number;
}

export interface RunOptions {
  /** Without an answer for so long the machine is given up (ms). */
  timeoutMs: number;
  /** Runs the script in the persistent shell itself, so that what it opens (the lock) stays open. */
  inShell?: boolean | undefined;
  /** Rejects with Interrupted when aborted; the machine is of no use afterwards. */
  signal?: AbortSignal | undefined;
}

/**
 * A host with a persistent shell of the super user. Scripts run one after another. A non-zero status is an answer. What
 * the shell holds open is let go when the machine is closed or its link is lost.
 */
export interface Machine {
  /** Runs a script and waits for its end. Rejects when the link is lost or too slow; every later run then rejects as well. */
  run(script: string, options: RunOptions): Promise<ShellAnswer>;
  /**
   * Runs a script beside those, on a second shell of the same connection; behind them where the host allows one only. Rejects
   * like `run`, but a script that took too long costs the second shell only.
   */
  beside(script: string, options: RunOptions): Promise<ShellAnswer>;
  close(): void;
}

/** How one connection is made. */
export interface DialOptions {
  /** Shares no link with another connection: proves every login on the way. */
  alone?: boolean;
}

/** The way to the hosts: over SSH, or in memory for tests. */
export interface Network {
  /** Logs in to a host. Rejects with Unreachable, or with the KnownError of the person who was asked something. */
  dial(cluster: Cluster, host: Host, options?: DialOptions): Promise<Machine>;
  /** Finds the hosts of the inventory through which others are reached. */
  jumpHosts(cluster: Cluster): Promise<JumpHosts>;
}
