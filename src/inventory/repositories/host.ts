import { z } from 'zod';
import type { RepositoryKind } from './kind.ts';

const schema = z.strictObject({
  kind: z.literal('host').describe('A directory of the host with the role pgbackrest: pgbackrest.path'),
});

/** A directory of the backup host. */
export const host = {
  name: 'host',
  schema,
  settings: (_wanted, { hostPath }) => ({ path: hostPath }),
  label: ({ path }) => path,
  place: ({ path }, name) => (name ? `${path} on ${name}` : path),
  // Another cluster has another backup host.
  shared: () => undefined,
  directory: 'own',
} satisfies RepositoryKind<'host', typeof schema, { path: string }>;
