import { z } from 'zod';
import { boolean, duration, figures, host, number, part, runId, text } from './parts.ts';

/** A time in ISO 8601. */
const time = text.describe('Time (ISO 8601)');
const uri = text.describe('URI of libpq');

export const connectDocument = part({
  primary: uri.optional(),
  replica: uri.optional(),
  any: uri.optional(),
  uri: uri.describe('The first one'),
  database: text,
  user: text,
  ca: text.describe('File of the certificate authority'),
  format: text.optional(),
  text: text.describe('What is printed without -o json, in a form other than uri').optional(),
}).describe('hapg connect -o json');

const answer = {
  code: number.nullable().describe('Exit status; null without an answer'),
  output: text,
  unreachable: text.describe('Why the host is out of reach').optional(),
};

export const execDocument = part({
  hosts: z.record(
    text,
    part({
      ...answer,
      cut: boolean.optional(),
      left_out_bytes: number.optional(),
      timed_out: boolean.optional(),
      missing: text.describe('Why there is no answer').optional(),
    }),
  ),
}).describe('hapg exec -o json');

export const pingDocument = part({
  hosts: z.record(
    text,
    part({
      ...answer,
      root: boolean.describe('Whether the shell is the superuser').optional(),
      os: text.optional(),
      ms: number.describe('Time of one question and its answer (ms)').optional(),
      failed: text.describe('Why there is no answer').optional(),
    }),
  ),
}).describe('hapg ping -o json');

export const keptDocument = part({
  kept: z.array(
    part({
      name: text.describe('HOST:PATH, as "hapg kept rm" takes it'),
      host,
      path: text,
      part: text,
      origin: text.describe('The operation that set it aside'),
      date: time,
      bytes: number.nullable(),
      obstacles: z.array(text).describe('Why it cannot be deleted now'),
    }),
  ),
}).describe('hapg kept list -o json');

export const historyDocument = part({
  cluster: text,
  history: z.array(
    part({
      timeline: number,
      lsn: text.describe('Where it ended'),
      reason: text,
      at: time.nullable(),
      leader: text.nullable().describe('The member that led from then on'),
    }),
  ),
}).describe('hapg history -o json; the newest change of leader is the last');

export const topologyDocument = part({
  cluster: text,
  members: z.array(
    part({
      name: text,
      host: text.describe('Address'),
      role: text,
      state: text,
      timeline: number.nullable(),
      lag_bytes: number.nullable(),
      upstream: text.nullable().describe('The member that it receives WAL from'),
    }),
  ),
  others: z.array(part({ from: text, name: text, state: text })).describe('Receivers of WAL that are no members'),
}).describe('hapg topology -o json');

export const settingDocument = part({
  name: text,
  of: z.enum(['postgresql', 'patroni']),
  hosts: z.record(
    text,
    part({
      value: text.nullable(),
      source: text.describe('Where the value comes from; docs/status.md has the words'),
      pending: z.enum(['reload', 'restart']).nullable(),
      unit: text.nullable(),
      default: text.nullable(),
      context: text.nullable().describe('When it may change (pg_settings)'),
      place: text.nullable(),
      declared: text.nullable().describe('What hapg sets'),
      differs: boolean.describe('Whether hapg apply would change it'),
      sessions: z.array(part({ role: text.nullable(), database: text.nullable(), value: text })),
      silent: text.describe('Why there is no answer').optional(),
    }),
  ),
}).describe('hapg config explain -o json');

export const settingsDocument = z
  .record(text, z.unknown())
  .describe("hapg config -o json: the settings in the DCS, in Patroni's form");

export const validateDocument = part({
  ok: z.literal(true),
  cluster: text,
  hosts: number,
  warnings: z.array(text),
}).describe('hapg validate -o json; an inventory with errors has the document "error"');

export const logsDocument = z
  .array(
    part({
      host,
      line: text,
      time,
      unit: text,
      priority: text,
      pid: number.nullable(),
      message: text,
    }),
  )
  .describe('hapg logs -o json');

export const auditDocument = part({
  runs: z.array(
    part({
      run: runId,
      time,
      by: text,
      command: text,
      changed: number,
      result: text,
    }),
  ),
  hosts: z.record(text, z.array(text)).describe('Lines of the audit log of each host, with --hosts').optional(),
}).describe('hapg audit -o json');

export const reportDocument = part({
  file: text,
  files: z.array(part({ name: text, what: text, bytes: number })),
}).describe('hapg report -o json');

export const lockDocument = z
  .array(part({ host, holder: z.unknown().describe('The run that holds it; null for a free lock') }))
  .describe('hapg lock -o json');

export const trustDocument = z
  .array(part({ host, type: text, fingerprint: text, state: z.enum(['known', 'new', 'CHANGED']) }))
  .describe('hapg trust -o json');

export const renderDocument = part({ directory: text, files: number, hosts: z.array(host) }).describe(
  'hapg render -o json',
);

export const boardsDocument = part({ directory: text, seen_at: text, files: z.array(text) }).describe(
  'hapg boards -o json',
);

export const certificatesDocument = z
  .array(part({ host, path: text, expires: time.nullable() }))
  .describe('hapg certs -o json');

const values = z.record(text, text.nullable()).describe('By name; null for what is missing');
export const secretsDocument = part({ system: values, users: values, given: values }).describe(
  'hapg secrets and hapg secrets show, with -o json',
);

export const probeDocument = part({ ok: boolean, run: runId, duration_ms: duration, ...figures }).describe(
  'hapg probe -o json',
);

const explained = part({ code: text, meaning: text, cure: text });
export const explainDocument = z
  .union([explained, z.array(explained)])
  .describe('hapg explain -o json: one code, or a list');
