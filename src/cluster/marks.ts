import type { Host } from '../inventory/model.ts';

/** Tags of a member that is being worked on: no reads, no leadership, no commit waits for it (Patroni documentation, "tags"). */
export const MARKS: Host['tags'] = { noloadbalance: true, nofailover: true, nosync: true };
