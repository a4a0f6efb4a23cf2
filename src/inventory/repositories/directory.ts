import { z } from 'zod';
import { absolutePath } from '../values.ts';
import type { RepositoryKind } from './kind.ts';

const schema = z.strictObject({
  kind: z.literal('directory').describe('A directory on a mount that every host which takes part in backups has'),
  path: absolutePath.describe('Directory of the repository'),
});

/** A directory on a mount that several hosts have. */
export const directory = {
  name: 'directory',
  schema,
  settings: ({ path }) => ({ path }),
  label: ({ path }) => path,
  place: ({ path }) => path,
  shared: ({ path }) => path,
  directory: 'mount',
} satisfies RepositoryKind<'directory', typeof schema, { path: string }>;
