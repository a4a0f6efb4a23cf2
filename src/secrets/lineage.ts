/** The revision of the store that a host was last set up from; absent when an older hapg wrote it. */
export interface Known {
  revision?: number;
  revision_id?: string;
}

/** The revision that a store reports to hosts, and the names of its last revisions, the present one last. */
export interface Lineage extends Known {
  lineage?: readonly string[];
}

/**
 * Compares the store that a host was set up from with this one: the same or a former revision (`past`), a later one
 * (`later`), or one of a copy that was changed apart from this one (`apart`). An unknown revision counts as 0.
 */
export function compareRevisions(host: Known, store: Lineage): 'past' | 'later' | 'apart' {
  const there = host.revision ?? 0;
  const here = store.revision ?? 0;
  if (there > here) return 'later';
  const names = store.lineage ?? [];
  const name = names[names.length - 1 - (here - there)];
  return host.revision_id !== undefined && name !== undefined && name !== host.revision_id ? 'apart' : 'past';
}
