import { type Clock, passes } from '../clock.ts';
import type { RunEvent } from '../engine/events.ts';
import { duration } from './style.ts';

/** The longest silence while something works (ms); pipelines end jobs that say nothing for minutes. */
export const SILENCE_MS = 30_000;

/** Says which hosts do what when nothing was printed for a while. */
export class Heartbeat {
  private readonly doing = new Map<string, string>();
  private readonly ended = new AbortController();
  private readonly started: number;
  private lastLine: number;

  constructor(
    private readonly clock: Clock,
    private readonly print: (line: string) => void,
  ) {
    this.started = clock.now();
    this.lastLine = this.started;
  }

  /** Time since the beginning of the run (ms). */
  get elapsed(): number {
    return this.clock.now() - this.started;
  }

  /** Takes note of an event; `printed`: a line was shown for it. */
  take(event: RunEvent, printed: boolean): void {
    if (printed) this.lastLine = this.clock.now();
    if (event.type === 'doing') this.doing.set(event.host, event.text.trim().split('\n')[0]!);
    else if (event.type !== 'stage' && event.type !== 'note') this.doing.delete(event.host);
  }

  /** Beats until `end`. */
  async run(): Promise<void> {
    this.lastLine = this.clock.now();
    for (;;) {
      const left = this.lastLine + SILENCE_MS - this.clock.now();
      if (left <= 0) {
        this.lastLine = this.clock.now();
        if (this.doing.size > 0) this.print(`still working (${duration(this.elapsed)}): ${this.work()}`);
      } else if (!(await passes(this.clock, left, this.ended.signal))) return;
    }
  }

  end(): void {
    this.ended.abort();
  }

  /** What hosts do, those that do the same together. */
  private work(): string {
    const hosts = new Map<string, string[]>();
    for (const [host, text] of this.doing) hosts.set(text, [...(hosts.get(text) ?? []), host]);
    return [...hosts].map(([text, names]) => `${names.join(', ')}: ${text}`).join('; ');
  }
}
