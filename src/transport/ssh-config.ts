import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { UsageError } from '../errors.ts';
import { home as ownHome } from '../whoami.ts';
import type { ClientConfig, Directives } from './directives.ts';

const SSH_CONFIG = '~/.ssh/config';

/** Makes a path absolute: `~` is the home directory, other relative paths begin at `base`. */
export const expandPath = (path: string, base: string): string => {
  const home = path.replace(/^~(?=$|\/)/, ownHome());
  return isAbsolute(home) ? home : join(base, home);
};

/** Replaces tokens such as `%h` by their values; `%%` is a percent sign (ssh_config(5), TOKENS). */
export const expandTokens = (text: string, tokens: Readonly<Record<string, string>>): string =>
  text.replace(/%(.)/g, (all, token: string) => (token === '%' ? '%' : (tokens[token] ?? all)));

/** Replaces `${NAME}` by the environment's value (ssh_config(5), ENVIRONMENT VARIABLES). Throws UsageError where there is none. */
export const expandVariables = (text: string): string =>
  text.replace(/\$\{(\w+)\}/g, (_all, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new UsageError(`${SSH_CONFIG}: ${text}: the environment has no ${name}`);
    return value;
  });

/** What the own reader cannot do: it knows no other files, no conditions, and no names made whole by the resolver. */
const BEYOND = /^\s*(include|match(?!\s+all\s*$)|canonicalizehostname(?!\s+no))\b.*$/im;

/**
 * Reads ~/.ssh/config without an OpenSSH client; an unreadable or missing file counts as empty, as with ssh. Throws
 * UsageError for unknown syntax, and for a line that only the client can follow.
 */
export function readSshConfig(file = join(ownHome(), '.ssh', 'config')): ClientConfig {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // As with ssh.
  }
  return parsedSshConfig(text);
}

/** Reads the text of ~/.ssh/config as `readSshConfig` does. */
export function parsedSshConfig(text: string): ClientConfig {
  const [beyond] = BEYOND.exec(text) ?? [];
  if (beyond !== undefined)
    throw new UsageError(
      `${SSH_CONFIG}: "${beyond.trim()}" needs the OpenSSH client on this machine (package openssh-client)`,
    );
  const parsed = understood(() => SSHConfig.parse(text));
  return async (name) => {
    const written = understood(() => parsed.compute(name, { ignoreCase: true }));
    const directives = new Map(
      Object.entries(written).map(([keyword, value]) => [keyword.toLowerCase(), wordsOf(keyword, value)]),
    );
    return honoured(directives);
  };
}

/** ssh takes a command to its end of line, and one value of every other keyword but these a line. */
const wordsOf = (keyword: string, value: string | string[]): string[] => {
  const all = Array.isArray(value) ? value : [value];
  return keyword.toLowerCase() === 'proxycommand' ? [all.join(' ')] : all;
};

/** Leaves of ProxyJump and ProxyCommand the one that is found first, as ssh does; "ProxyJump none" is none of them. */
function honoured(directives: Map<string, string[]>): Directives {
  if (directives.get('proxyjump')?.[0] === 'none') directives.delete('proxyjump');
  const [, second] = [...directives.keys()].filter((key) => key === 'proxyjump' || key === 'proxycommand');
  if (second !== undefined) directives.delete(second);
  return directives;
}

/** Throws UsageError for unknown syntax. */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // The parser's own message for a truncated line describes its internals.
    const reason = cause instanceof TypeError ? 'a line has no value' : (cause as Error).message;
    throw new UsageError(`${SSH_CONFIG}: this is not understood: ${reason}. "ssh -G HOST" names the line`);
  }
}
