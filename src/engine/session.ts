import { setTimeout as sleep } from 'node:timers/promises';
import { KnownError, Refused, StepFailed, Unreachable } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { redact, type Secret } from '../secrets/secret.ts';
import type { Remote } from '../steps/step.ts';
import { type Connection, type Credentials, connect } from '../transport/connection.ts';
import type { ShellAnswer } from '../transport/shell.ts';
import { readSshConfig, resolveTarget, type SshFlags, type SshTarget } from '../transport/target.ts';
import { findWays, type Ways } from '../transport/ways.ts';
import type { Emit } from './events.ts';
import { settleAll } from './pool.ts';
import { awaitUnit, isRunning, startUnit } from './transient.ts';

export interface SessionOptions {
  flags: SshFlags;
  credentials: Credentials;
  /** Hosts worked on at once. */
  forks: number;
  emit: Emit;
  run: string;
  /** Values that no message of a failure may hold. */
  secrets: () => Iterable<Secret>;
}

const DEFAULT_TIMEOUT_S = 60;
/** For so long new logins are tried after a guarded change (ms); well below the time after which that is put back. */
const LOGIN_MS = 30_000;
/** Of the hosts behind one chain of jumps so many are asked: one that answers proves the way. */
const WITNESSES = 3;
/** Seconds between two looks at how far something long is. */
const LOOK_S = 3;

/** The connections of one run: at most one a host, opened together, closed together. */
export class Session {
  private readonly sshConfig = readSshConfig();
  private foundWays: Promise<Ways> | undefined;

  constructor(
    readonly cluster: Cluster,
    readonly options: SessionOptions,
    private readonly connections = new Map<string, Connection>(),
    private readonly end = { reached: false },
  ) {}

  /** The same connections for another model of the same hosts. */
  through(cluster: Cluster): Session {
    return new Session(cluster, this.options, this.connections, this.end);
  }

  /** Logs in to a host; rejects with Unreachable. A host that is connected already is left as it is. */
  async open(host: Host): Promise<void> {
    if (this.connections.has(host.name)) return;
    const connection = await this.dial(host);
    if (this.end.reached) {
      connection.close();
      throw new Unreachable(host.name, 'the session was closed');
    }
    this.connections.set(host.name, connection);
  }

  /**
   * Logs in to all hosts at once; returns those that could not be reached. What is no fault of a host (the person has left a
   * prompt with Ctrl-C) rejects at once: nobody waits for the other hosts then.
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
   * The hosts through which others are reached, however that is written, with those behind them. Throws Refused where the
   * inventory denies it of one: what it says would cut those off that are behind it.
   */
  ways(): Promise<Ways> {
    this.foundWays ??= findWays(this.cluster, (host) => this.target(host)).then((ways) => {
      for (const host of this.cluster.hosts)
        if (host.jumpHost === false && ways.has(host.name))
          throw new Refused(
            `${host.name}: jump_host is false, and ${ways.get(host.name)![0]?.[0]?.name ?? host.name} is reached through it; nothing was changed`,
          );
      return ways;
    });
    return this.foundWays;
  }

