import type { Cluster, Host } from '../inventory/model.ts';

/**
 * Subjects of an observation. `host`: the cluster it belongs to, and what hapg has left there. `members`: PostgreSQL,
 * Patroni and the DCS. `balancers`: HAProxy, the VIP and pools. `backups`: repositories, their schedule and drills.
 * `certificates`: their expiry. `figures`: sizes, room and versions, which a person reads and no verdict depends on.
 */
export type About = 'host' | 'members' | 'balancers' | 'backups' | 'certificates' | 'figures';

/** All subjects of an observation on which verdicts depend. */
export const EVERYTHING: readonly About[] = ['host', 'members', 'balancers', 'backups', 'certificates'];

/** One question to a host: who is asked, how, and what the answer means. */
export interface Question<A> {
  readonly about: About;
  /** Whether this host has the role that can answer. */
  of(cluster: Cluster, host: Host): boolean;
  /** POSIX sh that prints the answer. It writes nothing, does not exit, and sets no variable that others read. */
  script(cluster: Cluster, host: Host): string;
  /** Reads the script's output. An answer that is not understood is silence. Pure. */
  read(answer: string, cluster: Cluster, host: Host): A;
}

/** Returns the non-empty lines of an answer. */
export const filled = (answer: string): string[] =>
  answer
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
