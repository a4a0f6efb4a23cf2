import { z } from 'zod';
import {
  boolean,
  duration,
  failure,
  figures,
  formatVersion,
  host,
  number,
  part,
  problem,
  runId,
  text,
} from './parts.ts';

export const operationDocument = part({
  ok: boolean.describe('Whether it was done and status has no problems'),
  run: runId,
  duration_ms: duration,
  hosts: z.array(host),
  switchovers: z.array(part({ from: host, to: host, duration_ms: duration })),
  problems: z.array(problem),
  failed: z.array(failure).optional(),
  left: z.array(text).describe('What is temporary and will undo itself').optional(),
  ...figures,
}).describe('hapg update, switchover, restart, add-replica, remove-node, restore, repair and others, with -o json');

export const doctorDocument = part({
  format_version: formatVersion,
  cluster: text,
  ok: boolean,
  checks: z
    .array(
      part({
        code: text,
        host: text,
        ok: boolean,
        level: z.enum(['ok', 'warning', 'failure']),
        message: text,
        cure: text.nullable(),
      }),
    )
    .describe('The findings, each with a code'),
  fit: boolean,
  findings: z.array(
    part({
      check: text,
      host: text,
      level: z.enum(['ok', 'warning', 'failure']),
      seen: text,
      cure: text.optional(),
    }),
  ),
}).describe('hapg doctor -o json');

export const errorDocument = part({
  format_version: formatVersion,
  ok: z.literal(false),
  exit_code: number,
  error: part({
    kind: z.enum(['usage', 'refused', 'failed', 'locked', 'unreachable', 'interrupted', 'bug']),
    message: text,
    codes: z.array(text).optional(),
  }),
  problems: z
    .array(part({ severity: text, message: text }))
    .describe('Of an inventory')
    .optional(),
}).describe('Any command with -o json that ends before it has a document of its own');
