import type { Cluster } from '../../inventory/model.ts';

/** A word that may stand at the cursor, and what it is. */
export interface Candidate {
  text: string;
  about?: string;
}

/** What a source may look at. */
export interface Typed {
  /** The part before the cursor of the value that is being typed. */
  word: string;
  /** The cluster of the inventory that the command line names. Throws where it cannot be read. */
  cluster(): Promise<Cluster>;
}

/** Where the values of an option or argument come from; the shell itself knows files, and a free text has none. */
export type Source = 'files' | 'directories' | 'free' | ((typed: Typed) => Candidate[] | Promise<Candidate[]>);
