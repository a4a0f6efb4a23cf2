import { existsSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { SSH_CONFIG_MS } from '../bounds/controller.ts';
import { UsageError } from '../errors.ts';
import { home } from '../whoami.ts';
import type { ClientConfig, Directives, Given } from './directives.ts';
import { startProgram } from './program-stream.ts';
import { readSshConfig } from './ssh-config.ts';

/**
 * The configuration as the OpenSSH client of this machine reads it, each name asked for once until one of the files
 * changes. Files without conditions say the same of every host, so one question serves for all. Without that client,
 * ~/.ssh/config as far as hapg reads it itself.
 */
export function clientConfig({ program = 'ssh', file }: { program?: string; file?: string } = {}): ClientConfig {
  const answers = new Map<string, Promise<Answer | undefined>>();
  let first: Promise<Answer | undefined> | undefined;
  let own: ClientConfig | undefined;
  const question = (name: string, given: Given) =>
    ask(program, file === undefined ? fileOption() : ['-F', file], name, given);
  /** The answer for one name, which serves for all where nothing is conditional; undefined without a client. */
  const common = async (name: string): Promise<Answer | undefined> => {
    first ??= question(name, {});
    const answer = await first;
    if (!answer || stands(answer)) return answer;
    return (first = question(name, {}));
  };
  return async (name, given) => {
    const general = await common(name);
    if (!general) {
      own ??= readSshConfig(file);
      return own(name, given);
    }
    if (general.isCommon) return ofHost(general.directives, name, given);
    const key = JSON.stringify([name, given.user, given.port]);
    const before = answers.get(key);
    const known = before && (await before);
    if (known && stands(known)) return known.directives;
    // Nobody else has asked meanwhile.
    if (answers.get(key) === before) answers.set(key, question(name, given));
    return ((await answers.get(key)) ?? general).directives;
  };
}

interface Answer {
  directives: Directives;
  /** The files that were read, each with the time of its last change (ms); 0 for one that is missing. */
  files: ReadonlyMap<string, number>;
  /** Whether the files say the same of every host. */
  isCommon: boolean;
}

function changedAt(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** Whether no file has changed since. */
const stands = ({ files }: Answer): boolean => [...files].every(([file, time]) => changedAt(file) === time);

/**
 * A line that says something else of another host: a block for some hosts, names that are made whole, and tokens, which
 * ssh has replaced in some answers already.
 */
const CONDITION =
  /^\s*(?:host(?:\s+|\s*=\s*)(?!"?\*"?\s*$)|match\b|canonicalizehostname\b|(?!proxycommand\b|identityfile\b|#)\S.*%[a-z])/im;

/** What common directives say of another host. */
function ofHost(common: Directives, name: string, { user, port }: Given): Directives {
  const own = new Map([...common, ['hostname', [name]]]);
  if (user !== undefined) own.set('user', [user]);
  if (port !== undefined) own.set('port', [String(port)]);
  return own;
}

/**
 * Whether the machine's own configuration (/etc/ssh/ssh_config) counts. OpenSSH takes the home directory from the passwd
 * file, and everything else of hapg takes it from HOME. Where they differ, HOME counts, and the machine's configuration is
 * left out, as "ssh -F" does.
 */
export function systemConfigCounts(): boolean {
  try {
    return userInfo().homedir === home();
  } catch {
    // A uid without a name, with which ssh does not start.
    return false;
  }
}

function fileOption(): string[] {
  if (systemConfigCounts()) return [];
  const file = join(home(), '.ssh', 'config');
  return ['-F', existsSync(file) ? file : 'none'];
}

/** Asks the OpenSSH client (`ssh -G`). Resolves undefined where it does not start, or not for this user. */
function ask(
  program: string,
  files: readonly string[],
  name: string,
  { user, port }: Given,
): Promise<Answer | undefined> {
  const args = [
    ...['-G', '-v', ...files],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', name],
  ];
  // Its messages are parsed.
  const client = startProgram(program, args, { env: { ...process.env, LC_ALL: 'C' } });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => client.destroy(new Error(`no answer within ${SSH_CONFIG_MS / 1000} s`)),
      SSH_CONFIG_MS,
    );
    let output = '';
    client.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    let error: NodeJS.ErrnoException | undefined;
    client.on('error', (cause) => {
      error = cause;
    });
    client.on('close', () => {
      clearTimeout(timer);
      if (client.code === 0) return resolve(answerOf(name, output, client.said));
      if (error?.code === 'ENOENT' || error?.code === 'EACCES') return resolve(undefined);
      if (client.said.some((line) => line.startsWith('No user exists for uid'))) return resolve(undefined);
      const reason = client.said.filter((line) => !TRACE.test(line)).slice(0, 2);
      reject(
        new UsageError(
          `ssh does not take its configuration for ${name}: ${reason.join('; ') || (error?.message ?? 'it gives no reason')}`,
        ),
      );
    });
  });
}

/** Lines of ssh that are no messages. */
const TRACE = /^(?:debug\d|OpenSSH_|Pseudo-terminal)/;

function answerOf(name: string, output: string, said: readonly string[]): Answer {
  const directives = parse(output);
  const files = filesIn(said);
  const isCommon =
    directives.get('hostname')?.[0] === name && [...files.keys()].every((one) => !CONDITION.test(textOf(one)));
  return { directives, files, isCommon };
}

/** The text of a file; empty for one that is missing or cannot be read, as for ssh. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Parses the answer of `ssh -G`: a keyword and its value a line. */
function parse(text: string): Directives {
  const directives = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, keyword, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (keyword !== undefined)
      directives.set(keyword.toLowerCase(), [...(directives.get(keyword.toLowerCase()) ?? []), value!]);
  }
  return directives;
}

/** The files that ssh says it read; ~/.ssh/config too where it is missing, since it may come. */
const filesIn = (said: readonly string[]): Map<string, number> =>
  new Map(
    [
      ...said.flatMap((line) => /^debug1: Reading configuration data (.+)$/.exec(line)?.[1] ?? []),
      join(home(), '.ssh', 'config'),
    ].map((file) => [file, changedAt(file)]),
  );
