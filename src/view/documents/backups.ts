import { z } from 'zod';
import { boolean, host, number, part, runId, text } from './parts.ts';

const time = text.describe('Time (ISO 8601)');
const seconds = number.describe('Duration (s)');

export const backupsDocument = part({
  stanza: text,
  status: text.describe("pgBackRest's word"),
  system_identifier: text.nullable(),
  archive: part({ min: text, max: text }).nullable().describe('First and last WAL segment'),
  window: part({
    from: time,
    from_lsn: text,
    until: time,
    until_source: z.enum(['archive', 'backup']),
    until_wal: text.nullable(),
  })
    .nullable()
    .describe('The span of time that a restore can reach'),
  backups: z.array(
    part({
      label: text,
      repository: number,
      type: text,
      start: time,
      stop: time,
      duration_s: seconds,
      database_bytes: number,
      repository_bytes: number,
      wal: part({ start: text, stop: text }),
      lsn: part({ start: text, stop: text }),
      damaged: boolean.describe('pgBackRest found damaged pages'),
    }),
  ),
}).describe('hapg backups -o json; the oldest backup is the first');

export const drillDocument = part({
  ok: boolean,
  backup: text,
  started: time,
  finished: time,
  duration_s: seconds,
  newest_transaction: time.nullable(),
  newest_transaction_age_s: number.nullable(),
  restore_s: seconds,
  recovery_s: seconds,
  check_s: seconds,
  bytes: number,
  counts: z.array(part({ database: text, table: text, rows: number })),
  error: text.nullable(),
  host,
  run: runId,
}).describe('hapg drill restore -o json');

const checked = { checked: number, invalid: number };
export const verifyDocument = part({
  ok: boolean,
  host,
  run: runId,
  repositories: z.array(
    part({
      repository: number,
      ok: boolean,
      wal: part({ ...checked, missing: number }),
      files: part(checked),
      backups: z.array(part({ name: text, status: text, checked: number, valid: number })),
      gaps: z.array(part({ from: text, to: text, missing: number })),
      messages: z.array(text),
    }),
  ),
}).describe('hapg backups verify -o json');
