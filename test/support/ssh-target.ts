import type { SshTarget } from '../../src/transport/target.ts';

/** A way to the host db1, with these differences from the plainest. */
export const sshTarget = (differences: Partial<SshTarget> = {}): SshTarget => ({
  alias: 'db1',
  host: 'db1',
  port: 22,
  known: { host: 'db1', port: 22 },
  user: 'root',
  keys: [],
  agent: undefined,
  onlyKeys: false,
  knownHosts: [],
  acceptsNew: false,
  connectMs: undefined,
  family: undefined,
  bindAddress: undefined,
  command: undefined,
  beyond: undefined,
  transport: 'auto',
  jumps: [],
  ...differences,
});
