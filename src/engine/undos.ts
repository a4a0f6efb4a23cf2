import { BEAT_ANSWER_S, BEAT_S, UNDOING_S } from '../bounds/undo.ts';
import type { Host } from '../inventory/model.ts';
import { armUndo, callOffUndo, isUndoArmed, keepUndo, prolongUndo, runUndo } from './undo-script.ts';

/** How scripts reach a host. */
export interface HostChannels {
  /** Runs a script behind whatever else this run does there. Rejects when it fails. */
  ask(host: Host, what: string, script: string, timeoutSeconds?: number): Promise<string>;
  /** Runs a script beside whatever else this run does there. Rejects where the host is not connected. */
  beside(host: Host, script: string, timeoutSeconds: number): Promise<unknown>;
}

/** An undo that is armed. */
export interface ArmedUndo {
  readonly host: Host;
  readonly name: string;
  /** Ends its beats. */
  readonly stopBeats: () => Promise<void>;
}

/**
 * Keeps account of the undos of one operation, and lets each beat: as long as this process lives and reaches the host, an
 * undo counts anew every minute, however long the work under it takes. When the process or the link dies, beats end, and
 * the undo comes after its time.
 *
 * Beats come from here, over a channel of their own. The host's lock would tell the same without any traffic, for the
 * kernel frees it with the session; but a session whose controller has lost its power or is suspended stays for two hours
 * where sshd does not ask for signs of life (tcp(7), "tcp_keepalive_time"), and all that time the undo would not come.
 */
export class Undos {
  private readonly list: ArmedUndo[] = [];

  constructor(private readonly channels: HostChannels) {}

  /** Those that are armed now, the oldest first. */
  get armed(): readonly ArmedUndo[] {
    return this.list;
  }

  /** Arms an undo that comes in so many seconds unless it beats; again: it is there even if it had run, and counts anew. */
  async arm(host: Host, name: string, undo: string, seconds: number): Promise<void> {
    await this.channels.ask(host, `arming the undo ${name}`, `set -e\n${armUndo(name, undo, seconds)}`);
    if (!this.find(host, name)) this.list.push({ host, name, stopBeats: this.beating(host, name, seconds) });
  }

  /** Lets an undo count anew; returns whether what it would put back is still as it was set. */
  async keep(host: Host, name: string): Promise<boolean> {
    return isUndoArmed(await this.channels.ask(host, `keeping the undo ${name}`, keepUndo(name), UNDOING_S));
  }

  /** Puts back what is temporary, by running its undo. */
  async run(host: Host, name: string): Promise<void> {
    await this.find(host, name)?.stopBeats();
    await this.channels.ask(host, `undoing ${name}`, runUndo(name), UNDOING_S);
    this.drop(host, name);
  }

  /** Calls an undo off: what it would put back stays as it is now. */
  async callOff(host: Host, name: string): Promise<void> {
    await this.find(host, name)?.stopBeats();
    await this.channels.ask(host, `keeping what ${name} did`, callOffUndo(name));
    this.drop(host, name);
  }

  /** Does work under an undo, which puts everything back at the end, however it ends. A failure of the work comes first. */
  async around<T>(host: Host, name: string, undo: string, seconds: number, work: () => Promise<T>): Promise<T> {
    await this.arm(host, name, undo, seconds);
    let result: T;
    try {
      result = await work();
    } catch (cause) {
      // What cannot be reached now undoes itself; it stays in the account, so that the person is told.
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

  /** Begins to beat; returns what ends that, after a beat that is on its way. A beat that is not answered is left at that. */
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
