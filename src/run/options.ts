/** The flags that all commands on an inventory share. */
export interface CommonOptions {
  inventory: string;
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
  output: 'text' | 'json';
  lockWait: string;
  color: boolean;
}
