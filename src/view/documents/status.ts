import { z } from 'zod';
import { boolean, host, number, part, problem, text } from './parts.ts';

const maybe = <T extends z.ZodType>(what: T) => z.union([what, z.null()]);

export const statusDocument = part({
  cluster: text,
  healthy: boolean,
  problems: z.array(problem),
  unknown: z.array(text).describe('What nobody could be asked for'),
  system_identifier: maybe(text),
  timeline: maybe(number),
  paused: boolean,
  members: z.array(
    part({
      name: text,
      host: text.describe('Address of the member'),
      role: text.describe('leader, sync_standby, quorum_standby, replica or standby_leader'),
      state: text,
      timeline: maybe(number),
      lag_bytes: maybe(number),
      pending_restart: boolean,
      tags: z.record(text, z.unknown()),
      versions: part({ postgresql: maybe(text), patroni: maybe(text) }),
      connections: maybe(part({ used: number, max: number })),
      storage: z
        .array(part({ path: text, size_bytes: number, free_bytes: number }))

        .describe('Room for the data, and for WAL that lies elsewhere'),
    }),
  ),
  dcs: part({
    kind: text,
    quorum: boolean,
    members: z.array(part({ name: text, healthy: boolean, leader: boolean, version: maybe(text) })),
  }),
  vip: maybe(part({ address: text, holders: z.array(host) })),
  balancers: z.array(part({ host, primary: z.array(text), replica: z.array(text) })),
  backup: maybe(
    part({
      stanza: text,
      last: maybe(text),
      type: maybe(text),
      archive_ok: boolean,
      archive_waiting: number,
      repositories: z.array(part({ key: number, kind: text, ok: boolean, free_bytes: maybe(number) })),
      drill: maybe(part({ host, ok: boolean, finished: text, backup: text, duration_s: number })),
    }),
  ),
  certificates: part({ earliest_expiry: maybe(text) }),
  replication: part({
    mode: text.describe('sync, quorum or async'),
    strict: boolean,
    standbys: number.describe('Number of standbys that a commit waits for'),
    synchronous: z.array(text).describe('Those that commits wait for now'),
  }),
  databases: maybe(z.array(part({ name: text, bytes: number }))),
  slots: maybe(z.array(part({ name: text, type: text, active: boolean, kept_bytes: maybe(number) }))),
  last_change: maybe(
    part({ at: maybe(text), from: maybe(text), to: maybe(text), timeline: number, reason: text }),
  ).describe('The last change of leader'),
  endpoints: part({ write: z.array(text), read: z.array(text) }).describe('Where clients connect'),
}).describe('hapg status -o json, of one cluster');
