import type { Host } from '../inventory/model.ts';
import type { RoleName } from '../roles.ts';

/** What a step needs; the words of the outside contract. */
export type Action = 'create' | 'update' | 'remove' | 'restart' | 'reload' | 'run';

/** Why a step is not as wanted. */
export interface Difference {
  action: Action;
  /** A few words: what is there, what is wanted. */
  summary: string;
  /** Present and wanted text for a unified diff; never of a secret. */
  before?: string | undefined;
  after?: string | undefined;
  /** What exactly changes shows only once earlier steps are done. */
  knownAfterApply?: boolean | undefined;
}

/** A reload or restart that a change calls for. */
export interface Handler {
  unit: string;
  action: 'reload' | 'restart';
}

/** How far something long is: what sh prints meanwhile, and what the person is told of it. */
export interface UnitProgress {
  script: string;
  tell: (output: string) => string | undefined;
  /** How long nothing may change before it counts as stuck (s); ten minutes by default. */
  stuckSeconds?: number;
}

/** What a change may do on its host; the engine provides it, steps know nothing of transport. */
export interface Remote {
  readonly host: Host;
  /** Runs a script as root and returns its output; rejects with the output's end when it fails. Time-out in seconds, 60 by default. */
  run(script: string, timeoutSeconds?: number): Promise<string>;
  /**
   * Runs something long or risky as the transient unit `hapg-NAME`, which outlives a lost connection; when that unit
   * already runs (an interrupted run), waits for it instead. Output goes to /var/log/hapg/NAME.log.
   */
  unit(name: string, script: string, timeoutSeconds: number, progress?: UnitProgress): Promise<string>;
  /** Tells the person what is being done now. */
  doing(text: string): void;
}

/** A kind of step: how its state is read for many at once, judged, and changed. `W` is what is wanted, `S` what is there. */
export interface Kind<W, S> {
  readonly name: string;
  /** Its state can change through what happens on other hosts, so it is read again whenever the run has changed anything. */
  readonly volatile?: boolean;
  /** Its change touches nothing that another step looks at, so what was read of the host before stays true. */
  readonly contained?: boolean;
  /** What was foreseen may turn out to be needless (1024MB is 1GB to PostgreSQL); then it was not done. */
  readonly conditional?: boolean;
  /** Comes after the stage's reloads and restarts, and is waited for after each of them. */
  readonly afterHandlers?: boolean;
  /** POSIX sh whose output `parse` understands; must not write anything. */
  probe(steps: readonly Step<W, S>[]): string;
  /** State by step id; throws when the answer is not understood. */
  parse(answer: string, steps: readonly Step<W, S>[]): Map<string, S>;
  /** Undefined when the step is as wanted. Pure. */
  diff(step: Step<W, S>, state: S): Difference | undefined;
  change(step: Step<W, S>, state: S, remote: Remote): Promise<void>;
  /** What a person should know although nothing will be changed, such as rules that are not ours. */
  notes?(step: Step<W, S>, state: S): string[];
  /** Several steps of this kind that stand next to each other, in one go; used instead of `change` where there is one. */
  changeAll?(items: readonly { step: Step<W, S>; state: S }[], remote: Remote): Promise<void>;
  /** POSIX sh that keeps below PATHS.guard what is there now, for `undo` to put back; it runs when the undo is armed. */
  save?(step: Step<W, S>): string;
  /** POSIX sh that puts back what was there before, armed while a change could lock the operator out. */
  undo?(step: Step<W, S>): string;
  /** Why a run must not begin at all, with the cure: what is there is somebody else's. Undefined where it may. Pure. */
  refuse?(step: Step<W, S>, state: S): string | undefined;
}

/** One thing that must be so on one host. */
// biome-ignore lint/suspicious/noExplicitAny: a list of steps holds kinds of every type; each is only ever used with its own.
export interface Step<W = any, S = any> {
  readonly kind: Kind<W, S>;
  /** Unique on its host: kind and subject. */
  readonly id: string;
  readonly role: RoleName;
  readonly want: W;
  readonly notify: readonly Handler[];
  /** A mistake here could lock the operator out: it is undone unless a new login succeeds. */
  readonly guarded: boolean;
  /** The reason why this step makes no sense on this host; it is then shown as skipped. */
  readonly notApplicable: string | undefined;
  /** What its change means for other people; shown with the plan when there is a change. */
  readonly note: string | undefined;
}

export interface StepOptions {
  notify?: readonly Handler[];
  guarded?: boolean;
  notApplicable?: string | undefined;
  note?: string | undefined;
}

/** Makes a step of a kind; `subject` names it among those of its kind. */
export function step<W, S>(
  kind: Kind<W, S>,
  role: RoleName,
  subject: string,
  want: W,
  options: StepOptions = {},
): Step<W, S> {
  return {
    kind,
    id: `${kind.name} ${subject}`,
    role,
    want,
    notify: options.notify ?? [],
    guarded: options.guarded ?? false,
    notApplicable: options.notApplicable,
    note: options.note,
  };
}

export const reload = (unit: string): Handler => ({ unit, action: 'reload' });
export const restart = (unit: string): Handler => ({ unit, action: 'restart' });
