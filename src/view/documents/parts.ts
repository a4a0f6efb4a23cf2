import { z } from 'zod';

/** A mapping of a document. Keys are added over time, so others are let through. */
export const part = z.looseObject;

export const text = z.string();
export const number = z.number();
export const boolean = z.boolean();

export const runId = text.describe('Identifies the run in journals, locks and audit logs');
export const formatVersion = z.literal(1).describe('A higher one has lost or changed a key');
export const duration = number.describe('Duration (ms)');
export const host = text.describe('Name of a host');

/** The actions of changes. */
export const action = z.enum(['create', 'update', 'remove', 'restart', 'reload', 'run']);

export const problem = part({
  code: text.describe('A code of docs/status.md'),
  host: text.describe('Name of the host; empty: the cluster'),
  message: text,
});

/** Counts by host, as Ansible has them. */
export const counts = z.record(
  text,
  part({ ok: number, changed: number, failed: number, unreachable: boolean, skipped: number }),
);

export const note = part({ host, text });
export const failure = part({ host, step: text, message: text });

const gaps = { failed: number, max_gap_ms: number.describe('Longest time without one (ms)') };
/** What a client saw meanwhile (`--probe`). */
export const figures = {
  writes: part({ acked: number, lost: number, ...gaps }).optional(),
  reads: part({ ok: number, ...gaps }).optional(),
};