  /**
   * Hosts behind this one that can be reached now: for each distinct chain of jumps some, or none where nobody answers there.
   * Asked before a change that could close the way; afterwards they prove that it did not.
   */
  async witnesses(host: Host): Promise<Host[][]> {
    const chains = (await this.ways()).get(host.name) ?? [];
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
   * Second, separate logins: proof that one can still get in, all the way to the super user, and through this host to those
   * behind it (one of each list of witnesses). Tried for a while, for sshd and the firewall may be reading their settings at
   * that very moment, on the hosts behind as well. Rejects with the first reason.
   */
  async proveLogin(host: Host, witnesses: readonly (readonly Host[])[] = [], timeoutMs = LOGIN_MS): Promise<void> {
    const end = Date.now() + timeoutMs;
    await Promise.all([
      this.keepTrying([host], end),
      ...witnesses.map((behind) =>
        this.keepTrying(behind, end).catch((cause: Error) => {
          throw new Error(`${behind.map(({ name }) => name).join(', ')} behind it: ${cause.message}`);
        }),
      ),
    ]);
  }

  /** Logs in to one of these hosts, in turn until one succeeds. Rejects with the last reason when the time is over. */
  private async keepTrying(hosts: readonly Host[], end: number): Promise<void> {
    for (let turn = 0; ; turn++)
      try {
        // Whoever began late gets a moment as well, or the last reason would be that there was no time.
        const left = Math.max(end - Date.now(), 3000);
        const late = sleep(left, undefined, { ref: false }).then(() => {
          throw new Error('no answer in time');
        });
        return await Promise.race([this.logIn(hosts[turn % hosts.length]!), late]);
      } catch (cause) {
        if (Date.now() > end) throw cause;
        await sleep(1000);
      }
  }

  /** Logs in a second time and out again; rejects where that does not lead to the super user. */
  protected async logIn(host: Host): Promise<void> {
    const connection = await this.dial(host);
    try {
      const answer = await connection.shell.run('id -u', 20_000);
      if (answer.output.trim() !== '0') throw new Error(`the new login is not the super user: ${answer.output.trim()}`);
    } finally {
      connection.close();
    }
  }

  /** Drops a connection, so that the next `open` makes a new one (after a reboot). */
  forget(host: Host): void {
    this.connections.get(host.name)?.close();
    this.connections.delete(host.name);
  }

  /**
   * Runs a script on a host's root shell. A non-zero status is an answer. The output is as the host gave it, for it is
   * parsed: whoever shows it takes the secrets out.
   */
  async ask(host: Host, script: string, timeoutSeconds = DEFAULT_TIMEOUT_S, inShell = false): Promise<ShellAnswer> {
    const connection = this.connections.get(host.name);
    if (!connection) throw new Error(`${host.name} is not connected`);
    return connection.shell.run(script, timeoutSeconds * 1000, inShell);
  }

  isOpen(host: Host): boolean {
    return this.connections.has(host.name);
  }

  /** What a step's change sees of its host; failures name host and step, and hold no secret. */
  remote(host: Host, step: string): Remote {
    const failed = (reason: string) => new StepFailed(host.name, step, redact(reason, this.options.secrets()));
    const run = async (script: string, timeoutSeconds?: number): Promise<string> => {
      let answer: ShellAnswer;
      try {
        answer = await this.ask(host, script, timeoutSeconds);
      } catch (cause) {
        throw failed((cause as Error).message);
      }
      if (answer.code !== 0) throw failed(lastLines(answer.output) || `exit status ${answer.code}`);
      return answer.output;
    };
    const doing = (text: string) => this.options.emit({ type: 'doing', host: host.name, text });
    return {
      host,
      run,
      unit: async (name, script, timeoutSeconds, progress) => {
        await run(startUnit(name, script, timeoutSeconds, this.options.run), timeoutSeconds + 30);
        if (!progress) return run(awaitUnit(name), timeoutSeconds + 30);
        for (;;) {
          const answer = await run(awaitUnit(name, { seconds: LOOK_S, script: progress.script }), LOOK_S + 60);
          const seen = isRunning(answer);
          if (seen === undefined) return answer;
          const text = progress.tell(seen);
          if (text) doing(text);
        }
      },
      doing,
    };
  }

  /** Ends all connections, and those that are being made. */
  close(): void {
    this.end.reached = true;
    for (const connection of this.connections.values()) connection.close();
    this.connections.clear();
  }

  private dial(host: Host): Promise<Connection> {
    return connect(host.name, this.target(host), this.options.credentials);
  }

  private target(host: Host): SshTarget {
    return resolveTarget(this.cluster, host, this.options.flags, this.sshConfig);
  }
}

const lastLines = (output: string): string =>
  output
    .split('\n')
    .filter((line) => line.trim())
    .slice(-12)
    .join('\n');
