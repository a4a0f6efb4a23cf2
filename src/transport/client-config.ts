import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { SSH_CONFIG_MS } from '../bounds/controller.ts';
import { UsageError } from '../errors.ts';
import { home } from '../whoami.ts';
import { readSshConfig } from './ssh-config.ts';

/** What the SSH client's configuration says about a host: the values of each keyword of ssh_config(5), in lower case. */
export type Directives = ReadonlyMap<string, readonly string[]>;

/** What is given besides the name, and may decide which blocks of the configuration count (`Match user`). */
export interface Given {
  user?: string | undefined;
  port?: number | undefined;
}

/** Looks a name up in the SSH client's configuration. Rejects with UsageError where that is not understood. */
export type ClientConfig = (name: string, given: Given) => Promise<Directives>;

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

const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Whether no file has changed since. */
const stands = ({ files }: Answer): boolean => [...files].every(([file, time]) => changedAt(file) === time);

/** The line of a block that is for some hosts, and names that are made whole. */
const CONDITION = /^\s*(?:host(?:\s+|\s*=\s*)(?!"?\*"?\s*$)|match\b|canonicalizehostname\b)/im;

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
  return new Promise((resolve, reject) => {
    // Its messages are parsed.
    const options = { env: { ...process.env, LC_ALL: 'C' }, timeout: SSH_CONFIG_MS, maxBuffer: 1 << 24 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(answerOf(name, stdout, stderr));
      if (error.code === 'ENOENT' || error.code === 'EACCES' || /^No user exists for uid/m.test(stderr))
        return resolve(undefined);
      reject(new UsageError(`ssh does not take its configuration for ${name}: ${reasonIn(stderr) || error.message}`));
    });
  });
}

function answerOf(name: string, stdout: string, stderr: string): Answer {
  const directives = parse(stdout);
  const files = filesIn(stderr);
  const isCommon =
    directives.get('hostname')?.[0] === name && [...files.keys()].every((one) => !CONDITION.test(textOf(one)));
  return { directives, files, isCommon };
}

const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, 'latin1') : '');

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
const filesIn = (stderr: string): Map<string, number> =>
  new Map(
    [
      ...[...stderr.matchAll(/^debug1: Reading configuration data (.+?)\r?$/gm)].map(([, file]) => file!),
      join(home(), '.ssh', 'config'),
    ].map((file) => [file, changedAt(file)]),
  );

/** The reason in the messages of ssh: its lines that are no trace. */
const reasonIn = (stderr: string): string =>
  stderr
    .split(/\r?\n/)
    .filter((line) => line !== '' && !/^(debug\d|OpenSSH_|Pseudo-terminal)/.test(line))
    .slice(0, 2)
    .join('; ');
