import { gate } from '../bounds/patroni.ts';
import { passes } from '../clock.ts';
import { takeSnapshot } from '../cluster/snapshot.ts';
import { Interrupted, StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import type { Facts } from '../observe/host.ts';
import type { Observation } from '../observe/index.ts';
import type { Context, Playbook, Stage } from '../playbook.ts';
import type { Action, Step } from '../steps/step.ts';
import type { StagePlace } from './events.ts';
import { type RunContext, workOn } from './host-work.ts';
import { differences, dueHandlers, type Plan, type Scope, type StepDifference, stepsOf } from './plan.ts';
import { settleAll, settled } from './pool.ts';
import { probe } from './probe.ts';
import type { Done, Failure, Recorder } from './record.ts';
import type { Session } from './session.ts';
import type { Survey } from './survey.ts';

export interface ApplyResult {
  done: Done[];
  failed: Failure[];
  interrupted: boolean;
}

/** Carries out the plan of one run, stage by stage. */
export class Apply {
  private readonly session: Session;
  private readonly recorder: Recorder;
  private readonly playbook: Playbook;
  private readonly scope: Scope;
  private context: Context;
  private readonly facts: Map<string, Facts>;
  private readonly plan: Plan;
  private observations: Map<string, Observation>;

  /** Expects connected and locked hosts. `survey` is their latest survey. */
  constructor({ session, recorder }: RunContext, survey: Survey) {
    this.session = session;
    this.recorder = recorder;
    this.playbook = survey.playbook;
    this.scope = survey.scope;
    this.context = survey.context;
    this.facts = survey.facts;
    this.plan = survey.plan;
    this.observations = new Map(survey.context.snapshot.observations);
    this.lastProbe = new Map(
      [...survey.probed].map(([host, { states, observation }]) => [
        host,
        { states: new Map(states), pending: observation.pending },
      ]),
    );
  }

  /**
   * Works through the stages and stops after the first one in which a host failed. Never throws for a host's failure.
   */
  async run(): Promise<ApplyResult> {
    for (const stage of this.playbook) {
      if (this.isStopped) break;
      await this.stage(stage);
      if (this.recorder.failed.length > 0) break;
    }
    return { done: this.recorder.done, failed: this.recorder.failed, interrupted: this.isStopped };
  }

  /** Whether the operator has asked to stop: nothing new begins then. */
  private get isStopped(): boolean {
    return this.session.interrupt.soft.aborted;
  }

  /** Waits for `ms`, or until the operator asks to stop. */
  private wait(ms: number): Promise<unknown> {
    return passes(this.session.clock, ms, this.session.interrupt.soft);
  }

  private async stage(stage: Stage): Promise<void> {
    await this.settle(stage);
    const work = await this.pendingWork(stage);
    if (work.size === 0 || this.isStopped || this.recorder.failed.length > 0) return;
    this.recorder.stage(
      stage.name,
      [...work.keys()].map((host) => host.name),
      this.placeOf(stage),
    );
    const busy = [...work.keys()];
    for (const [index, group] of (stage.order?.(busy, this.context) ?? [busy]).entries()) {
      if (index > 0 && stage.between) await this.wait(stage.between(this.context) * 1000);
      if (this.isStopped) return;
      if (stage.order && !(await this.passGate(stage, group))) return;
      await this.group(stage, group);
      if (this.recorder.failed.length > 0) return;
    }
    // The last group's work may have changed other hosts, and later stages decide by them.
    if (stage.order) await this.refreshStage(stage);
  }

  /** The place of a stage among those of the plan; undefined where the plan has no change in it. */
  private placeOf({ name }: Stage): StagePlace | undefined {
    const stages = [...new Set(this.plan.changes.map(({ stage }) => stage))];
    const index = stages.indexOf(name);
    return index < 0 ? undefined : { number: index + 1, of: stages.length };
  }

  /** Time at which each step was last done on any host (ms since the epoch). */
  private readonly lastDone = new Map<string, number>();

  /** Waits until the effect of this run's handlers shows, where the stage depends on it. */
  private async settle(stage: Stage): Promise<void> {
    const wait = stage.settles?.(this.context);
    const done = wait && this.lastDone.get(wait.handler);
    if (done === undefined) return;
    const left = done + wait!.seconds * 1000 - this.session.clock.now();
    if (left > 0) await this.wait(left);
  }

  /** Hosts with work in this stage, judged by their present state. */
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

  /** The latest probe of each host. */
  private lastProbe: Map<string, { states: Map<string, unknown>; pending: string[] }>;
  private readonly dirty = new Set<string>();
  /** Whether something was done that other hosts may show. */
  private disturbed = false;

  /** Whether the latest probe of a host may be out of date for the steps of a stage. */
  private isStale(stage: Stage, host: Host): boolean {
    const { states } = this.lastProbe.get(host.name) ?? { states: new Map() };
    const steps = stepsOf(stage, host, this.context, this.scope).filter((one) => one.notApplicable === undefined);
    return (
      this.dirty.has(host.name) || steps.some((one) => !states.has(one.id) || (one.kind.volatile && this.disturbed))
    );
  }

  /** Probes a stage's hosts. Steps may change with the facts and the cluster's state. */
  private async refresh(stage: Stage, hosts: readonly Host[]): Promise<void> {
    const results = await settleAll(hosts, this.session.options.forks, async (host) => {
      const steps = stepsOf(stage, host, this.context, this.scope);
      return { host, ...(await probe(this.session, host, steps)) };
    });
    let stale = false;
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') {
        // Earlier answers of a host that cannot be read say nothing about its present state.
        this.observations.delete(hosts[index]!.name);
        if (!(result.reason instanceof Interrupted))
          this.recorder.failure(hosts[index]!.name, 'probe', result.reason as Error);
        continue;
      }
      const { host, facts, observation, states } = result.value;
      stale ||= JSON.stringify(this.facts.get(host.name)) !== JSON.stringify(facts);
      this.facts.set(host.name, facts);
      this.observations.set(host.name, observation);
      // A changed host keeps nothing of its earlier probe.
      const known = this.dirty.delete(host.name) ? [] : (this.lastProbe.get(host.name)?.states ?? []);
      this.lastProbe.set(host.name, { states: new Map([...known, ...states]), pending: observation.pending });
    }
    if (hosts.length === 0) return;
    this.context = { ...this.context, snapshot: takeSnapshot(this.observations) };
    // Facts decide what steps want. After a change of facts the probe may have asked for the wrong things.
    if (stale && this.recorder.failed.length === 0) await this.refresh(stage, hosts);
  }

  /** Probes all hosts of a stage again. */
  private refreshStage(stage: Stage): Promise<void> {
    return this.refresh(
      stage,
      stage.hosts(this.context).filter((host) => this.scope.hosts.includes(host)),
    );
  }

  /** Observes before it judges: the plan's snapshot is as old as the operator's answer to the question. */
  private async passGate(stage: Stage, group: readonly Host[]): Promise<boolean> {
    const { clock } = this.session;
    const started = clock.now();
    for (;;) {
      await this.refreshStage(stage);
      if (this.recorder.failed.length > 0 || this.session.interrupt.hard.aborted) return false;
      const verdict = stage.gate?.(group, this.context) ?? { ok: true };
      if (verdict.ok) return true;
      const reason = verdict.reasons.join('; ');
      if (clock.now() - started > gate(this.session.cluster.timing) * 1000 || this.isStopped) {
        for (const host of group)
          this.recorder.failure(
            host.name,
            `gate before ${stage.name}`,
            new Error(`${reason}. Nothing was changed here; fix this and run again`),
          );
        return false;
      }
      for (const host of group)
        this.session.options.emit({ type: 'doing', host: host.name, text: `waiting: ${reason}` });
      await this.wait(1000);
    }
  }

  private async group(stage: Stage, group: readonly Host[]): Promise<void> {
    const before = this.recorder.done.length;
    const results = await settleAll(group, this.session.options.forks, async (host) => {
      try {
        await this.host(stage, host);
      } catch (cause) {
        if (cause instanceof Interrupted) return;
        this.recorder.failure(host.name, cause instanceof StepFailed ? cause.step : stage.name, cause as Error);
      }
    });
    settled(results);
    for (const { step } of this.recorder.done.slice(before)) this.lastDone.set(step, this.session.clock.now());
  }

  /** Makes all changes of one stage on one host, according to its latest probe. */
  private async host(stage: Stage, host: Host): Promise<void> {
    const steps = stepsOf(stage, host, this.context, this.scope);
    const { states, pending } = this.lastProbe.get(host.name)!;
    const changed = differences(steps, states);
    // A gate has looked again since the work was found: a drop-in that was written has reloaded systemd, say.
    this.fulfilled(stage, host, steps, changed);
    const handlers = dueHandlers(steps, changed, pending, this.plan.starting.get(host.name) ?? new Set());
    if (handlers.length > 0 || changed.some(({ step }) => !step.kind.contained)) {
      this.dirty.add(host.name);
      this.disturbed = true;
    }
    const planned = (step: string) => this.planned(host, step);
    const run = { session: this.session, recorder: this.recorder };
    const after = await workOn({ host, stage: stage.name, steps, changed, handlers, pending, planned }, run);
    for (const [id, state] of after) states.set(id, state);
  }

  /**
   * Records planned steps that an earlier change of this run has already made true, such as a directory that a package
   * made.
   */
  private fulfilled(stage: Stage, host: Host, steps: readonly Step[], changed: readonly StepDifference[]): void {
    for (const one of steps)
      if (
        this.planned(host, one.id) &&
        !one.kind.conditional &&
        !changed.some(({ step }) => step.id === one.id) &&
        !this.recorder.done.some((done) => done.host === host.name && done.step === one.id)
      )
        this.recorder.changed({
          host: host.name,
          stage: stage.name,
          step: one.id,
          role: one.role,
          action: this.planned(host, one.id)!,
          ms: 0,
        });
  }

  private planned(host: Host, step: string): Action | undefined {
    return this.plan.changes.find((change) => change.host === host.name && change.step === step)?.action;
  }
}
