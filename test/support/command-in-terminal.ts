import type { TestContext } from 'node:test';
import { loadInventory } from '../../src/inventory/load.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { programWords } from './bundle.ts';
import { type FakeHost, type FakeHosts, fakeHosts } from './fake-hosts.ts';
import { noTerminal, Terminal, type TerminalOptions } from './terminal.ts';

/** The reason why no command can run in a terminal here, if there is one. */
export const skip = noTerminal() ?? false;
/** The command line of the real command; it runs in a terminal, against fake hosts. */
export const CLI = skip ? [] : programWords('hapg');

/** Fake hosts and how to reach them. */
export interface Setting {
  hosts?: Record<string, FakeHost>;
  user?: string;
  passphrase?: string;
  /** Whether there are two hosts rather than the lab's seven. */
  small?: boolean;
  /** Whether the cluster was set up from here. */
  stored?: boolean;
}

/** Starts fake hosts for the duration of the test. */
export async function setUp(context: TestContext, { hosts = {}, stored, ...login }: Setting): Promise<FakeHosts> {
  const fakes = await fakeHosts(hosts, login);
  context.after(() => fakes.close());
  if (stored) await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
  return fakes;
}

/** Starts a command for these hosts in a terminal, for the duration of the test. */
export function start(
  context: TestContext,
  fakes: FakeHosts,
  words: readonly string[],
  options?: TerminalOptions,
): Terminal {
  const [command, ...rest] = words;
  const terminal = new Terminal([...CLI, command!, '-i', fakes.inventory, ...rest], options);
  context.after(() => terminal.close());
  return terminal;
}

/** All hosts require this sudo password. */
export const behind = (sudoPassword: string) =>
  Object.fromEntries(
    ['db1', 'db2', 'db3', 'backup', 'proxy1', 'proxy2', 'client'].map((host) => [host, { sudoPassword }]),
  );
