import type { z } from 'zod';
import type { Secret } from '../../secret.ts';
import type { GivenSecret } from '../given-secret.ts';

/** Options of pgBackRest by name. */
export type Options = Record<string, string | number | Secret>;

/** What a kind takes from the rest of the inventory. */
export interface Elsewhere {
  cluster: string;
  /** `pgbackrest.path`. */
  hostPath: string;
}

/** Where a host finds what an option names. */
export interface Means {
  /** Returns a secret that the operator has brought. */
  given(name: string): Secret;
  /** Returns the path of one of the kind's files on the host. */
  file(name: string): string;
  /** What the host's pgBackRest can do. */
  able: Able;
}

/** The capabilities that kinds ask about, of `capabilities` in src/cluster/versions.ts. */
export interface Able {
  sftp: boolean;
  sftpKeyCheck: boolean;
  azureIdentity: boolean;
}

/** A file beside pgBackRest's configuration that an option names. */
export interface RepositoryFile {
  /** Its name, which follows `repoN-`. */
  name: string;
  content: string | Secret;
}

/**
 * A kind of repository: all that is particular to it. A new kind is a file like this and a line in `kinds.ts`. Everything
 * is pure; the steps and questions that follow from it are the role's.
 */
export interface RepositoryKind<Name extends string, Schema extends z.ZodType, Its extends { path: string }> {
  name: Name;
  /** The entry of `pgbackrest.repositories`. */
  schema: Schema;
  /** Returns the model of a checked entry. */
  settings(wanted: z.output<Schema>, elsewhere: Elsewhere): Its;
  /** Its name in a table. */
  label(its: Its): string;
  /** Where it is, for the operator who must recognize it; `host` is the name of the backup host. */
  place(its: Its, host: string | undefined): string;
  /** What two clusters would share when they both named it; undefined: nothing. */
  shared(its: Its): string | undefined;
  /** Whether it is a directory of a host: `own` belongs to one host, `mount` is on a mount of each. */
  directory?: 'own' | 'mount';
  /** Returns the service that the hosts connect to. */
  service?(its: Its): { address: string; port: number };
  /** Returns the secrets that the operator has to bring. */
  secrets?(its: Its): GivenSecret[];
  /** Returns the files that its options name. */
  files?(its: Its, given: Means['given']): RepositoryFile[];
  /** Returns its options of pgBackRest without the prefix `repoN-` (configuration reference, "Repository Options"). */
  options?(its: Its, means: Means): Options;
  /** Returns what a host's pgBackRest would have to be for it; undefined: it is enough. */
  needs?(its: Its, able: Able): string | undefined;
}
