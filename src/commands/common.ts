import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Interrupt } from '../engine/events.ts';
import { Session } from '../engine/session.ts';
import { EXIT, KnownError, type Unreachable, UsageError } from '../errors.ts';
import { loadInventory } from '../inventory/load.ts';
import type { Cluster, Host, RoleName } from '../inventory/model.ts';
import { limitHosts, selectRoles } from '../inventory/select.ts';
import { keepInside, scrub, scrubbed } from '../secrets/outlet.ts';
import { Secret } from '../secrets/secret.ts';
import type { SecretStore } from '../secrets/store.ts';
import { type Progress, progressFor } from '../view/progress.ts';
import { noColor } from '../view/style.ts';
import type { CommonOptions } from './options.ts';

export type { CommonOptions } from './options.ts';

/** Everything a command needs to talk to its hosts. */
export interface Setup {
  cluster: Cluster;
  /** The inventory's text, edited if the command does that; not written yet. */
  text: string;
  /** The inventory's text as it was read. */
  read: string;
  hosts: Host[];
  roles: ReadonlySet<RoleName>;
  warnings: string[];
  options: CommonOptions;
  json: boolean;
}

/** Reads inventory and flags; nothing is contacted. `edit` changes the inventory's text first. Throws UsageError. */
export function setup(options: CommonOptions, edit?: (text: string) => string): Setup {
  if (options.color === false) noColor();
  if (options.output !== 'text' && options.output !== 'json')
    throw new UsageError(`-o ${options.output}: text or json`);
  for (const [flag, value] of [
    ['--forks', options.forks],
    ['--lock-wait', options.lockWait],
  ] as const)
    if (!/^\d+$/.test(value)) throw new UsageError(`${flag} ${value}: a number is needed`);
  let read = '';
  const { cluster, warnings, source } = loadInventory(options.inventory, options.extra, (text) => {
    read = text;
    return edit ? edit(text) : text;
  });
  const hosts = limitHosts(cluster, options.limit);
  const roles = selectRoles(options.tags, options.skipTags);
  if (!options.quiet) for (const warning of warnings) process.stderr.write(`${warning}\n`);
  return { cluster, text: source.text, read, hosts, roles, warnings, options, json: options.output === 'json' };
}

/** Tells what a person should know of the secret store's files. */
export function tellOfStore(store: SecretStore | undefined, { quiet }: Pick<CommonOptions, 'quiet'>): void {
  if (!quiet) for (const warning of store?.warnings ?? []) process.stderr.write(`${warning}\n`);
}

/** Asks without echo. Throws UsageError without a terminal. */
export async function askSecret(question: string): Promise<Secret> {
  if (!process.stdin.isTTY) throw new UsageError(`${question} needs a terminal`);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(`${question}: `);
  try {
    return new Secret(await prompt.question(''));
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

/** Asks once, however many hosts want the answer. */
function once<T extends unknown[]>(ask: (...args: T) => Promise<Secret>): (...args: T) => Promise<Secret> {
  const answers = new Map<string, Promise<Secret>>();
  return (...args) => {
    const key = args.join();
    if (!answers.has(key)) answers.set(key, ask(...args));
    return answers.get(key)!;
  };
}

const fromEnvironment = (name: string): Secret | undefined =>
  process.env[name] ? new Secret(process.env[name]) : undefined;

export interface Running {
  session: Session;
  progress: Progress;
  interrupt: Interrupt;
}

/** Opens a session object (no connection yet) with its view, and the three levels of Ctrl-C. */
export async function start(made: Setup, run: string, secrets: () => Iterable<Secret>): Promise<Running> {
  const { cluster, hosts, options, json } = made;
  keepInside(secrets);
  const progress = await progressFor(hosts, { quiet: options.quiet, verbosity: options.verbose, json });
  const becomePassword = fromEnvironment('HAPG_BECOME_PASSWORD');
  const keyPassphrase = fromEnvironment('HAPG_KEY_PASSPHRASE');
  const session = new Session(cluster, {
    flags: { user: options.user, privateKey: options.privateKey, jump: options.jump },
    credentials: {
      becomePassword:
        options.askBecomePass || becomePassword
          ? once(async () => becomePassword ?? askSecret('sudo password'))
          : undefined,
      passphrase:
        keyPassphrase || process.stdin.isTTY
          ? once(async (file: string) => keyPassphrase ?? askSecret(`passphrase of ${file}`))
          : undefined,
    },
    forks: Math.max(1, Number(options.forks)),
    emit: (event) => progress.emit(scrubbed(event)),
    run,
    secrets,
  });
  const interrupt: Interrupt = { level: 0 };
  const onSignal = () => {
    interrupt.level = Math.min(3, interrupt.level + 1) as Interrupt['level'];
    if (interrupt.level === 1)
      process.stderr.write(
        '\nStopping after what is in flight. Ctrl-C again leaves what runs in units on the hosts; a third time ends at once.\n',
      );
    if (interrupt.level === 2) session.close();
    if (interrupt.level === 3) process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return { session, progress, interrupt };
}

/** Where a run over the other hosts makes sense. */
export const GO_WITHOUT = "Go on without a host only on purpose: --limit '!NAME'";
/** Where all hosts are needed. */
export const LOST_FOR_GOOD = 'A host that is lost for good is taken out with "hapg remove-node NAME... --gone"';

/** The one error that stands for all unreachable hosts, with the way on where there is one. */
export function unreachableError(failed: ReadonlyMap<string, Unreachable>, wayOn?: string): KnownError {
  const lines = [...failed.values()].map((error) => error.message);
  return new KnownError(
    `${lines.join('\n')}\nNothing was changed${wayOn === undefined ? '' : `. ${wayOn}`}`,
    EXIT.unreachable,
  );
}

/** Throws UsageError where a person would have to be asked and there is none. */
export function needsAnswer(what: string, options: Pick<CommonOptions, 'yes'>): void {
  if (!options.yes && !process.stdin.isTTY)
    throw new UsageError(`${what} are confirmed on a terminal; without one, --yes is needed`);
}

/** Asks the person; without a terminal --yes is needed. */
export async function confirm(question: string, options: Pick<CommonOptions, 'yes'>): Promise<boolean> {
  if (options.yes) return true;
  needsAnswer('Changes', options);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

/** Has a name typed; without a terminal it comes with `--yes --confirm NAME`. */
export async function confirmTyped(
  question: string,
  name: string,
  options: Pick<CommonOptions, 'yes'> & { typed?: string | undefined },
): Promise<boolean> {
  if (options.typed !== undefined) return options.typed === name;
  if (!process.stdin.isTTY) throw new UsageError(`this cannot be taken back: --yes --confirm ${name} is needed`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question(`${question} Type its name: `)).trim() === name;
  } finally {
    prompt.close();
  }
}

/** Writes the one JSON document of a command, without the secrets of the run. */
export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(scrubbed(value))}\n`);
};

/** Writes a text of a command and ends the line, without the secrets of the run. */
export const print = (text: string): void => {
  process.stdout.write(`${scrub(text)}\n`);
};
