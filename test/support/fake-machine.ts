import type { Clock } from '../../src/clock.ts';
import { Interrupted, Unreachable } from '../../src/errors.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import type { Machine, Network, RunOptions, ShellAnswer } from '../../src/transport/machine.ts';

/** A clock whose time passes only in waits, which return at once. */
export class FakeClock implements Clock {
  private ms = Date.parse('2026-01-01T00:00:00Z');
  private readonly alarms: { at: number; what: () => void }[] = [];

  now(): number {
    return this.ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const end = this.ms + ms;
    // Other waits get their turn as well.
    await new Promise((done) => setImmediate(done));
    for (;;) {
      if (signal?.aborted) throw new Interrupted();
      const next = this.alarms.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.alarms.splice(this.alarms.indexOf(next), 1);
      this.ms = Math.max(this.ms, next.at);
      next.what();
    }
    this.ms = Math.max(this.ms, end);
  }

  /** Schedules `what` in `ms`, as far as a wait reaches that time. */
  in(ms: number, what: () => void): void {
    this.alarms.push({ at: this.ms + ms, what });
  }
}

/** The answer to a script that never ends. */
export const HANGS = Symbol('hangs');

export type Said = string | ShellAnswer | typeof HANGS;

/** The answer of a host to a script. */
export type Answer = (script: string, host: string) => Said | Promise<Said>;

/** The holder of a host's lock. */
const OTHER_RUN = Symbol('another run');

/**
 * Hosts in memory: a function from script to answer, links that can be lost, locks that end with the link that took
 * them, scripts that hang until their time is over.
 */
export class FakeNetwork implements Network {
  readonly clock = new FakeClock();
  /** Every script that a host was given, in order. */
  readonly heard: { host: string; script: string }[] = [];
  /** Every login, in order. */
  readonly dialled: string[] = [];
  /** Hosts that refuse every login. */
  readonly unreachable = new Set<string>();
  /** Largest number of hosts that ran a script at the same moment. */
  busiest = 0;
  private busy = 0;
  private readonly links = new Map<string, Set<FakeMachine>>();
  private readonly locks = new Map<string, FakeMachine | typeof OTHER_RUN>();

  constructor(readonly answer: Answer) {}

  async dial(_cluster: Cluster, { name }: Host): Promise<Machine> {
    this.dialled.push(name);
    await Promise.resolve();
    if (this.unreachable.has(name)) throw new Unreachable(name, 'no answer within 20 s');
    const machine = new FakeMachine(this, name);
    const links = this.links.get(name) ?? new Set();
    this.links.set(name, links.add(machine));
    return machine;
  }

  async jumpHosts(): Promise<Map<string, Host[][]>> {
    return new Map();
  }

  /** Drops the links to a host, and with them their locks. */
  lose(host: string): void {
    for (const machine of this.links.get(host) ?? []) machine.fail(new Error('the connection was lost'));
  }

  /** Gives the lock of a host to another run, or frees it. */
  lockedElsewhere(host: string, locked = true): void {
    if (locked) this.locks.set(host, OTHER_RUN);
    else this.locks.delete(host);
  }

  /** Hosts whose lock is held over one of these links. */
  get locked(): string[] {
    return [...this.locks].flatMap(([host, by]) => (by === OTHER_RUN ? [] : [host])).sort();
  }

  /** Scripts that a host was given in which a text stands. */
  told(host: string, text: string): string[] {
    return this.heard.filter((one) => one.host === host && one.script.includes(text)).map(({ script }) => script);
  }

  /** @internal A host works on a script. */
  async work(machine: FakeMachine, script: string): Promise<Said> {
    const { host } = machine;
    this.heard.push({ host, script });
    this.busiest = Math.max(this.busiest, ++this.busy);
    try {
      // So that hosts that are asked at the same moment work at the same moment.
      await new Promise((done) => setImmediate(done));
      const wait = /flock -w (\d+) 9/.exec(script);
      if (!wait) return await this.answer(script, host);
      const end = this.clock.now() + Number(wait[1]) * 1000;
      const taken = () => this.locks.has(host) && this.locks.get(host) !== machine;
      while (taken() && this.clock.now() < end) await this.clock.sleep(1000);
      if (taken()) return 'held\n{"run":"other","command":"update","by":"somebody","since":"yesterday"}';
      this.locks.set(host, machine);
      const said = await this.answer(script, host);
      return typeof said === 'string' ? `locked\n${said}` : said;
    } finally {
      this.busy--;
    }
  }

  /** @internal A link has ended. */
  ended(machine: FakeMachine): void {
    if (this.locks.get(machine.host) === machine) this.locks.delete(machine.host);
    this.links.get(machine.host)?.delete(machine);
  }
}

class FakeMachine implements Machine {
  private broken: Error | undefined;
  private readonly waiting = new Set<(reason: Error) => void>();

  constructor(
    private readonly network: FakeNetwork,
    readonly host: string,
  ) {}

  get isOpen(): boolean {
    return this.broken === undefined;
  }

  async run(script: string, { timeoutMs, signal }: RunOptions): Promise<ShellAnswer> {
    if (signal?.aborted) this.fail(new Interrupted());
    if (this.broken) throw this.broken;
    const { clock } = this.network;
    const end = clock.now() + timeoutMs;
    const late = new Error(`no answer within ${timeoutMs / 1000} s`);
    let stop: (reason: Error) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => {
      stop = reject;
    });
    lost.catch(() => undefined);
    this.waiting.add(stop);
    const leave = () => this.fail(new Interrupted());
    signal?.addEventListener('abort', leave);
    try {
      const said = await Promise.race([this.network.work(this, script), lost]);
      if (said === HANGS) {
        await Promise.race([clock.sleep(Math.max(0, end - clock.now()), signal), lost]);
        throw late;
      }
      if (clock.now() > end) throw late;
      return typeof said === 'string' ? { output: said, code: 0 } : said;
    } catch (cause) {
      this.fail(cause as Error);
      throw cause;
    } finally {
      this.waiting.delete(stop);
      signal?.removeEventListener('abort', leave);
    }
  }

  /** A second shell, which never blocks or ends the first one. */
  async beside(script: string): Promise<ShellAnswer> {
    if (this.broken) throw this.broken;
    const said = await this.network.work(this, script);
    if (said === HANGS) throw new Error('no answer in time');
    return typeof said === 'string' ? { output: said, code: 0 } : said;
  }

  fail(reason: Error): void {
    if (this.broken) return;
    this.broken = reason;
    for (const stop of this.waiting) stop(reason);
    this.network.ended(this);
  }

  close(): void {
    this.fail(new Error('the connection was closed'));
  }
}

/** Fails a test that waits for something that never happens. */
export async function inTime<T>(what: string, work: Promise<T>, ms = 60_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: waits for ever`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
