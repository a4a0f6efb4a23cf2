import { setTimeout as sleep } from 'node:timers/promises';
import { ASK_S, LOGIN_MS, LOGIN_S } from '../bounds/hosts.ts';
import { type Clock, systemClock } from '../clock.ts';
import { Interrupted, KnownError, Refused, Unanswered, Unreachable } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import type { Secret } from '../secret.ts';
import type { Remote } from '../steps/step.ts';
import type { JumpHosts } from '../transport/jump-hosts.ts';
import type { Machine, Network, ShellAnswer } from '../transport/machine.ts';
import type { Emit } from './events.ts';
import type { Hooks } from './hooks.ts';
import { Interrupt, stopOn } from './interrupt.ts';
import { settleAll } from './pool.ts';
import { remoteOf } from './remote.ts';

export interface SessionOptions {
  /** How the hosts are reached. */
  network: Network;
  /** Number of hosts worked on at once. */
  forks: number;
  emit: Emit;
  run: string;
  /** Secrets that are removed from error messages. */
  secrets: () => Iterable<Secret>;
  /** What the operator wants to happen at moments of the run; nothing by default. */
  hooks?: Hooks;
  /** The operator's request to stop; the second press closes the session. Absent: there is none. */
  interrupt?: Interrupt;
  /** The clock; this machine's by default. */
  clock?: Clock;
}

/** Number of hosts behind one chain of jump hosts that are asked; one that answers proves the chain. */
const WITNESSES = 3;

/** The connections of one run: at most one a host, opened together, closed together. */
export class Session {
  readonly clock: Clock;
  readonly interrupt: Interrupt;
  private foundJumpHosts: Promise<JumpHosts> | undefined;

  constructor(
    readonly cluster: Cluster,
    readonly options: SessionOptions,
    private readonly machines = new Map<string, Machine>(),
    private readonly end = { reached: false },
  ) {
    this.clock = options.clock ?? systemClock;
    this.interrupt = options.interrupt ?? new Interrupt();
    this.interrupt.hard.addEventListener('abort', () => this.close(), { once: true });
  }

  /** The same connections with another model of the same hosts. */
  through(cluster: Cluster): Session {
    return new Session(cluster, { ...this.options, interrupt: this.interrupt }, this.machines, this.end);
  }

  /**
   * Logs in to a host, also after a lost link; does nothing where it is connected. Rejects with Unreachable, and with Interrupted once the operator
   * has closed the session.
   */
  async open(host: Host): Promise<void> {
    if (this.isOpen(host)) return;
    this.disconnect(host);
    this.refuseEnded(host);
    const machine = await this.options.network.dial(this.cluster, host);
    try {
      this.refuseEnded(host);
    } catch (cause) {
      machine.close();
      throw cause;
    }
    this.machines.set(host.name, machine);
  }

  /** Throws once the session was closed: no connection is made then. */
  private refuseEnded(host: Host): void {
    stopOn(this.interrupt.hard);
    if (this.end.reached) throw new Unreachable(host.name, 'the session was closed');
  }

  /**
   * Logs in to all hosts at once; returns those that could not be reached. Rejects at once where the cause is not a
   * host (the operator left a prompt with Ctrl-C), without waiting for the others.
   */
  async openAll(hosts: readonly Host[]): Promise<Map<string, Unreachable>> {
    let giveUp: (reason: unknown) => void = () => undefined;
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const logIn = (host: Host) =>
      this.open(host).catch((cause: unknown) => {
        if (cause instanceof KnownError && !(cause instanceof Unreachable)) giveUp(cause);
        throw cause;
      });
    const results = await Promise.race([givenUp, settleAll(hosts, this.options.forks, logIn)]);
    const failed = new Map<string, Unreachable>();
    for (const [index, result] of results.entries()) {
      const host = hosts[index]!;
      if (result.status === 'fulfilled') continue;
      failed.set(host.name, result.reason as Unreachable);
      this.options.emit({ type: 'unreachable', host: host.name, message: (result.reason as Error).message });
    }
    return failed;
  }

  /**
   * The hosts through which others are reached, with those behind them. Throws Refused where the inventory denies it of
   * one with `jump_host: false`: the hosts behind it would be cut off.
   */
  jumpHosts(): Promise<JumpHosts> {
    this.foundJumpHosts ??= this.options.network.jumpHosts(this.cluster).then((ways) => {
      for (const host of this.cluster.hosts)
        if (host.jumpHost === false && ways.has(host.name))
          throw new Refused(
            `${host.name}: jump_host is false, and ${ways.get(host.name)![0]?.[0]?.name ?? host.name} is reached through it; nothing was changed`,
            'jump_host',
          );
      return ways;
    });
    return this.foundJumpHosts;
  }

