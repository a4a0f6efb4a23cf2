import { HANDLER_S } from '../bounds/hosts.ts';
import { LOGIN_UNDO_S } from '../bounds/undo.ts';
import { Interrupted, StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { quote, words } from '../shell/quote.ts';
import type { Action, Step } from '../steps/step.ts';
import { stopOn } from './interrupt.ts';
import { armLoginUndo, callOffLoginUndo } from './login-undo.ts';
import { type DueHandler, differences, handlerId, marksOf, type StepDifference } from './plan.ts';
import { probe } from './probe.ts';
import type { Recorder } from './record.ts';
import type { Session } from './session.ts';

/** The work of one host in one stage. */
export interface HostWork {
  host: Host;
  stage: string;
  steps: readonly Step[];
  changed: readonly StepDifference[];
  handlers: readonly DueHandler[];
  /** Marks of due handlers that an interrupted run has left on the host. */
  pending: readonly string[];
  /** The planned action of a step; a change is recorded with it. */
  planned: (step: string) => Action | undefined;
}

export interface RunContext {
  session: Session;
  recorder: Recorder;
}

/** Groups neighbouring steps that their kind can change together; keeps the order. */
function neighbours(changed: readonly StepDifference[]): StepDifference[][] {
  const groups: StepDifference[][] = [];
  for (const one of changed) {
    const last = groups.at(-1);
    if (last && one.step.kind.changeAll && last[0]!.step.kind === one.step.kind) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

const late = ({ step }: StepDifference) => step.kind.afterHandlers === true;

/**
 * Does the work and returns the states of the second probe. Order: marks of due handlers, steps, guarded steps,
 * handlers, proof of new logins to this host and through it, second probe. Rejects with the first failure, or with
 * Interrupted before the next step.
 */
export async function workOn(work: HostWork, run: RunContext): Promise<Map<string, unknown>> {
  const { host, stage, steps, changed, handlers, pending } = work;
  const control = run.session.remote(host, stage);
  const inTime = changed.filter((one) => !late(one));
  const guarded = inTime.map(({ step }) => step).filter((one) => one.guarded);
  const marks = handlers.map((handler) => `${PATHS.pending}/${handler.action}:${handler.unit}`);
  if (marks.length > 0) await control.run(`umask 077; mkdir -p ${PATHS.pending} && touch -- ${words(...marks)}`);
  for (const together of neighbours(inTime.filter(({ step }) => !step.guarded))) await change(work, run, together);
  // The undo's time begins here, so nothing slow follows.
  const witnesses = guarded.length > 0 ? await run.session.witnesses(host) : [];
  if (guarded.length > 0) await control.run(armLoginUndo(guarded));
  for (const together of neighbours(inTime.filter(({ step }) => step.guarded))) await change(work, run, together);
  for (const handler of handlers)
    await run.recorder.timed(
      recordOf(work, { step: handlerId(handler), role: handler.role, action: handler.action }),
      () => control.run(handlerScript(handler), HANDLER_S),
    );
  for (const one of changed.filter(late)) await change(work, run, [one]);
  // Without waiting for the restart here, the next host's restart would come too soon.
  if (handlers.length > 0)
    for (const one of steps.filter(
      (step) => step.kind.afterHandlers && !changed.some(({ step: other }) => other.id === step.id),
    ))
      await one.kind.change(one, undefined, run.session.remote(host, one.id));
  const leftover = marksOf(steps).filter(
    (mark) => pending.includes(mark) || marks.some((path) => path.endsWith(`/${mark}`)),
  );
  if (leftover.length > 0)
    await control.run(`rm -f -- ${words(...leftover.map((mark) => `${PATHS.pending}/${mark}`))}`);
  if (guarded.length > 0) await proveLogin(host, guarded, witnesses, run);
  return verify(host, changed, run);
}

/**
 * POSIX sh that reloads or restarts a unit. A unit that is stopped or failed reads its configuration when its own step
 * starts it.
 */
export const handlerScript = ({ action, unit }: Pick<DueHandler, 'action' | 'unit'>): string =>
  `systemctl daemon-reload || exit 1
case "$(systemctl is-active ${quote(unit)})" in
  inactive|failed) ;;
  *) systemctl ${action === 'restart' ? 'try-restart' : 'try-reload-or-restart'} ${quote(unit)} && systemctl is-active ${quote(unit)} || exit 1 ;;
esac
rm -f ${quote(`${PATHS.pending}/${action}:${unit}`)}`;

const recordOf = ({ host, stage, planned }: HostWork, what: { step: string; role: string; action: Action }) => ({
  host: host.name,
  stage,
  ...what,
  // The action as seen before the run: a file that a package made and a step completed was still created.
  action: planned(what.step) ?? what.action,
});

async function change(work: HostWork, run: RunContext, items: readonly StepDifference[]): Promise<void> {
  stopOn(run.session.interrupt.soft);
  const { step, state } = items[0]!;
  const remote = run.session.remote(work.host, step.id);
  const [first, ...others] = items.map((one) =>
    recordOf(work, { step: one.step.id, role: one.step.role, action: one.difference.action }),
  );
  await run.recorder.timed(first!, () =>
    step.kind.changeAll ? step.kind.changeAll(items, remote) : step.kind.change(step, state, remote),
  );
  for (const one of others) run.recorder.changed({ ...one, ms: 0 });
}

async function proveLogin(
  host: Host,
  guarded: readonly Step[],
  witnesses: readonly (readonly Host[])[],
  { session }: RunContext,
): Promise<void> {
  session.options.emit({ type: 'doing', host: host.name, text: 'proving a new login' });
  try {
    await session.proveLogin(host, witnesses);
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    throw new StepFailed(
      host.name,
      guarded.map((one) => one.id).join(', '),
      `a new login no longer succeeds (${(cause as Error).message}); everything is put back within ${LOGIN_UNDO_S} s`,
    );
  }
  await session.remote(host, 'guard').run(callOffLoginUndo);
}

/** Probes every changed step again. Throws StepFailed where a difference is left. */
async function verify(
  host: Host,
  changed: readonly StepDifference[],
  { session }: RunContext,
): Promise<Map<string, unknown>> {
  const steps = changed.map(({ step }) => step);
  const { states } = await probe(session, host, steps);
  const left = differences(steps, states)[0];
  if (left) throw new StepFailed(host.name, left.step.id, `did not converge: ${left.difference.summary}`);
  return states;
}
