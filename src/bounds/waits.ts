import type { Timing } from '../timing.ts';
import { START_MEMBER_S } from './copy.ts';
import { DRAIN_S, REBOOT_S } from './hosts.ts';
import { GATE_S, gate } from './patroni.ts';

/** How long is waited (s): for reads to end, for a gate, for a rebooted host, for a member to catch up. */
export interface Waits {
  drain: number;
  gate: number;
  host: number;
  member: number;
}

/** What the options of a command are without the person's word. */
export const WAITS: Waits = { drain: DRAIN_S, gate: GATE_S, host: REBOOT_S, member: START_MEMBER_S };

/** The same where a command has no options for it, so that the cluster's own timing counts. */
export const waits = (timing: Timing): Waits => ({ ...WAITS, gate: gate(timing) });
