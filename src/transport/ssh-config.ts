import { readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { UsageError } from '../errors.ts';
import { home as ownHome } from '../whoami.ts';

export const SSH_CONFIG = '~/.ssh/config';

/** The most files that may include each other, one below the other; OpenSSH's own limit. */
const DEEPEST = 16;

/** Makes a path absolute: `~` is the home directory, other relative paths begin at `base`. */
export const expandPath = (path: string, base: string): string => {
  const home = path.replace(/^~(?=$|\/)/, ownHome());
  return isAbsolute(home) ? home : join(base, home);
};

/** Parses text in the format of ssh_config(5). Throws UsageError for unknown syntax. */
export function understood<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    // The parser's own message for a truncated line describes its internals.
    const reason = cause instanceof TypeError ? 'a line has no value' : (cause as Error).message;
    throw new UsageError(`${file}: this is not understood: ${reason}. "ssh -G HOST" names the line`);
  }
}

/**
 * Reads ~/.ssh/config with the files that it includes; an unreadable or missing file counts as empty, as with ssh.
 * Throws UsageError for unknown syntax.
 */
export function readSshConfig(file = join(ownHome(), '.ssh', 'config')): SSHConfig {
  return understood(file, () => SSHConfig.parse(textOf(file, dirname(file), 0)));
}

const HEADER = /^\s*(host|match)(?:\s+|\s*=\s*)(.*?)\s*$/i;
const INCLUDE = /^\s*include(?:\s+|\s*=\s*)(.*?)\s*$/i;
const ANY_HOST = /^\s*(?:host(?:\s+|\s*=\s*)"?\*"?|match(?:\s+|\s*=\s*)all)\s*$/i;

/** Returns the text of a file with that of every included file in its place, which the parser does not do. */
function textOf(file: string, home: string, depth: number): string {
  if (depth > DEEPEST) throw new UsageError(`${file}: more than ${DEEPEST} files include each other`);
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // As with ssh.
  }
  /** The line below which settings are for some hosts only. */
  let block = '';
  return text
    .split('\n')
    .flatMap((line) => {
      if (HEADER.test(line)) block = ANY_HOST.test(line) ? '' : line.trim();
      const [, patterns] = INCLUDE.exec(line) ?? [];
      if (patterns === undefined) return [line];
      const included = wordsOf(patterns).flatMap((pattern) =>
        filesLike(expandPath(pattern, home)).map((one) => textOf(one, home, depth + 1)),
      );
      if (!included.some((one) => one.split('\n').some((each) => HEADER.test(each)))) return included;
      if (block !== '')
        throw new UsageError(
          `${file}: "${line.trim()}" below "${block}" brings lines of Host or Match: move it before the first of them`,
        );
      // Behind the included blocks settings are for every host again.
      return [...included, 'Host *'];
    })
    .join('\n');
}

/** Splits the arguments of a directive; quotation marks keep spaces. */
const wordsOf = (text: string): string[] =>
  [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

/** Returns the files that match a pattern with `*` and `?`, in the order of their names (glob(7)). */
function filesLike(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter(Boolean)) {
    if (!/[*?]/.test(part)) {
      found = found.map((directory) => join(directory, part));
      continue;
    }
    const name = new RegExp(
      `^${part
        .replace(/[.+^$()|\\{}[\]]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    );
    found = found.flatMap((directory) =>
      namesIn(directory)
        .filter((one) => name.test(one) && (part.startsWith('.') || !one.startsWith('.')))
        .map((one) => join(directory, one)),
    );
  }
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Replaces tokens such as `%h` by their values; `%%` is a percent sign (ssh_config(5), TOKENS). */
export const expandTokens = (text: string, tokens: Readonly<Record<string, string>>): string =>
  text.replace(/%(.)/g, (all, token: string) => (token === '%' ? '%' : (tokens[token] ?? all)));
