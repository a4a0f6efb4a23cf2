import type { Cluster, Host } from '../inventory/model.ts';

/**
 * What a look can be about. `host`: who the host belongs to, and what hapg has left there. `members`: PostgreSQL, Patroni
 * and the DCS. `balancers`: the way of the clients. `backups`: repositories, their schedule and drills. `certificates`:
 * when they expire.
 */
export type About = 'host' | 'members' | 'balancers' | 'backups' | 'certificates';

/** All that a look can be about. */
export const EVERYTHING: readonly About[] = ['host', 'members', 'balancers', 'backups', 'certificates'];

/** One question to a host: who is asked, how, and what the answer means. */
export interface Question<A> {
  readonly about: About;
  /** Whether this host has the role that can answer. */
  of(cluster: Cluster, host: Host): boolean;
  /** POSIX sh that prints the answer. It writes nothing, does not exit, and leaves no variable that others read. */
  script(cluster: Cluster, host: Host): string;
  /** Reads what the script printed. An answer that is not understood is silence. Pure. */
  read(answer: string, cluster: Cluster): A;
}

/** The lines of an answer that hold something. */
export const filled = (answer: string): string[] =>
  answer
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
