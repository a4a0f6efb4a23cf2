import { AUDIT_S, LOGIN_S } from '../bounds/hosts.ts';
import { LEFTOVER_S } from '../bounds/undo.ts';
import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import type { Verdict } from '../decisions/verdict.ts';
import { Interrupted, StepFailed } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { Observation } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import { activeUndos } from '../observe/run-state.ts';
import { quote } from '../shell/quote.ts';
import type { Action, Remote } from '../steps/step.ts';
import { auditScript } from './audit.ts';
import { stopOn } from './interrupt.ts';
import { type Locking, lockOne } from './lock.ts';
import { attempted, settleAll } from './pool.ts';
import { observe } from './probe.ts';
import type { Recorder } from './record.ts';
import type { Session } from './session.ts';
import { runUndo } from './temporary.ts';
import { Undos } from './undoing.ts';

/** A change of leader that was made on purpose. */
export interface Switchover {
  from: string;
  to: string;
  duration_ms: number;
}

/** What tells one boot from the next, on machines (boot id) and in containers (start of the first process, proc(5)). */
const BOOT = "echo \"$(cat /proc/sys/kernel/random/boot_id) $(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)\"";

/**
 * A planned change of a living cluster, step by step: playbooks of this sort look, decide, act on one host, and look
 * again. All hosts are connected and locked before it is made.
 */
export class Operation {
  readonly switchovers: Switchover[] = [];
  /** Hosts that nobody should wait for: they are being rebooted, or were not there from the beginning. */
  private readonly away = new Set<Host>();
  private current = '';

  constructor(
    readonly session: Session,
    readonly recorder: Recorder,
    private readonly locking: Locking,
    /** Undos that are armed now; seen through another model they are the same. */
    private readonly undos: Undos = new Undos({
      ask: (host, what, script, timeoutSeconds) => session.remote(host, what).run(script, timeoutSeconds),
      beside: (host, script, timeoutSeconds) => session.beside(host, script, timeoutSeconds),
    }),
  ) {}

  get cluster(): Cluster {
    return this.session.cluster;
  }

  /** Goes on without hosts that do not answer. */
  leaveOut(hosts: readonly Host[]): void {
    for (const host of hosts) this.away.add(host);
  }

  /** Whether nobody should wait for this host. */
  isAway(host: Host): boolean {
    return this.away.has(host);
  }

  /** A host of the model; asked for a name that it does not have, this is a bug. */
  host(name: string): Host {
    const host = this.cluster.hosts.find((one) => one.name === name);
    if (!host) throw new Error(`the inventory has no host "${name}"`);
    return host;
  }

  /**
   * The live cluster now, as far as the look is about: what was not asked is silent, which no verdict takes for a yes. A
   * host that does not answer is missing from it; one whose link was lost is dialled and locked again. Rejects with
   * Interrupted once the person waits for nothing any more.
   */
  async look(
    hosts: readonly Host[] = this.cluster.hosts,
    { about }: { about?: readonly About[] | undefined } = {},
  ): Promise<Snapshot> {
    const answers = await settleAll(hosts, this.session.options.forks, async (host) => {
      if (this.away.has(host)) throw new Error('away');
      if (!this.session.isOpen(host)) await this.reopen(host);
      try {
        return await observe(this.session, host, about);
      } catch (cause) {
        this.session.forget(host);
        throw cause;
      }
    });
    stopOn(this.session.interrupt.hard);
    const seen = new Map<string, Observation>();
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled') seen.set(hosts[index]!.name, answer.value);
    return takeSnapshot(seen);
  }

  private async reopen(host: Host): Promise<void> {
    await this.session.open(host);
    try {
      await lockOne(this.session, host, this.locking);
    } catch (cause) {
      // Without its lock the host is not this run's to work on.
      this.session.forget(host);
      throw cause;
    }
  }

  /** Takes down what ended the run. */
  failed(cause: Error): void {
    const [host, step] = cause instanceof StepFailed ? [cause.host, cause.step] : ['', this.current];
    this.recorder.failure(host, step, cause);
  }

  /** One line for each touched host's own audit log. */
  async audit(text: string): Promise<void> {
    const touched = this.cluster.hosts.filter((host) => this.recorder.done.some((one) => one.host === host.name));
    const results = await settleAll(touched, this.session.options.forks, (host) =>
      this.session.ask(host, auditScript(`run=${this.session.options.run} ${text}`), AUDIT_S),
    );
    // The controller's own journal has it too.
    attempted(results);
  }

  /**
   * Looks until the verdict is yes, and returns what was seen then. Rejects with StepFailed on `host` after `seconds`.
   * The person is told the first reason meanwhile, or what `doing` says. Rejects with Interrupted when the person presses
   * Ctrl-C twice, and where the wait is `stoppable` (nothing is half done then) at once.
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
      const snapshot = await this.look(hosts, { about });
      const verdict = judge(snapshot);
      if (verdict.ok) return snapshot;
      if (clock.now() > end)
        throw new StepFailed(host.name, what, `not so within ${seconds} s: ${verdict.reasons.join('; ')}`);
      this.say(host, doing ? await doing() : `waiting: ${verdict.reasons[0]}`);
      await this.pause(everyMs, stoppable);
    }
  }

  /** Waits so long (ms). Ctrl-C ends it as it ends `until`. */
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

