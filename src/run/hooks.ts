import { dirname } from 'node:path';
import type { Emit } from '../engine/events.ts';
import type { HookFacts, Hooks, Moment } from '../engine/hooks.ts';
import { Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { HOOK_NAMES, type HookName } from '../inventory/hooks-schema.ts';
import type { Cluster } from '../inventory/model.ts';
import { type CommandLine, callProgram, commandLine, whyNotCallable } from '../own-program.ts';

/** How many lines of a hook's output are shown. */
const SHOWN_LINES = 20;

/** The command line of a hook; undefined where the inventory has none. */
function commandOf({ settings, file }: Cluster, name: HookName): CommandLine | undefined {
  const given = settings.hooks[name];
  return given === undefined ? undefined : commandLine(given, dirname(file));
}

/** Throws UsageError for a hook that could not be called; nothing is contacted before. */
export function expectHooks(cluster: Cluster): void {
  for (const name of HOOK_NAMES) {
    const command = commandOf(cluster, name);
    const why = command && whyNotCallable(command);
    if (why) throw new UsageError(`hooks.${name}: ${fromHere(command[0])} ${why}`);
  }
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
    if (failure) throw new Refused(`hooks.${name} forbids it: ${failure}`, 'hook');
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
    const told = { ...this.facts, ...facts, HOOK: name };
    const { failure, lines } = await callProgram(command, {
      variables: Object.fromEntries(Object.entries(told).map(([key, value]) => [`HAPG_${key}`, value])),
      directory: dirname(this.cluster.file),
      seconds: this.cluster.settings.hooks.timeout,
      signal: this.signal,
    });
    if (failure) return [`${fromHere(command[0])}: ${failure}`, ...lines.slice(-SHOWN_LINES)].join('\n  ');
    for (const line of lines.slice(-SHOWN_LINES)) this.emit({ type: 'note', text: `hooks.${name}: ${line}` });
    return undefined;
  }
}
