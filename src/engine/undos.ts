import { BEAT_ANSWER_S, BEAT_S, UNDOING_S } from '../bounds/undo.ts';
import type { Host } from '../inventory/model.ts';
import { armUndo, callOffUndo, isUndoArmed, keepUndo, prolongUndo, runUndo } from './undo-script.ts';

/** How scripts reach a host. */
export interface HostChannels {
  /** Runs a script after this run's other scripts on the host. Rejects when it fails. */
  ask(host: Host, what: string, script: string, timeoutSeconds?: number): Promise<string>;
  /** Runs a script concurrently with this run's other scripts on the host. Rejects where the host is not connected. */
  beside(host: Host, script: string, timeoutSeconds: number): Promise<unknown>;
}

/** An armed undo. */
export interface ArmedUndo {
  readonly host: Host;
  readonly name: string;
  /** Ends its heartbeats. */
  readonly stopBeats: () => Promise<void>;
}

/**
 * The armed undos of one operation, with their heartbeats. As long as this process lives and reaches the host, a
 * heartbeat restarts the undo's time every minute, however long the work takes. When the process or the link dies,
 * heartbeats end, and the undo runs after its time.
 *
 * Heartbeats come from here, over a channel of their own. The host's lock would need no traffic, because the kernel
 * frees it with the session. But the session of a controller that lost its power or is suspended stays for two hours
 * where sshd sends no keepalives (tcp(7), "tcp_keepalive_time"), and all that time the undo would not run.
 */
export class Undos {
  private readonly list: ArmedUndo[] = [];

  constructor(private readonly channels: HostChannels) {}

  /** The armed undos, oldest first. */
  get armed(): readonly ArmedUndo[] {
    return this.list;
  }

  /**
   * Arms an undo that runs in `seconds` without a heartbeat. Arming it again restores it where it has run, and restarts
   * its time.
   */
  async arm(host: Host, name: string, undo: string, seconds: number): Promise<void> {
    await this.channels.ask(host, `arming the undo ${name}`, `set -e\n${armUndo(name, undo, seconds)}`);
    if (!this.find(host, name)) this.list.push({ host, name, stopBeats: this.beating(host, name, seconds) });
  }

  /** Restarts an undo's time. Returns false where it has run. */
  async keep(host: Host, name: string): Promise<boolean> {
    return isUndoArmed(await this.channels.ask(host, `keeping the undo ${name}`, keepUndo(name), UNDOING_S));
  }

  /** Runs an undo now, which restores what was changed temporarily. */
  async run(host: Host, name: string): Promise<void> {
    await this.find(host, name)?.stopBeats();
    await this.channels.ask(host, `undoing ${name}`, runUndo(name), UNDOING_S);
    this.drop(host, name);
  }

  /** Calls an undo off: the change stays. */
  async callOff(host: Host, name: string): Promise<void> {
    await this.find(host, name)?.stopBeats();
    await this.channels.ask(host, `keeping what ${name} did`, callOffUndo(name));
    this.drop(host, name);
  }

  /**
   * Does work under an undo, and runs the undo at the end, however the work ends. A failure of the work is reported
   * first.
   */
  async around<T>(host: Host, name: string, undo: string, seconds: number, work: () => Promise<T>): Promise<T> {
    await this.arm(host, name, undo, seconds);
    let result: T;
    try {
      result = await work();
    } catch (cause) {
      // An undo that cannot be reached runs by itself. It stays in the list, so that it is reported.
      await this.run(host, name).catch(() => undefined);
      throw cause;
    }
    await this.run(host, name);
    return result;
  }

  private find(host: Host, name: string): ArmedUndo | undefined {
    return this.list.find((one) => one.host.name === host.name && one.name === name);
  }

  private drop(host: Host, name: string): void {
    const one = this.find(host, name);
    if (one) this.list.splice(this.list.indexOf(one), 1);
  }

  /**
   * Starts the heartbeats. Returns a function that ends them and awaits one in flight. A heartbeat without an answer is
   * not repeated.
   */
  private beating(host: Host, name: string, seconds: number): () => Promise<void> {
    let beat: Promise<unknown> | undefined;
    const timer = setInterval(
      () => {
        beat ??= this.channels
          .beside(host, prolongUndo(name), BEAT_ANSWER_S)
          .catch(() => undefined)
          .finally(() => (beat = undefined));
      },
      Math.min(BEAT_S, seconds / 3) * 1000,
    ).unref();
    return async () => {
      clearInterval(timer);
      await beat;
    };
  }
}
