import type { Facts } from '../cluster/facts.ts';
import type { Observation } from '../cluster/observe.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { Interrupted, KnownError, StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { quote, words } from '../shell/quote.ts';
import type { Action, Step } from '../steps/step.ts';
import type { Interrupt } from './events.ts';
import { armScript, disarmScript, UNDO_AFTER_S } from './guard.ts';
import type { Journal } from './journal.ts';
import {
  differences,
  dueHandlers,
  handlerId,
  marksOf,
  type Plan,
  type Scope,
  type StepDifference,
  stepsOf,
} from './plan.ts';
import type { Context, Playbook, Stage } from './playbook.ts';
import { settleAll } from './pool.ts';
import { type Probed, probe } from './probe.ts';
import type { Session } from './session.ts';

export interface Done {
  host: string;
  stage: string;
  step: string;
  role: string;
  action: string;
  ms: number;
}

export interface Failure {
  host: string;
  step: string;
  message: string;
}

export interface ApplyResult {
  done: Done[];
  failed: Failure[];
  interrupted: boolean;
}

const GATE_TIMEOUT_MS = 120_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Groups steps that their kind can change together; order is kept. */
function neighbours(changed: readonly StepDifference[]): StepDifference[][] {
  const groups: StepDifference[][] = [];
  for (const one of changed) {
    const last = groups.at(-1);
    if (last && one.step.kind.changeAll && last[0]!.step.kind === one.step.kind) last.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** Everything of one changing run. */
export class Apply {
  readonly result: ApplyResult = { done: [], failed: [], interrupted: false };
  private observations: Map<string, Observation>;

  constructor(
    private readonly session: Session,
    private readonly playbook: Playbook,
    private readonly scope: Scope,
    private context: Context,
    private readonly facts: Map<string, Facts>,
    private readonly journal: Journal,
    private readonly interrupt: Interrupt,
    private readonly plan: Plan,
    probed: ReadonlyMap<string, Probed>,
  ) {
    this.observations = new Map(context.snapshot.observations);
    this.lastProbe = new Map(
      [...probed].map(([host, { states, observation }]) => [
        host,
        { states: new Map(states), pending: observation.pending },
      ]),
    );
  }

  /** Works through the stages; stops behind the first one in which a host failed. Never throws for a host's failure. */
  async run(): Promise<ApplyResult> {
    for (const stage of this.playbook) {
      if (this.interrupt.level > 0) break;
      await this.stage(stage);
      if (this.result.failed.length > 0) break;
    }
    this.result.interrupted = this.interrupt.level > 0;
    return this.result;
  }

  private async stage(stage: Stage): Promise<void> {
    const work = await this.pendingWork(stage);
    if (work.size === 0) return;
    this.session.options.emit({ type: 'stage', stage: stage.name });
    this.journal.write('stage', { stage: stage.name, hosts: [...work.keys()].map((host) => host.name) });
    const busy = [...work.keys()];
    for (const group of stage.order?.(busy, this.context) ?? [busy]) {
      if (this.interrupt.level > 0) return;
      if (stage.order && stage.gate && !(await this.passGate(stage, group))) return;
      await this.group(stage, group);
      if (this.result.failed.length > 0) return;
    }
  }

  /** Hosts that have something to do in this stage, judged by what is there now. */
  private async pendingWork(stage: Stage): Promise<Map<Host, Step[]>> {
    const hosts = stage.hosts(this.context).filter((host) => this.scope.hosts.includes(host));
    await this.refresh(
      stage,
      hosts.filter((host) => this.isStale(stage, host)),
    );
    const work = new Map<Host, Step[]>();
    for (const host of hosts) {
      const steps = stepsOf(stage, host, this.context, this.scope);
      const { states, pending } = this.lastProbe.get(host.name) ?? { states: new Map(), pending: [] };
      const changed = differences(steps, states);
      this.fulfilled(stage, host, steps, changed);
      if (
        changed.length > 0 ||
        dueHandlers(steps, changed, pending, this.plan.starting.get(host.name) ?? new Set()).length > 0
      )
        work.set(host, steps);
    }
    return work;
  }

  /** What was read last of each host, and which hosts something was done to since. */
  private lastProbe: Map<string, { states: Map<string, unknown>; pending: string[] }>;
  private readonly dirty = new Set<string>();
  /** Something was done that may show on other hosts. */
  private disturbed = false;

  /** Whether what was read of a host before may no longer be true for the steps of a stage. */
  private isStale(stage: Stage, host: Host): boolean {
    const { states } = this.lastProbe.get(host.name) ?? { states: new Map() };
    const steps = stepsOf(stage, host, this.context, this.scope).filter((one) => one.notApplicable === undefined);
    return (
      this.dirty.has(host.name) || steps.some((one) => !states.has(one.id) || (one.kind.volatile && this.disturbed))
    );
  }

  /** Probes a stage's hosts; steps may look different once facts and the cluster's state have changed. */
  private async refresh(stage: Stage, hosts: readonly Host[]): Promise<void> {
    const results = await settleAll(hosts, this.session.options.forks, async (host) => {
      const steps = stepsOf(stage, host, this.context, this.scope);
      return { host, ...(await probe(this.session, host, steps)) };
    });
    let stale = false;
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') {
        this.fail(hosts[index]!.name, 'probe', result.reason as Error);
        continue;
      }
      const { host, facts, observation, states } = result.value;
      stale ||= JSON.stringify(this.facts.get(host.name)) !== JSON.stringify(facts);
      this.facts.set(host.name, facts);
      this.observations.set(host.name, observation);
      // Of a host to which something was done only what was read just now counts.
      const known = this.dirty.delete(host.name) ? [] : (this.lastProbe.get(host.name)?.states ?? []);
      this.lastProbe.set(host.name, { states: new Map([...known, ...states]), pending: observation.pending });
    }
    if (hosts.length === 0) return;
    this.context = { ...this.context, snapshot: takeSnapshot(this.observations) };
    // Facts decide what steps want; when they have just changed, what was probed may not be what is wanted now.
    if (stale && this.result.failed.length === 0) await this.refresh(stage, hosts);
  }

  private async passGate(stage: Stage, group: readonly Host[]): Promise<boolean> {
    const started = Date.now();
    for (;;) {
      const verdict = stage.gate!(group, this.context);
      if (verdict.ok) return true;
      const reason = verdict.reasons.join('; ');
      if (Date.now() - started > GATE_TIMEOUT_MS || this.interrupt.level > 0) {
        for (const host of group)
          this.fail(
            host.name,
            `gate before ${stage.name}`,
            new Error(`${reason}. Nothing was changed here; mend this and run again`),
          );
        return false;
      }
      for (const host of group)
        this.session.options.emit({ type: 'doing', host: host.name, text: `waiting: ${reason}` });
      await sleep(1000);
      await this.refresh(
        stage,
        stage.hosts(this.context).filter((host) => this.scope.hosts.includes(host)),
      );
    }
  }

  private async group(stage: Stage, group: readonly Host[]): Promise<void> {
    await settleAll(group, this.session.options.forks, async (host) => {
      try {
        await this.host(stage, host);
      } catch (cause) {
        if (cause instanceof Interrupted) return;
        this.fail(host.name, cause instanceof StepFailed ? cause.step : stage.name, cause as Error);
      }
    });
    // What one group did may show on others.
    if (stage.order)
      await this.refresh(
        stage,
        stage.hosts(this.context).filter((host) => this.scope.hosts.includes(host)),
      );
  }

  /** All changes of one stage on one host: marks first, then steps, handlers, proof of a login, and the second probe. */
  private async host(stage: Stage, host: Host): Promise<void> {
    const steps = stepsOf(stage, host, this.context, this.scope);
    const { states, pending } = this.lastProbe.get(host.name)!;
    const changed = differences(steps, states);
    const handlers = dueHandlers(steps, changed, pending, this.plan.starting.get(host.name) ?? new Set());
    const control = this.session.remote(host, stage.name);
    const guarded = changed.map(({ step }) => step).filter((one) => one.guarded);

    if (handlers.length > 0 || changed.some(({ step }) => !step.kind.contained)) {
      this.dirty.add(host.name);
      this.disturbed = true;
    }
    const marks = handlers.map((handler) => `${PATHS.pending}/${handler.action}:${handler.unit}`);
    if (marks.length > 0) await control.run(`umask 077; mkdir -p ${PATHS.pending} && touch -- ${words(...marks)}`);
    if (guarded.length > 0) await control.run(armScript(guarded));
    const late = ({ step }: StepDifference) => step.kind.afterHandlers === true;
    for (const together of neighbours(changed.filter((one) => !late(one)))) await this.change(stage, host, together);
    for (const handler of handlers) {
      await this.timed(stage, host, { step: handlerId(handler), role: handler.role, action: handler.action }, () =>
        control.run(
          `systemctl daemon-reload && systemctl ${handler.action === 'restart' ? 'try-restart' : 'try-reload-or-restart'} ${quote(handler.unit)} && systemctl is-active ${quote(handler.unit)} && rm -f ${quote(`${PATHS.pending}/${handler.action}:${handler.unit}`)}`,
          180,
        ),
      );
    }
    for (const one of changed.filter(late)) await this.change(stage, host, [one]);
    // A restart that was not waited for would let the next host's restart come too soon.
    if (handlers.length > 0)
      for (const one of steps.filter(
        (step) => step.kind.afterHandlers && !changed.some(({ step: other }) => other.id === step.id),
      ))
        await one.kind.change(one, undefined, this.session.remote(host, one.id));
    const leftover = marksOf(steps).filter(
      (mark) => pending.includes(mark) || marks.some((path) => path.endsWith(`/${mark}`)),
    );
    if (leftover.length > 0)
      await control.run(`rm -f -- ${words(...leftover.map((mark) => `${PATHS.pending}/${mark}`))}`);
    if (guarded.length > 0) await this.proveLogin(host, guarded);
    await this.verify(host, changed);
  }

  private async change(stage: Stage, host: Host, items: readonly StepDifference[]): Promise<void> {
    if (this.interrupt.level > 0) throw new Interrupted();
    const { step, state } = items[0]!;
    const remote = this.session.remote(host, step.id);
    const work = () =>
      step.kind.changeAll ? step.kind.changeAll(items, remote) : step.kind.change(step, state, remote);
    const [first, ...others] = items.map((one) => ({
      step: one.step.id,
      role: one.step.role,
      action: one.difference.action,
    }));
    await this.timed(stage, host, first!, work);
    for (const one of others) this.record(stage, host, one, 0);
  }

  private async timed(
    stage: Stage,
    host: Host,
    what: Pick<Done, 'step' | 'role'> & { action: Action },
    work: () => Promise<unknown>,
  ): Promise<void> {
    this.session.options.emit({ type: 'doing', host: host.name, text: what.step });
    this.journal.write('begin', { host: host.name, stage: stage.name, ...what });
    const started = performance.now();
    try {
      await work();
    } catch (cause) {
      // A change that fails with an error of its own is the step's failure, not a bug of the engine.
      throw cause instanceof KnownError ? cause : new StepFailed(host.name, what.step, (cause as Error).message);
    }
    this.record(stage, host, what, Math.round(performance.now() - started));
  }

  /** Planned steps that an earlier change of this run has already brought about, such as a directory that a package made. */
  private fulfilled(stage: Stage, host: Host, steps: readonly Step[], changed: readonly StepDifference[]): void {
    for (const one of steps)
      if (this.planned(host, one.id) && !changed.some(({ step }) => step.id === one.id))
        this.record(stage, host, { step: one.id, role: one.role, action: this.planned(host, one.id)! }, 0);
  }

  private planned(host: Host, step: string): Action | undefined {
    return this.plan.changes.find((change) => change.host === host.name && change.step === step)?.action;
  }

  private record(stage: Stage, host: Host, what: Pick<Done, 'step' | 'role'> & { action: Action }, ms: number): void {
    // Seen from before the run: what a package made in between and a step then completed was still created.
    const done = {
      host: host.name,
      stage: stage.name,
      ...what,
      action: this.planned(host, what.step) ?? what.action,
      ms,
    };
    this.result.done.push(done);
    this.session.options.emit({ type: 'changed', ...done });
    this.journal.write('changed', done);
  }

  private async proveLogin(host: Host, guarded: readonly Step[]): Promise<void> {
    this.session.options.emit({ type: 'doing', host: host.name, text: 'proving a new login' });
    try {
      await this.session.proveLogin(host);
    } catch (cause) {
      throw new StepFailed(
        host.name,
        guarded.map((one) => one.id).join(', '),
        `a new login no longer succeeds (${(cause as Error).message}); everything is put back within ${UNDO_AFTER_S} s`,
      );
    }
    await this.session.remote(host, 'guard').run(disarmScript);
  }

  /** Every changed step is probed again and must have no difference left. */
  private async verify(host: Host, changed: readonly StepDifference[]): Promise<void> {
    const steps = changed.map(({ step }) => step);
    const { states } = await probe(this.session, host, steps);
    for (const [id, state] of states) this.lastProbe.get(host.name)?.states.set(id, state);
    const left = differences(steps, states)[0];
    if (left) throw new StepFailed(host.name, left.step.id, `did not converge: ${left.difference.summary}`);
  }

  private fail(host: string, step: string, cause: Error): void {
    const message = cause instanceof StepFailed ? cause.reason : cause.message;
    this.result.failed.push({ host, step, message });
    this.session.options.emit({ type: 'failed', host, step, message });
    this.journal.write('failed', { host, step, message });
  }
}
