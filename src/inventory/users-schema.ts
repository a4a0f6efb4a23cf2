import { z } from 'zod';
import { parametersOf, sqlName } from './values.ts';

/** Whether an object is to exist. */
export const ensure = z.enum(['present', 'absent']).optional();

/** A moment with its zone, or a day, which begins at midnight UTC. */
const MOMENT = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}(?::?\d{2})?))?$/;

/**
 * Returns the moment after which a password is no longer accepted, in UTC and to the second; null for never. Undefined
 * where the text is no such moment.
 */
export function validUntil(text: string): string | null | undefined {
  if (text === 'infinity') return null;
  if (!MOMENT.test(text)) return undefined;
  // ECMAScript wants T and minutes in the zone, PostgreSQL neither.
  const zoned = text
    .replace(' ', 'T')
    .replace(/([+-]\d{2})(\d{2})?$/, (whole, hours, minutes, at) => (at > 10 ? `${hours}:${minutes ?? '00'}` : whole));
  const moment = new Date(zoned);
  return Number.isNaN(moment.getTime()) ? undefined : `${moment.toISOString().slice(0, 19)}Z`;
}

/** Attributes of a role that are either there or not. There is no superuser: such a role is beyond every other rule. */
export const ATTRIBUTES = ['createdb', 'createrole', 'replication', 'bypassrls', 'inherit'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

const attribute = (what: string) => z.boolean().optional().describe(what);

const user = z.strictObject({
  name: sqlName.describe('Name of the role'),
  ensure: ensure.describe(
    'absent: the role is dropped as soon as it owns nothing and has no session; the plan says what is in the way. Default: present',
  ),
  login: z
    .boolean()
    .optional()
    .describe('false: a group role, which has no password and to which rights are granted. Default: true'),
  password: z
    .enum(['made', 'own'])
    .optional()
    .describe('made: hapg makes it. own: you bring it with `hapg secrets set user-NAME`. Default: made'),
  valid_until: z
    .string()
    .refine((text) => validUntil(text) !== undefined, {
      message: 'a day (2027-01-31, from midnight UTC), a moment with its zone (2027-01-31T18:00:00Z) or infinity',
    })
    .optional()
    .describe('When the password ends: a day or a moment with its zone. Left out or infinity: never'),
  roles: z
    .array(sqlName)
    .default([])
    .describe('Roles that the user is a member of. A further membership is a note; apply --prune revokes it'),
  connection_limit: z.int().min(-1).optional().describe('Most connections at once; -1 or left out: no limit'),
  createdb: attribute('Whether it may create databases. Default: false'),
  createrole: attribute(
    'Whether it may create roles. Before PostgreSQL 16 it may also change every other role, passwords too. Default: false',
  ),
  replication: attribute('Whether it may replicate. A connection pool lets no such role in. Default: false'),
  bypassrls: attribute('Whether row security does not apply to it. Default: false'),
  inherit: attribute('Whether it has the rights of its roles without SET ROLE. Default: true'),
  settings: parametersOf(
    'PostgreSQL settings of its sessions (ALTER ROLE SET), such as statement_timeout. `role` is one of its roles: what it creates belongs to that role',
  ).optional(),
});

export const users = z
  .array(user)
  .default([])
  .describe(
    'Roles that are created: logins, and groups with login: false. Passwords come from the secret store. There is no key for superuser: such a role could read every secret and stop the cluster',
  );
