import type { Timing } from '../timing.ts';
import { START_MEMBER_S } from './copy.ts';
import { DRAIN_S, REBOOT_S } from './hosts.ts';
import { GATE_S, gate } from './patroni.ts';

/** Waits (s): for reads to end, for a gate, for a rebooted host, for a member to catch up. */
export interface Waits {
  drain: number;
  gate: number;
  host: number;
  member: number;
}

/** Defaults of a command's options. */
export const WAITS: Waits = { drain: DRAIN_S, gate: GATE_S, host: REBOOT_S, member: START_MEMBER_S };

/** Returns the waits of a command without such options, from the cluster's own timing. */
export const waits = (timing: Timing): Waits => ({ ...WAITS, gate: gate(timing) });
