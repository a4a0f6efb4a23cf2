import { z } from 'zod';
import { azure } from './azure.ts';
import { directory } from './directory.ts';
import { gcs } from './gcs.ts';
import { host } from './host.ts';
import type { Elsewhere, RepositoryKind } from './kind.ts';
import { s3 } from './s3.ts';
import { sftp } from './sftp.ts';

/** All kinds of repositories, in the order of the documentation. */
export const KINDS = [host, directory, s3, gcs, azure, sftp] as const;

type Kind = (typeof KINDS)[number];
type Schemas<List extends readonly Kind[]> = { -readonly [Index in keyof List]: List[Index]['schema'] };

/** Where backups and WAL go; `key` is pgBackRest's number of it. */
export type RepositorySettings = {
  [Name in Kind['name']]: { key: number; kind: Name } & ReturnType<Extract<Kind, { name: Name }>['settings']>;
}[Kind['name']];

const NAMES = KINDS.map((kind) => kind.name);

/** An entry of `pgbackrest.repositories`. */
export const repositoryEntry = z.discriminatedUnion(
  'kind',
  KINDS.map((kind) => kind.schema) as unknown as Schemas<typeof KINDS>,
  { error: `a repository has a kind: ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1)}` },
);

/** Any kind, for what is asked of all of them; it gets only repositories of its own. */
type AnyKind = RepositoryKind<string, z.ZodType<{ kind: string }>, RepositorySettings>;

/** Returns the kind of a repository. */
export const kindOf = ({ kind }: Pick<RepositorySettings, 'kind'>): AnyKind =>
  KINDS.find(({ name }) => name === kind) as unknown as AnyKind;

/** Returns the model of a checked entry. */
export const repositoryOf = (
  wanted: z.output<typeof repositoryEntry>,
  key: number,
  elsewhere: Elsewhere,
): RepositorySettings =>
  ({ ...kindOf(wanted).settings(wanted, elsewhere), key, kind: wanted.kind }) as RepositorySettings;
