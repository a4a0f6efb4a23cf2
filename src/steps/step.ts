import type { RestartSetting } from '../decisions/restart.ts';
import type { Host } from '../inventory/model.ts';
import type { RoleName } from '../roles.ts';

/** Actions that a step may need, in the words of the outside contract. */
export type Action = 'create' | 'update' | 'remove' | 'restart' | 'reload' | 'run';

/** Why a step is not as wanted. */
export interface Difference {
  action: Action;
  /** A few words on the present and the wanted state. */
  summary: string;
  /** Present and wanted text for a unified diff; never with a secret. */
  before?: string | undefined;
  after?: string | undefined;
  /** Whether the exact change is known only after earlier steps. */
  knownAfterApply?: boolean | undefined;
  /** The settings for which PostgreSQL restarts. */
  settings?: RestartSetting[] | undefined;
  /** What is lost with its data and cannot be brought back; its loss is confirmed by name. */
  loses?: readonly string[];
}

/** A reload or restart that a change calls for. */
export interface Handler {
  unit: string;
  action: 'reload' | 'restart';
}

/** Progress of long work: the sh that prints it, and the text for the operator. */
export interface UnitProgress {
  script: string;
  describe: (output: string) => string | undefined;
  /** How long without a change counts as stuck (s); ten minutes by default. */
  stuckSeconds?: number;
}

/** Access of a change to its host. The engine provides it, so that steps do not depend on transport. */
export interface Remote {
  readonly host: Host;
  /** Runs a script as root and returns its output; rejects with the output's end when it fails. The time-out is 60 by default (s). */
  run(script: string, timeoutSeconds?: number): Promise<string>;
  /**
   * Runs something long or risky as the transient unit `hapg-NAME`, which outlives a lost connection; when that unit
   * already runs (an interrupted run), waits for it instead. Output goes to /var/log/hapg/NAME.log.
   */
  unit(name: string, script: string, timeoutSeconds: number, progress?: UnitProgress): Promise<string>;
  /** Makes another member the leader by `work`, between the operator's hooks. Rejects where one forbids it. */
  handingOver<T>(to: string, work: () => Promise<T>): Promise<T>;
  /** Shows the operator what is being done now. */
  doing(text: string): void;
}

/** A kind of step: how its state is read for many steps at once, compared, and changed. `W` is what is wanted, `S` what is there. */
export interface Kind<W, S> {
  readonly name: string;
  /** Whether changes on other hosts can change its state, so that it is read again whenever the run has changed anything. */
  readonly volatile?: boolean;
  /** Whether its change touches nothing that another step reads, so that the host's probe stays valid. */
  readonly contained?: boolean;
  /** Whether a planned change may turn out to be needless (1024MB is 1GB to PostgreSQL); then it was not done. */
  readonly conditional?: boolean;
  /** Whether it comes after the stage's reloads and restarts, and is waited for after each of them. */
  readonly afterHandlers?: boolean;
  /** POSIX sh that prints the state for `parse`; must not write anything. */
  probe(steps: readonly Step<W, S>[]): string;
  /** Reads the state by step id; throws when the answer is not understood. */
  parse(answer: string, steps: readonly Step<W, S>[]): Map<string, S>;
  /** Returns the difference; undefined when the step is as wanted. Pure. */
  diff(step: Step<W, S>, state: S): Difference | undefined;
  change(step: Step<W, S>, state: S, remote: Remote): Promise<void>;
  /** Returns notes for an operator although nothing will be changed, such as foreign rules. */
  notes?(step: Step<W, S>, state: S): string[];
  /** Changes adjacent steps of this kind in one go; used instead of `change` when present. */
  changeAll?(items: readonly { step: Step<W, S>; state: S }[], remote: Remote): Promise<void>;
  /** POSIX sh that saves the present state below PATHS.loginUndo for `undo`; it runs when the undo is armed. */
  save?(step: Step<W, S>): string;
  /** POSIX sh that restores the former state; armed while a change could lock the operator out. */
  undo?(step: Step<W, S>): string;
  /** Returns why a run must not begin at all, with the cure: the present state is somebody else's. Undefined when it may. Pure. */
  refuse?(step: Step<W, S>, state: S): string | undefined;
}

/** One wanted state of one thing on one host. */
// biome-ignore lint/suspicious/noExplicitAny: a list of steps holds kinds of every type; each is only ever used with its own.
export interface Step<W = any, S = any> {
  readonly kind: Kind<W, S>;
  /** Kind and subject; unique on its host. */
  readonly id: string;
  readonly role: RoleName;
  readonly want: W;
  readonly notify: readonly Handler[];
  /** Whether a mistake could lock the operator out: the change is undone unless a new login succeeds. */
  readonly guarded: boolean;
  /** Why this step does not apply to this host; it is then shown as skipped. */
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
