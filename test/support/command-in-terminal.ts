import type { TestContext } from 'node:test';
import { loadInventory } from '../../src/inventory/load.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { bundled } from './bundle.ts';
import { type FakeHost, type FakeHosts, fakeHosts } from './fake-hosts.ts';
import { noTerminal, Terminal, type TerminalOptions } from './terminal.ts';

/** Why nothing can be run in a terminal here, if so. */
export const skip = noTerminal() ?? false;
/** The words of the real command; in these tests it works in a terminal, against hosts that answer and execute nothing. */
export const CLI = skip ? [] : bundled('src/cli.ts');

/** Hosts, and the way into them. */
export interface Setting {
  hosts?: Record<string, FakeHost>;
  user?: string;
  passphrase?: string;
  /** The cluster was set up from here. */
  stored?: boolean;
}

/** Hosts that answer, until the test is over. */
export async function setUp(context: TestContext, { hosts = {}, stored, ...login }: Setting): Promise<FakeHosts> {
  const fakes = await fakeHosts(hosts, login);
  context.after(() => fakes.close());
  if (stored) await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
  return fakes;
}

/** Starts a command about these hosts in a terminal, until the test is over. */
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

/** All hosts behind a sudo that wants this password. */
export const behind = (sudoPassword: string) =>
  Object.fromEntries(
    ['db1', 'db2', 'db3', 'backup', 'proxy1', 'proxy2', 'client'].map((host) => [host, { sudoPassword }]),
  );
