import { hostname, userInfo } from 'node:os';
import { Interrupt } from '../engine/interrupt.ts';
import { newRunId } from '../engine/journal.ts';
import { Session } from '../engine/session.ts';
import { EXIT } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { Secret } from '../secret.ts';
import { registerSecrets, scrubbed } from '../secrets/outlet.ts';
import type { Credentials } from '../transport/auth.ts';
import { overSsh } from '../transport/ssh.ts';
import type { Progress } from '../view/plain.ts';
import { progressFor } from '../view/progress.ts';
import { screen } from '../view/screen.ts';
import { askDuring, askSecret, noteEvent, tell } from './ask.ts';
import type { CommonOptions } from './options.ts';
import type { Setup } from './setup.ts';

/** One run of a command over hosts. No host is connected when it begins; `reachAll` and `reachSome` do that. */
export interface Run {
  /** Names the run in the journal, in locks and in the hosts' logs. */
  id: string;
  /** As the person wrote it: `update`, `secrets rotate`. */
  command: string;
  /** Who runs it, for the journal and the hosts' logs. */
  by: string;
  /** When it began, by performance.now() (ms). */
  started: number;
  made: Setup;
  cluster: Cluster;
  session: Session;
  progress: Progress;
  /** The person's wish to stop. */
  interrupt: Interrupt;
}

export interface RunOptions {
  /** Values that no output may hold, once they are known. */
  secrets: () => Iterable<Secret>;
  /** The hosts that the view has lines for; those of the inventory that the flags select by default. */
  shown?: readonly Host[];
  /** When the command began, by performance.now() (ms); now by default. */
  started?: number;
}

/** Begins a run, has it do its work, and ends it whatever happens: connections closed, the terminal as it was. */
export async function withRun<T>(
  made: Setup,
  command: string,
  { secrets, shown = made.hosts, started = performance.now() }: RunOptions,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  const { cluster, options, json } = made;
  registerSecrets(secrets);
  const id = newRunId();
  const progress = await progressFor([...shown], { quiet: options.quiet, verbosity: options.verbose, json }, screen);
  const interrupt = new Interrupt();
  const session = new Session(cluster, {
    network: overSsh({
      flags: { user: options.user, privateKey: options.privateKey, jump: options.jump },
      credentials: credentialsFor(options),
    }),
    interrupt,
    forks: Math.max(1, Number(options.forks)),
    emit: (event) => {
      noteEvent(event);
      progress.emit(scrubbed(event));
    },
    run: id,
    secrets,
  });
  listenTo(interrupt);
  const by = `${userInfo().username}@${hostname()}`;
  try {
    return await work({ id, command, by, started, made, cluster, session, progress, interrupt });
  } finally {
    session.close();
    await progress.end();
  }
}

/** Ctrl-C and SIGTERM are the person's wish to stop; at the third the process ends. */
function listenTo(interrupt: Interrupt): void {
  askDuring(interrupt);
  const onSignal = () => {
    // A question is not in flight: it ends at once, and with it the run.
    if (screen.interrupt()) return;
    const presses = interrupt.press();
    if (presses === 1)
      tell(
        'Stopping after what is in flight. Ctrl-C again leaves what runs in units on the hosts; a third time ends at once.',
      );
    if (presses >= 3) process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

const fromEnvironment = (name: string): Secret | undefined =>
  process.env[name] ? new Secret(process.env[name]) : undefined;

/** What a login may need from the person, asked for once however many hosts want it. No output holds the answers. */
function credentialsFor(options: CommonOptions): Credentials {
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
  };
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
