import { Interrupt } from '../engine/interrupt.ts';
import { Session } from '../engine/session.ts';
import { EXIT, KnownError, type Unreachable, UsageError } from '../errors.ts';
import { loadInventory } from '../inventory/load.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { limitHosts, selectRoles } from '../inventory/select.ts';
import type { RoleName } from '../roles.ts';
import { keepInside, scrubbed } from '../secrets/outlet.ts';
import { Secret } from '../secrets/secret.ts';
import type { SecretStore } from '../secrets/store.ts';
import { overSsh } from '../transport/ssh.ts';
import { type Progress, progressFor } from '../view/progress.ts';
import { screen } from '../view/screen.ts';
import { noColor } from '../view/style.ts';
import { askDuring, askSecret, noteEvent, tell } from './ask.ts';
import type { CommonOptions } from './options.ts';

export { confirm, confirmTyped, needsAnswer, notConfirmed, print, printJson, tell } from './ask.ts';
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
  if (!options.quiet) for (const warning of warnings) tell(warning);
  return { cluster, text: source.text, read, hosts, roles, warnings, options, json: options.output === 'json' };
}

/** Tells what a person should know of the secret store's files. */
export function tellOfStore(store: SecretStore | undefined, { quiet }: Pick<CommonOptions, 'quiet'>): void {
  if (!quiet) for (const warning of store?.warnings ?? []) tell(warning);
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
  const progress = await progressFor(hosts, { quiet: options.quiet, verbosity: options.verbose, json }, screen);
  const becomePassword = fromEnvironment('HAPG_BECOME_PASSWORD');
  const keyPassphrase = fromEnvironment('HAPG_KEY_PASSPHRASE');
  const answers: Secret[] = [becomePassword, keyPassphrase].filter((one) => one !== undefined);
  keepInside(() => answers);
  const learnt = (secret: Secret): Secret => {
    answers.push(secret);
    return secret;
  };
  const interrupt = new Interrupt();
  const network = overSsh({
    flags: { user: options.user, privateKey: options.privateKey, jump: options.jump },
    credentials: {
      becomePassword:
        options.askBecomePass || becomePassword
          ? once(async () => becomePassword ?? learnt(await askSecret('sudo password')))
          : undefined,
      passphrase:
        keyPassphrase || screen.canAsk
          ? once(async (file: string) => keyPassphrase ?? learnt(await askSecret(`passphrase of ${file}`)))
          : undefined,
    },
  });
  const session = new Session(cluster, {
    network,
    interrupt,
    forks: Math.max(1, Number(options.forks)),
    emit: (event) => {
      noteEvent(event);
      progress.emit(scrubbed(event));
    },
    run,
    secrets,
  });
  askDuring(interrupt);
  const onSignal = () => {
    // A question is not in flight: it ends at once, and with it the run.
    if (screen.interrupt()) return;
    const presses = interrupt.press();
    if (presses === 1)
      tell(
        'Stopping after what is in flight. Ctrl-C again leaves what runs in units on the hosts; a third time ends at once.',
      );
    if (presses === 3) process.exit(EXIT.interrupted);
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
