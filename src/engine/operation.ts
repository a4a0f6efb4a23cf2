import { AUDIT_S, LOGIN_S } from '../bounds/hosts.ts';
import { LEFTOVER_S, UNDOING_S } from '../bounds/undo.ts';
import type { Clock } from '../clock.ts';
import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import type { Verdict } from '../decisions/verdict.ts';
import { Interrupted, StepFailed } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { HoldName } from '../observe/holds.ts';
import type { Observation } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import { armedUndos } from '../observe/run-state.ts';
import { quote } from '../shell/quote.ts';
import type { Action, Remote } from '../steps/step.ts';
import { type AuditEntry, auditScript } from './audit.ts';
import { dropHold, endHold, setHold } from './hold-script.ts';
import { between, type HookFacts, type Hooks, type Moment, NO_HOOKS } from './hooks.ts';
import { stopOn } from './interrupt.ts';
import { type Locking, lockOne } from './lock.ts';
import { attempted, settleAll } from './pool.ts';
import { observe } from './probe.ts';
import type { Recorder } from './record.ts';
import type { Session } from './session.ts';
import { runUndo } from './undo-script.ts';
import { Undos } from './undos.ts';

/** A planned change of leader. */
export interface Switchover {
  from: string;
  to: string;
  duration_ms: number;
}

/**
 * POSIX sh that prints an identifier of the present boot: the boot id on machines, and the start of the first process
 * in containers (proc(5)).
 */
const BOOT = "echo \"$(cat /proc/sys/kernel/random/boot_id) $(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)\"";

/**
 * A planned change of a running cluster: its playbooks observe, decide, act on one host, and observe again. Expects
 * connected and locked hosts.
 */
export class Operation {
  readonly switchovers: Switchover[] = [];
  /** Hosts that are not waited for: they are rebooting, or did not answer from the beginning. */
  private readonly unreachable = new Set<Host>();
  private current = '';

  constructor(
    readonly session: Session,
    readonly recorder: Recorder,
    private readonly locking: Locking,
    /** The armed undos, shared with the same operation through another model. */
    private readonly undos: Undos = new Undos({
      ask: (host, what, script, timeoutSeconds) => session.remote(host, what).run(script, timeoutSeconds),
      beside: (host, script, timeoutSeconds) => session.beside(host, script, timeoutSeconds),
    }),
  ) {}

  get cluster(): Cluster {
    return this.session.cluster;
  }

  /** The clock of every wait. */
  get clock(): Clock {
    return this.session.clock;
  }

  /** Excludes hosts that do not answer from the operation. */
  leaveOut(hosts: readonly Host[]): void {
    for (const host of hosts) this.unreachable.add(host);
  }

  /** Whether this host is not waited for. */
  isUnreachable(host: Host): boolean {
    return this.unreachable.has(host);
  }

  /** Returns a host of the model. An unknown name is a bug. */
  host(name: string): Host {
    const host = this.cluster.hosts.find((one) => one.name === name);
    if (!host) throw new Error(`the inventory has no host "${name}"`);
    return host;
  }

  /**
   * Observes the live cluster, restricted to `about`: everything else is silent, and no verdict reads silence as yes. A
   * host that does not answer is missing from the snapshot; one whose link was lost is connected and locked again.
   * Rejects with Interrupted after the second Ctrl-C.
   */
  async observe(
    hosts: readonly Host[] = this.cluster.hosts,
    { about }: { about?: readonly About[] | undefined } = {},
  ): Promise<Snapshot> {
    const answers = await settleAll(hosts, this.session.options.forks, async (host) => {
      if (this.unreachable.has(host)) throw new Error('away');
      if (!this.session.isOpen(host)) await this.reopen(host);
      try {
        return await observe(this.session, host, about);
      } catch (cause) {
        this.session.disconnect(host);
        throw cause;
      }
    });
    stopOn(this.session.interrupt.hard);
    const observations = new Map<string, Observation>();
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled') observations.set(hosts[index]!.name, answer.value);
    return takeSnapshot(observations);
  }

  private async reopen(host: Host): Promise<void> {
    await this.session.open(host);
    await this.lockOr(host, this.locking);
  }

  /** Locks a host, or disconnects it. */
  private async lockOr(host: Host, locking: Locking): Promise<void> {
    try {
      await lockOne(this.session, host, locking);
    } catch (cause) {
      // A host without this run's lock must not be worked on.
      this.session.disconnect(host);
      throw cause;
    }
  }

