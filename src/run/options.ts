import type { InventoryFiles } from '../inventory/load.ts';

/** The flags that all commands on an inventory share. */
export interface CommonOptions {
  inventory: InventoryFiles;
  limit?: string;
  tags?: string;
  skipTags?: string;
  forks: string;
  extra: string[];
  verbose: number;
  quiet: boolean;
  user?: string;
  privateKey?: string;
  askBecomePass: boolean;
  jump?: string;
  yes: boolean;
  /** Absent where the output is another program's. */
  output?: 'text' | 'json';
  lockWait: string;
  color: boolean;
}
