import { z } from 'zod';
import { extensionName } from './extensions.ts';
import { DEFAULTS_ON } from './grants.ts';
import { ensure } from './users-schema.ts';
import { oneLine, parametersOf, sqlName } from './values.ts';

const grantees = z
  .union(
    [sqlName, z.array(sqlName).min(1, 'name at least one role')],
    'a role, or a list of roles; public is everybody',
  )
  .describe('A role or a list of roles of postgres.users; public: everybody');

const privileges = z.array(z.string()).min(1, 'name at least one privilege, or all');

const schema = z.strictObject({
  name: sqlName.describe('Name of the schema'),
  owner: sqlName.optional().describe("One of postgres.users; default: the database's owner"),
});

const grant = z.strictObject({
  on: oneLine.describe(
    '`database`, `schema app`, `table app.orders`, `sequence app.ids`, or `all tables in schema app` (also sequences, functions): each that exists. Names that are not plain are in double quotes, as in SQL',
  ),
  privileges: privileges.describe('Privileges in the words of SQL, such as select; all: every one that there is'),
  to: grantees,
});

const defaults = z.strictObject({
  for: sqlName.describe('The role whose new objects get the rights: the one that creates them'),
  schema: sqlName.describe('The schema in which they are created'),
  on: z.enum(DEFAULTS_ON).describe('Kind of the new objects'),
  privileges: privileges.describe('Privileges in the words of SQL; all: every one that there is'),
  to: grantees,
});

const database = z.strictObject({
  name: sqlName.describe('Name of the database'),
  ensure: ensure.describe(
    'absent: `hapg apply --prune` drops the database with all its data, after the name of the cluster was typed. Without --prune it stays and is a note. Default: present',
  ),
  owner: sqlName.optional().describe('One of postgres.users; default: postgres'),
  connection_limit: z.int().min(-1).optional().describe('Most connections at once; -1 or left out: no limit'),
  settings: parametersOf('PostgreSQL settings of sessions in this database (ALTER DATABASE SET)').optional(),
  public: z
    .enum(['none', 'connect'])
    .optional()
    .describe(
      'Rights of every role in this database and in its schema public. none: no right. connect: it may connect and use the schema public, and no more. Left out: as PostgreSQL or a person made it',
    ),
  schemas: z.array(schema).optional().describe('Schemas that are created; they are never dropped'),
  grants: z
    .array(grant)
    .optional()
    .describe(
      'Rights on what exists. Further rights of others on the same objects are notes; apply --prune revokes them',
    ),
  default_privileges: z
    .array(defaults)
    .optional()
    .describe('Rights on objects that will be created (ALTER DEFAULT PRIVILEGES)'),
  extensions: z
    .array(extensionName)
    .default([])
    .describe('Extensions that are created in this database; they are never dropped'),
});

export const databases = z
  .array(database)
  .default([])
  .describe('Databases that are created; none is dropped without ensure: absent and `hapg apply --prune`');
