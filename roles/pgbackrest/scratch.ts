import type { Cluster } from '../../src/inventory/model.ts';

/** The values of `templates/pgbackrest/scratch.sh`: a server of restored data beside the cluster. */
export interface ScratchServer {
  stanza: string;
  binDir: string;
  libDir: string;
  /** Its directory, on the databases' file system, where room is likely. */
  scratch: string;
  sockets: string;
  /** The file that marks its directory as hapg's. */
  mark: string;
  port: number;
}

/** Returns the scratch server for a purpose, which names its directories. */
export const scratchServer = ({ stanza, binDir, settings }: Cluster, purpose: 'drill' | 'extract'): ScratchServer => ({
  stanza,
  binDir,
  libDir: binDir.replace(/bin$/, 'lib'),
  scratch: `/var/lib/postgresql/hapg-${purpose}`,
  sockets: `/run/hapg-${purpose}`,
  mark: `.hapg-${purpose}`,
  // The port only names the socket in a directory of its own; nothing listens on it.
  port: settings.postgres.port + 1,
});