  /** Records the error that ended the run, unless the step has recorded it. */
  failed(cause: Error): void {
    const [host, step] = cause instanceof StepFailed ? [cause.host, cause.step] : ['', this.current];
    if (cause instanceof StepFailed && this.recorder.has(host, step, cause.reason)) return;
    this.recorder.failure(host, step, cause);
  }

  /** Writes one line into the audit log of each changed host. */
  async audit(entry: Omit<AuditEntry, 'run'>): Promise<void> {
    const touched = this.cluster.hosts.filter((host) => this.recorder.done.some((one) => one.host === host.name));
    const results = await settleAll(touched, this.session.options.forks, (host) =>
      this.session.ask(host, auditScript({ run: this.session.options.run, ...entry }), AUDIT_S),
    );
    // The controller's journal has the same line.
    attempted(results);
  }

  /**
   * Observes until the verdict is yes, and returns that snapshot. Rejects with StepFailed on `host` after `seconds`.
   * Meanwhile the operator sees the first reason, or the text of `doing`. Rejects with Interrupted after the second Ctrl-C,
   * and after the first one where the wait is `stoppable` (nothing is half done).
   */
  async until(
    host: Host,
    what: string,
    seconds: number,
    judge: (snapshot: Snapshot) => Verdict,
    {
      hosts = this.cluster.hosts,
      everyMs = 500,
      about,
      stoppable = false,
      doing,
    }: {
      hosts?: readonly Host[];
      everyMs?: number;
      about?: readonly About[];
      stoppable?: boolean;
      doing?: () => Promise<string>;
    } = {},
  ): Promise<Snapshot> {
    const { clock } = this.session;
    const end = clock.now() + seconds * 1000;
    for (;;) {
      if (stoppable) this.checkInterrupt();
      const snapshot = await this.observe(hosts, { about });
      const verdict = judge(snapshot);
      if (verdict.ok) return snapshot;
      if (clock.now() > end)
        throw new StepFailed(host.name, what, `not so within ${seconds} s: ${verdict.reasons.join('; ')}`);
      this.say(host, doing ? await doing() : `waiting: ${verdict.reasons[0]}`);
      await this.pause(everyMs, stoppable);
    }
  }

  /** Waits for `ms`. Ctrl-C ends it as it ends `until`. */
  pause(ms: number, stoppable = false): Promise<void> {
    const { clock, interrupt } = this.session;
    return clock.sleep(ms, stoppable ? interrupt.soft : interrupt.hard);
  }

  say(host: Host, text: string): void {
    this.session.options.emit({ type: 'doing', host: host.name, text });
  }

  stage(name: string, hosts: readonly Host[]): void {
    this.recorder.stage(
      name,
      hosts.map((host) => host.name),
    );
    this.current = name;
  }

  /** Does one thing to one host and records it with its duration. */
  step<T>(host: Host, step: string, role: string, action: Action, work: (remote: Remote) => Promise<T>): Promise<T> {
    return this.recorder.timed({ host: host.name, stage: this.current, step, role, action }, () =>
      work(this.session.remote(host, step)),
    );
  }

  /** Runs a script on a host and returns its output. Rejects with StepFailed when it fails. */
  ask(host: Host, what: string, script: string, timeoutSeconds?: number): Promise<string> {
    return this.session.remote(host, what).run(script, timeoutSeconds);
  }

  /** Throws Interrupted when the operator has asked to stop. To be called where nothing is half done. */
  checkInterrupt(): void {
    stopOn(this.session.interrupt.soft);
  }

  /**
   * Arms the undo of a temporary change, before the change is made. Heartbeats postpone it until it is run or called
   * off. Arming it again restarts its time, and restores it where it has run.
   */
  armUndo(host: Host, name: string, undo: string, seconds: number): Promise<void> {
    return this.undos.arm(host, name, undo, seconds);
  }

  /**
   * Restarts the time of an armed undo. Returns false where it has run meanwhile: what it restored must be set again.
   */
  keepUndo(host: Host, name: string): Promise<boolean> {
    return this.undos.keep(host, name);
  }

  /** Runs an undo now, which restores what was changed temporarily. */
  runUndo(host: Host, name: string): Promise<void> {
    return this.undos.run(host, name);
  }

