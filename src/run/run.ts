import type { Emit } from '../engine/events.ts';
import { Interrupt } from '../engine/interrupt.ts';
import { newRunId } from '../engine/journal.ts';
import { Session } from '../engine/session.ts';
import { EXIT } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { Secret } from '../secret.ts';
import { registerSecrets, scrubbed } from '../secrets/outlet.ts';
import type { Credentials } from '../transport/auth.ts';
import { overSsh } from '../transport/ssh.ts';
import type { ProgressView } from '../view/plain.ts';
import { progressFor } from '../view/progress.ts';
import { screen } from '../view/screen.ts';
import { whoAmI } from '../whoami.ts';
import { askDuring, askSecret, noteEvent, printMessage } from './ask.ts';
import { RunHooks } from './hooks.ts';
import type { CommonOptions } from './options.ts';
import { expectKeys, type Setup } from './setup.ts';

/** One run of a command over hosts. No host is connected at its beginning; `reachAll` and `reachSome` do that. */
export interface Run {
  /** Identifies the run in the journal, in locks and in the hosts' logs. */
  id: string;
  /** The command as the operator wrote it: `update`, `secrets rotate`. */
  command: string;
  /** User and host that run it, for the journal and the hosts' logs. */
  by: string;
  /** Time of its beginning, by performance.now() (ms). */
  started: number;
  setup: Setup;
  cluster: Cluster;
  session: Session;
  progress: ProgressView;
  /** The operator's request to stop. */
  interrupt: Interrupt;
  /** The operator's own programs. */
  hooks: RunHooks;
}

export interface RunOptions {
  /** Secrets that are removed from all output, once they are known. */
  secrets: () => Iterable<Secret>;
  /** Hosts that the view has lines for; by default those that the flags select. */
  shown?: readonly Host[];
  /** Time of the command's beginning, by performance.now() (ms); now by default. */
  started?: number;
  /** What an operator types to log in, where a command has several runs; asked for anew by default. */
  credentials?: Credentials;
}

/** Does work within a run, then closes its connections and restores the terminal, whatever happens. */
export async function withRun<T>(
  setup: Setup,
  command: string,
  {
    secrets,
    shown = setup.hosts,
    started = performance.now(),
    credentials = askedCredentials(setup.options),
  }: RunOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const { cluster, options, json } = setup;
  registerSecrets(secrets);
  await expectKeys(setup);
  const id = newRunId();
  const progress = await progressFor([...shown], { quiet: options.quiet, verbosity: options.verbose, json }, screen);
  const interrupt = new Interrupt();
  const by = whoAmI();
  const emit: Emit = (event) => {
    noteEvent(event);
    progress.emit(scrubbed(event));
  };
  const about = { CLUSTER: cluster.name, COMMAND: command, RUN: id, BY: by, INVENTORY: cluster.file };
  const hooks = new RunHooks(cluster, about, emit, interrupt.hard);
  const session = new Session(cluster, {
    network: overSsh({
      flags: { user: options.user, privateKey: options.privateKey, jump: options.jump },
      credentials,
    }),
    interrupt,
    forks: Math.max(1, Number(options.forks)),
    emit,
    run: id,
    secrets,
    hooks,
  });
  const deaf = listenTo(interrupt);
  try {
    return await work({ id, command, by, started, setup, cluster, session, progress, interrupt, hooks });
  } finally {
    session.close();
    await progress.end();
    deaf();
  }
}

/** Makes Ctrl-C and SIGTERM presses of the interrupt; the third one ends the process. Returns what ends that. */
function listenTo(interrupt: Interrupt): () => void {
  askDuring(interrupt);
  const onSignal = () => {
    // An open question ends at once, and with it the run.
    if (screen.interrupt()) return;
    const presses = interrupt.press();
    if (presses === 1)
      printMessage(
        'Stopping after what is in flight. Ctrl-C again leaves what runs in units on the hosts; a third time ends at once.',
      );
    if (presses >= 3) process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}

const fromEnvironment = (name: string): Secret | undefined =>
  process.env[name] ? new Secret(process.env[name]) : undefined;

/** The credentials of a login that the operator types, asked for once for all hosts and never shown. */
export function askedCredentials(options: CommonOptions): Credentials {
  const becomePassword = fromEnvironment('HAPG_BECOME_PASSWORD');
  const keyPassphrase = fromEnvironment('HAPG_KEY_PASSPHRASE');
  const answers: Secret[] = [becomePassword, keyPassphrase].filter((one) => one !== undefined);
  registerSecrets(() => answers);
  const learnt = (secret: Secret): Secret => {
    answers.push(secret);
    return secret;
  };
  return {
    becomePassword:
      options.askBecomePass || becomePassword
        ? once(async () => becomePassword ?? learnt(await askSecret('sudo password')))
        : undefined,
    passphrase:
      keyPassphrase || screen.canAsk
        ? once(async (file: string) => keyPassphrase ?? learnt(await askSecret(`passphrase of ${file}`)))
        : undefined,
    answer: screen.canAsk ? async (question) => learnt(await askSecret(question.replace(/: *$/, ''))) : undefined,
  };
}

/** Asks once for all hosts. */
function once<T extends unknown[]>(ask: (...args: T) => Promise<Secret>): (...args: T) => Promise<Secret> {
  const answers = new Map<string, Promise<Secret>>();
  return (...args) => {
    const key = args.join();
    if (!answers.has(key)) answers.set(key, ask(...args));
    return answers.get(key)!;
  };
}