  /** One thing done to one host, taken down with its duration. */
  step<T>(host: Host, step: string, role: string, action: Action, work: (remote: Remote) => Promise<T>): Promise<T> {
    return this.recorder.timed({ host: host.name, stage: this.current, step, role, action }, () =>
      work(this.session.remote(host, step)),
    );
  }

  /** Asks a host something; rejects with StepFailed when the answer is a failure. */
  ask(host: Host, what: string, script: string, timeoutSeconds?: number): Promise<string> {
    return this.session.remote(host, what).run(script, timeoutSeconds);
  }

  /** Stops here when the person wants to stop; to be called where nothing is half done. */
  checkInterrupt(): void {
    stopOn(this.session.interrupt.soft);
  }

  /**
   * Arms the undo of something temporary; the change itself follows. It beats until it is released or called off. Again: it
   * counts anew, and is there if it had run.
   */
  arm(host: Host, name: string, undo: string, seconds: number): Promise<void> {
    return this.undos.arm(host, name, undo, seconds);
  }

  /** Lets an armed undo count anew; false where it has run meanwhile, so that what it has put back must be set again. */
  keep(host: Host, name: string): Promise<boolean> {
    return this.undos.keep(host, name);
  }

  /** Puts back what is temporary, by running its undo. */
  release(host: Host, name: string): Promise<void> {
    return this.undos.release(host, name);
  }

  /** Calls an undo off: what it would put back stays as it is now. */
  callOff(host: Host, name: string): Promise<void> {
    return this.undos.callOff(host, name);
  }

  /** Does work under an undo, which puts everything back at the end, however it ends. */
  undoing<T>(host: Host, name: string, undo: string, seconds: number, work: () => Promise<T>): Promise<T> {
    return this.undos.during(host, name, undo, seconds, work);
  }

  /** The same operation, seen through another model of the same hosts (one more, one less). */
  through(cluster: Cluster): Operation {
    return new Operation(this.session.through(cluster), this.recorder, this.locking, this.undos);
  }

  /** Puts back everything temporary that can be reached; returns what could not, for the person. */
  async releaseAll(): Promise<string[]> {
    const left: string[] = [];
    for (const { host, name } of [...this.undos.armed].reverse())
      try {
        if (this.session.interrupt.hard.aborted) throw new Interrupted('not waited for');
        if (!this.session.isOpen(host)) await this.reopen(host);
        await this.release(host, name);
      } catch (cause) {
        left.push(`${host.name}: ${name} is still set and will undo itself (${(cause as Error).message})`);
      }
    return left;
  }

  /**
   * Ends what a run that died has left: waits for its units, runs its undos. To be called with the locks held, for then
   * whatever is armed belongs to nobody.
   */
  async clearLeftovers(snapshot: Snapshot): Promise<string[]> {
    const cleared: string[] = [];
    for (const [name, { units }] of snapshot.observations)
      for (const undo of activeUndos(said(units) ?? [])) {
        await this.step(this.host(name), `undo ${undo}`, 'hapg', 'run', (remote) =>
          remote.run(runUndo(undo), LEFTOVER_S),
        );
        cleared.push(`${name}: ${undo}, left by an interrupted run, was undone`);
      }
    return cleared;
  }

  /** Reboots a host and waits until it is back with a new boot, reconnected and locked. Rejects after `seconds`. */
  async reboot(host: Host, seconds: number): Promise<void> {
    const before = (await this.ask(host, 'reboot', BOOT)).trim();
    this.away.add(host);
    try {
      // The answer comes before the shell is taken away.
      await this.ask(
        host,
        'reboot',
        `systemd-run -q --on-active=1 --timer-property=AccuracySec=100ms ${quote('/bin/systemctl')} reboot`,
      );
      const { clock } = this.session;
      const end = clock.now() + seconds * 1000;
      for (;;) {
        await this.pause(1000);
        this.session.forget(host);
        this.say(host, 'rebooting');
        const after = await this.dial(host);
        if (after !== undefined && after !== before) break;
        if (clock.now() > end) throw new StepFailed(host.name, 'reboot', `not back within ${seconds} s`);
      }
    } finally {
      this.away.delete(host);
    }
    await lockOne(this.session, host, { ...this.locking, waitSeconds: LOGIN_S });
  }

  /** The boot of a host that answers; undefined while it does not. */
  private async dial(host: Host): Promise<string | undefined> {
    try {
      await this.session.open(host);
      return (await this.ask(host, 'reboot', BOOT, LOGIN_S)).trim();
    } catch {
      return undefined;
    }
  }
}
