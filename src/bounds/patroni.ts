/** Bounds of what Patroni and the DCS do by themselves, derived from the cluster's timing. */
import type { Timing } from '../timing.ts';

/** Returns the time within which every member has completed one Patroni cycle (s). */
export const settles = ({ patroni }: Timing): number => patroni.loop_wait + 1;

/** PostgreSQL's default of wal_retrieve_retry_interval (ms). */
const RECONNECT_MS = 5000;

/**
 * Returns how long a short disturbance lasts (ms): a replica whose connection was cut asks again after PostgreSQL's
 * wal_retrieve_retry_interval, and Patroni reports that within one of its cycles.
 */
export const reconnected = (timing: Timing): number => RECONNECT_MS + settles(timing) * 1000;

/** Returns how long a tag takes to have an effect (s): a reload, a cycle of the member and one of the leader, with a margin. */
export const marked = ({ patroni }: Timing): number => patroni.loop_wait * 6 + 30;

/**
 * Returns how long a new leader may take to name a synchronous standby (s): the standby asks for WAL again, the leader
 * names it in its next cycle, and both report that in another one.
 */
export const named = (timing: Timing): number => reconnected(timing) / 1000 + 2 * settles(timing);

/**
 * Returns how long a stopped member still counts (s): its key ends with Patroni's `ttl`, and the leader reads the list
 * in its next cycle.
 */
export const memberExpiry = ({ patroni }: Timing): number => patroni.ttl * 2;

/** Returns how long the members take to agree on who leads (s): the lease of the old leader, an election, a cycle. */
export const election = ({ patroni }: Timing): number => patroni.ttl * 3;

/** Returns how long the members may take to show a switchover that Patroni has reported (s): the old leader starts again. */
export const switched = (timing: Timing): number => Math.max(60, election(timing));

/** The least time that a gate waits for the cluster to be whole (s). */
export const GATE_S = 120;

/** Returns how long a gate waits for the cluster to be whole (s): two minutes, or an election with twice the retries. */
export const gate = (timing: Timing): number =>
  Math.max(GATE_S, election(timing), timing.failoverBound + 2 * timing.patroni.retry_timeout);

/** Returns how long the balancers may take to send reads to a member that streams (s). */
export const join = (timing: Timing): number => Math.max(120, gate(timing));

/** Returns how long a member of the DCS may take to start, to catch up and to vote (s). */
export const dcsMember = ({ zookeeper, etcd }: Timing): number =>
  Math.max(120, (2 * zookeeper.initTicks * zookeeper.tickMs) / 1000, (3 * etcd.election) / 1000);

/** Returns how long damage must look the same before it is repaired (ms): longer than an election of the DCS or a slow disk. */
export const lasting = ({ etcd }: Timing): number => Math.max(10_000, 3 * etcd.election);

/** Returns after how long changing damage is judged as it is (ms). */
export const changing = (timing: Timing): number => Math.max(60_000, 6 * lasting(timing));

/** Returns how long a cluster may take to be steady after an interrupted run (ms): its services come up again. */
export const calm = (timing: Timing): number => gate(timing) * 1000;

/** Returns how long the synchronous standby takes to be named again, and checks to settle (ms). */
export const checksSettle = (timing: Timing): number => Math.max(60_000, memberExpiry(timing) * 1000);

/** Returns how long Patroni may take to drop a slot on every member (s). */
export const slots = (timing: Timing): number => Math.max(60, 4 * settles(timing));