  /** Calls an undo off: the change stays. */
  callOffUndo(host: Host, name: string): Promise<void> {
    return this.undos.callOff(host, name);
  }

  /** Does work under an undo, and runs the undo at the end, however the work ends. */
  withUndo<T>(host: Host, name: string, undo: string, seconds: number, work: () => Promise<T>): Promise<T> {
    return this.undos.around(host, name, undo, seconds, work);
  }

  /** The operator's own programs. */
  get hooks(): Hooks {
    return this.session.options.hooks ?? NO_HOOKS;
  }

  /** Does work between the operator's hooks. Rejects where one forbids it. */
  between<T>(moment: Moment, facts: HookFacts, work: () => Promise<T>): Promise<T> {
    return between(this.hooks, moment, facts, work);
  }

  /**
   * Sets a hold before the state that it ends in `seconds`, or only when somebody ends it. Unlike an undo it outlives this
   * run.
   */
  async setHold(host: Host, name: HoldName, end: string, seconds: number | undefined): Promise<void> {
    await this.ask(host, `setting the end of ${name}`, setHold(name, end, seconds));
  }

  /** Ends a hold now, if there is one. */
  async endHold(host: Host, name: HoldName): Promise<void> {
    await this.ask(host, `ending ${name}`, endHold(name), UNDOING_S);
  }

  /** Removes a hold without doing what its end does. */
  async dropHold(host: Host, name: HoldName): Promise<void> {
    await this.ask(host, `removing the end of ${name}`, dropHold(name));
  }

  /** The same operation with another model of the same hosts (one more, one less). */
  through(cluster: Cluster): Operation {
    return new Operation(this.session.through(cluster), this.recorder, this.locking, this.undos);
  }

  /** Runs all armed undos that can be reached. Returns a message for each of the others. */
  async runAllUndos(): Promise<string[]> {
    const left: string[] = [];
    for (const { host, name } of [...this.undos.armed].reverse())
      try {
        if (this.session.interrupt.hard.aborted) throw new Interrupted('not waited for');
        if (!this.session.isOpen(host)) await this.reopen(host);
        await this.runUndo(host, name);
      } catch (cause) {
        left.push(`${host.name}: ${name} is still set and will undo itself (${(cause as Error).message})`);
      }
    return left;
  }

  /**
   * Runs the undos that an interrupted run has left. Expects the locks to be held: an armed undo belongs to no other
   * run then.
   */
  async clearLeftovers(snapshot: Snapshot): Promise<string[]> {
    const cleared: string[] = [];
    for (const [name, { units }] of snapshot.observations)
      for (const undo of armedUndos(said(units) ?? [])) {
        await this.step(this.host(name), `undo ${undo}`, 'hapg', 'run', (remote) =>
          remote.run(runUndo(undo), LEFTOVER_S),
        );
        cleared.push(`${name}: ${undo}, left by an interrupted run, was undone`);
      }
    return cleared;
  }

  /** Reboots a host and waits until it has booted again, is reconnected and locked. Rejects after `seconds`. */
  async reboot(host: Host, seconds: number): Promise<void> {
    const before = (await this.ask(host, 'reboot', BOOT)).trim();
    this.unreachable.add(host);
    try {
      // A timer, so that the answer arrives before the shell ends.
      await this.ask(
        host,
        'reboot',
        `systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms ${quote('/bin/systemctl')} reboot`,
      );
      const { clock } = this.session;
      const end = clock.now() + seconds * 1000;
      for (;;) {
        await this.pause(1000);
        this.session.disconnect(host);
        this.say(host, 'rebooting');
        const after = await this.dial(host);
        if (after !== undefined && after !== before) break;
        if (clock.now() > end) throw new StepFailed(host.name, 'reboot', `not back within ${seconds} s`);
      }
    } finally {
      this.unreachable.delete(host);
    }
    await this.lockOr(host, { ...this.locking, waitSeconds: LOGIN_S });
  }

  /** Returns the boot identifier of a host; undefined while it does not answer. */
  private async dial(host: Host): Promise<string | undefined> {
    try {
      await this.session.open(host);
      return (await this.ask(host, 'reboot', BOOT, LOGIN_S)).trim();
    } catch {
      return undefined;
    }
  }
}