  /**
   * Hosts behind this one that can be reached now: up to three for each distinct chain of jump hosts, none where none
   * answers. Asked before a change that could close the way; afterwards they prove that it did not.
   */
  async witnesses(host: Host): Promise<Host[][]> {
    const chains = (await this.jumpHosts()).get(host.name) ?? [];
    const reached = await Promise.all(
      chains.map(async (behind) => {
        const open = behind.filter((one) => this.isOpen(one));
        if (open.length > 0) return open.slice(0, WITNESSES);
        const tried = behind.slice(0, WITNESSES);
        const results = await settleAll(tried, WITNESSES, (one) => this.logIn(one));
        return tried.filter((_one, index) => results[index]!.status === 'fulfilled');
      }),
    );
    return reached.filter((one) => one.length > 0);
  }

  /**
   * Proves that new logins work: to the super user of this host, and through it to the hosts behind it (one of each
   * list of witnesses). Retries until `timeoutMs` have passed, because sshd and the firewall may be reloading. Rejects
   * with the last reason.
   */
  async proveLogin(host: Host, witnesses: readonly (readonly Host[])[] = [], timeoutMs = LOGIN_MS): Promise<void> {
    const end = this.clock.now() + timeoutMs;
    await Promise.all([
      this.keepTrying([host], end),
      ...witnesses.map((behind) =>
        this.keepTrying(behind, end).catch((cause: Error) => {
          if (cause instanceof Interrupted) throw cause;
          throw new Error(`${behind.map(({ name }) => name).join(', ')} behind it: ${cause.message}`);
        }),
      ),
    ]);
  }

  /** Logs in to these hosts in turn until one succeeds. Rejects with the last reason when the time is over. */
  private async keepTrying(hosts: readonly Host[], end: number): Promise<void> {
    for (let turn = 0; ; turn++)
      try {
        // An attempt that begins late gets three seconds, or the last reason would be that there was no time.
        const left = Math.max(end - this.clock.now(), 3000);
        const late = sleep(left, undefined, { ref: false }).then(() => {
          throw new Error('no answer in time');
        });
        return await Promise.race([this.logIn(hosts[turn % hosts.length]!), late]);
      } catch (cause) {
        if (this.clock.now() > end) throw cause;
        await this.clock.sleep(1000, this.interrupt.hard);
      }
  }

  /** Logs in a second time and out again. Rejects where that does not lead to the super user. */
  protected async logIn(host: Host): Promise<void> {
    const machine = await this.options.network.dial(this.cluster, host, { alone: true });
    try {
      const answer = await machine.run('id -u', { timeoutMs: LOGIN_S * 1000, signal: this.interrupt.hard });
      if (answer.output.trim() !== '0') throw new Error(`the new login is not the super user: ${answer.output.trim()}`);
    } finally {
      machine.close();
    }
  }

  /** Closes the connection to a host; the next `open` makes a new one (after a reboot). */
  disconnect(host: Host): void {
    this.machines.get(host.name)?.close();
    this.machines.delete(host.name);
  }

  /**
   * Runs a script in a host's root shell. A non-zero status is an answer. The output is not redacted, because it is
   * parsed: whoever shows it removes the secrets. Rejects with Unanswered when the link is lost or too slow, and with
   * Interrupted once the operator has closed the session.
   */
  async ask(host: Host, script: string, timeoutSeconds = ASK_S, inShell = false): Promise<ShellAnswer> {
    const { hard: signal } = this.interrupt;
    const machine = this.machines.get(host.name);
    try {
      if (!machine) throw new Error('it is not connected');
      return await machine.run(script, { timeoutMs: timeoutSeconds * 1000, inShell, signal });
    } catch (cause) {
      // The operator has closed the connection; that is the reason to report.
      stopOn(signal);
      throw cause instanceof KnownError ? cause : new Unanswered(host.name, (cause as Error).message);
    }
  }

  /** Runs a script concurrently with the host's root shell. Rejects where the host is not connected. */
  async beside(host: Host, script: string, timeoutSeconds: number): Promise<ShellAnswer> {
    const machine = this.machines.get(host.name);
    if (!machine) throw new Error(`${host.name} is not connected`);
    return machine.beside(script, { timeoutMs: timeoutSeconds * 1000, signal: this.interrupt.hard });
  }

  /** Whether the host is connected. A link that was lost, or a script that took too long, has ended the connection. */
  isOpen(host: Host): boolean {
    return this.machines.get(host.name)?.isOpen === true;
  }

  /** The host as a step's change sees it. */
  remote(host: Host, step: string): Remote {
    return remoteOf(this, host, step);
  }

  /** Closes all connections, also those that are being made. */
  close(): void {
    this.end.reached = true;
    for (const machine of this.machines.values()) machine.close();
    this.machines.clear();
  }
}
