import { z } from 'zod';
import {
  action,
  boolean,
  counts,
  duration,
  failure,
  figures,
  formatVersion,
  host,
  note,
  part,
  runId,
  text,
} from './parts.ts';

const change = part({
  host,
  stage: text.describe('Stage of the work, in the order in which it is done'),
  step: text,
  role: text,
  action,
  known_after_apply: boolean,
});

const shown = z.union([text, z.null()]);

export const planDocument = part({
  format_version: formatVersion,
  hosts: counts,
  impact: z
    .union([
      z.array(
        part({
          kind: text,
          hosts: z.array(host).describe('In the order in which it happens on them'),
          text: text.describe('What clients and services will feel'),
        }),
      ),
      z.null(),
    ])
    .describe('In the order in which it happens; empty: nothing is felt; null: not known'),
  changes: z.array(
    change.extend({
      summary: text,
      before: shown.describe('Present text, without secrets'),
      after: shown.describe('Wanted text, without secrets'),
    }),
  ),
  skipped: z.array(part({ host, step: text, because: text })),
  notes: z.array(note),
  duration_ms: duration.optional(),
  run: z.union([runId, z.null()]),
  cluster: text.optional(),
  digest: text.describe('Of a saved plan').optional(),
  made: shown.describe('Time of a saved plan (RFC 3339)').optional(),
}).describe('hapg plan -o json, hapg plan show FILE -o json');

export const applyDocument = part({
  format_version: formatVersion,
  hosts: counts,
  changes: z.array(change).describe('What was done'),
  notes: z.array(note),
  failed: z.array(failure),
  todo: z.array(text).describe('What a person must still do'),
  duration_ms: duration,
  run: runId,
  ...figures,
}).describe('hapg apply -o json');
