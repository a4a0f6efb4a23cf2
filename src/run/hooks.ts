import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Emit } from '../engine/events.ts';
import type { HookFacts, Hooks, Moment } from '../engine/hooks.ts';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { HOOK_NAMES, type HookName } from '../inventory/hooks-schema.ts';
import type { Cluster } from '../inventory/model.ts';

/** How much of a hook's output is kept, and how many of its lines are shown. */
const KEPT_CHARACTERS = 64 * 1024;
const SHOWN_LINES = 20;

/** Variables of this process that no hook gets. */
const SECRETS = ['HAPG_BECOME_PASSWORD', 'HAPG_KEY_PASSPHRASE'];

/** The command line of a hook; undefined where the inventory has none. */
function commandOf({ settings, file }: Cluster, name: HookName): [string, ...string[]] | undefined {
  const given = settings.hooks[name];
  if (given === undefined) return undefined;
  const [program, ...args] = (typeof given === 'string' ? [given] : given) as [string, ...string[]];
  // A bare name is looked for in PATH, as a shell does.
  return [program.includes('/') ? resolve(dirname(file), program) : program, ...args];
}

/** Throws UsageError for a hook that could not be called; nothing is contacted before. */
export function expectHooks(cluster: Cluster): void {
  for (const name of HOOK_NAMES) {
    const [program] = commandOf(cluster, name) ?? [];
    if (!program?.includes('/')) continue;
    try {
      accessSync(program, constants.X_OK);
    } catch (cause) {
      const isThere = (cause as NodeJS.ErrnoException).code === 'EACCES';
      throw new UsageError(
        `hooks.${name}: ${fromHere(program)} ${isThere ? 'is not executable: chmod +x' : 'is not there'}`,
      );
    }
  }
}

/** How a hook ended: its status, or why it has none, and what it printed. */
interface Ended {
  /** Why it failed; undefined when it succeeded. */
  failure: string | undefined;
  lines: string[];
}

/** Runs a hook and waits for its end. It and all that it started are killed after `seconds`, or on `signal`. */
function call(
  [program, ...args]: [string, ...string[]],
  facts: HookFacts,
  { directory, seconds, signal }: { directory: string; seconds: number; signal: AbortSignal },
): Promise<Ended> {
  const env = { ...process.env };
  for (const name of SECRETS) delete env[name];
  for (const [name, value] of Object.entries(facts)) env[`HAPG_${name}`] = value;
  return new Promise((done) => {
    // A group of its own, so that what it has started ends with it.
    const child = spawn(program, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    let why: string | undefined;
    const end = (reason: string) => {
      why ??= reason;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const timer = setTimeout(() => end(`it took longer than ${seconds} s`), seconds * 1000);
    const leave = () => end('it was interrupted');
    signal.addEventListener('abort', leave, { once: true });
    const take = (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-KEPT_CHARACTERS);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const finish = (failure: string | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      done({ failure: why ?? failure, lines: text.split('\n').filter((line) => line.trim()) });
    };
    child.on('error', (cause) =>
      finish(`it does not start (${(cause as NodeJS.ErrnoException).code ?? cause.message})`),
    );
    // "exit", not "close": a daemon that it has left may keep the pipes open.
    child.on('exit', (code, by) => setImmediate(() => finish(code === 0 ? undefined : `it ended with ${code ?? by}`)));
  });
}

/** The hooks of an inventory's run. */
export class RunHooks implements Hooks {
  /**
   * `facts` are told to every hook. `emit` gets what hooks print. `signal` ends a hook that runs.
   */
  constructor(
    private readonly cluster: Cluster,
    private readonly facts: HookFacts,
    private readonly emit: Emit,
    private readonly signal: AbortSignal,
  ) {}

  async before(moment: Moment, facts: HookFacts): Promise<void> {
    const name = `before_${moment}` as const;
    const failure = await this.call(name, facts);
    if (failure) throw new Refused(`hooks.${name} forbids it: ${failure}`);
  }

  async after(moment: Moment, facts: HookFacts): Promise<void> {
    await this.tell(`after_${moment}`, facts);
  }

  async failed(what: 'backup' | 'drill', facts: HookFacts): Promise<void> {
    await this.tell(`${what}_failed`, facts);
  }

  /** Calls a hook that can forbid nothing. */
  private async tell(name: HookName, facts: HookFacts): Promise<void> {
    const failure = await this.call(name, facts);
    if (failure) this.emit({ type: 'note', text: `hooks.${name} failed: ${failure}` });
  }

  /** Calls a hook, and reports what it prints. Returns why it failed; undefined when it succeeded, or there is none. */
  private async call(name: HookName, facts: HookFacts): Promise<string | undefined> {
    const command = commandOf(this.cluster, name);
    if (!command) return undefined;
    const { failure, lines } = await call(
      command,
      { ...this.facts, ...facts, HOOK: name },
      {
        directory: dirname(this.cluster.file),
        seconds: this.cluster.settings.hooks.timeout,
        signal: this.signal,
      },
    );
    if (failure) return [`${fromHere(command[0])}: ${failure}`, ...lines.slice(-SHOWN_LINES)].join('\n  ');
    for (const line of lines.slice(-SHOWN_LINES)) this.emit({ type: 'note', text: `hooks.${name}: ${line}` });
    return undefined;
  }
}
