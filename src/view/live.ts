import type { RunEvent } from '../engine/events.ts';
import type { Host } from '../inventory/model.ts';
import { lastingLine, type ProgressView } from './plain.ts';
import type { Screen } from './screen.ts';
import { paint } from './style.ts';
import { visible } from './visible.ts';

/** The row of one host. */
interface Row {
  doing: string;
  changed: number;
  outcome?: 'failed' | 'unreachable';
}

/** The part of a Listr2 task that sets what it shows. */
interface Task {
  title: string;
}

/** Redraw interval: Listr2's own (ms). */
const TICK_MS = 100;

/** Prefix with which log-update erases its previous lines; the screen does that itself. */
const ERASING = /^(?:\x1b\[2K|\x1b\[1A|\x1b\[G)*/;

const oneLine = (text: string): string => visible(text.trim().replace(/\s*\n\s*/g, ' '));

/** Folds the events of a run into one row per host. */
class Rows {
  private readonly rows: Map<string, Row>;
  private readonly width: number;

  constructor(hosts: readonly Host[]) {
    this.rows = new Map(hosts.map(({ name }) => [name, { doing: '', changed: 0 }]));
    this.width = Math.max(...hosts.map(({ name }) => name.length), 0);
  }

  take(event: RunEvent): void {
    const row = 'host' in event ? this.rows.get(event.host) : undefined;
    if (!row) return;
    // A host that does something is reachable again.
    if (event.type === 'doing' || event.type === 'changed')
      row.outcome = row.outcome === 'failed' ? 'failed' : undefined;
    if (event.type === 'doing') row.doing = oneLine(event.text);
    else if (event.type === 'changed') {
      row.changed++;
      row.doing = paint.dim(event.stage);
    } else if (event.type === 'failed' || event.type === 'unreachable') row.outcome = event.type;
  }

  /** Whether nothing was changed and nothing failed: a read-only command leaves no rows. */
  get isQuiet(): boolean {
    return [...this.rows.values()].every(({ changed, outcome }) => changed === 0 && outcome !== 'failed');
  }

  hasFailed(name: string): boolean {
    return this.rows.get(name)?.outcome !== undefined;
  }

  /** The host's present work. */
  now(name: string): string {
    return `${name.padEnd(this.width)}  ${this.rows.get(name)!.doing}`.trimEnd();
  }

  /** The host's result. */
  result(name: string): string {
    const { outcome, changed } = this.rows.get(name)!;
    const text = outcome ? paint.red(outcome) : changed > 0 ? paint.yellow(`${changed} changed`) : paint.green('ok');
    return `${name.padEnd(this.width)}  ${text}`;
  }
}

/**
 * Listr2's live view: one line per host with its present work, below the stages and notes. Listr2 draws on the screen,
 * so it owns neither standard output nor standard error. It pauses while a question is open.
 */
export async function liveProgress(hosts: readonly Host[], screen: Screen): Promise<ProgressView> {
  const { Listr, ListrLogger, ProcessOutput, Spinner } = await import('listr2');
  const started = performance.now();
  const rows = new Rows(hosts);
  const tasks = new Map<string, Task>();
  const refresh = () => {
    for (const [name, task] of tasks) {
      const title = rows.now(name);
      if (task.title !== title) task.title = title;
    }
  };

  class ToScreen extends ProcessOutput {
    override hijack(): void {}
    override release(): void {}
    override get stdout(): NodeJS.WriteStream {
      const stream = {
        get rows() {
          return screen.size.rows;
        },
        get columns() {
          return screen.size.columns;
        },
        write: (text: string) => {
          screen.draw(text.replace(ERASING, ''));
          return true;
        },
      };
      return stream as unknown as NodeJS.WriteStream;
    }
    /** The final lines, which stay. */
    override toStdout(text: string): boolean {
      if (!rows.isQuiet) screen.print(text);
      return true;
    }
  }

  class Ticks extends Spinner {
    private timer: NodeJS.Timeout | undefined;
    override start(draw: () => void): void {
      this.timer = setInterval(() => {
        if (screen.isAsking) return;
        this.spin();
        refresh();
        draw();
        // Listr2 hides the cursor each time it draws.
        screen.showCursor();
      }, TICK_MS);
    }
    override stop(): void {
      clearInterval(this.timer);
    }
  }

  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let begun: () => void = () => undefined;
  const began = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const list = new Listr(
    hosts.map(({ name }) => ({
      title: rows.now(name),
      task: async (_context: unknown, task: Task) => {
        tasks.set(name, task);
        if (tasks.size === hosts.length) begun();
        await finished;
        task.title = rows.result(name);
        if (rows.hasFailed(name)) throw new Error('failed');
      },
    })),
    {
      renderer: 'default',
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      collectErrors: false,
      rendererOptions: {
        collapseErrors: false,
        showErrorMessage: false,
        formatOutput: 'truncate',
        logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: new ToScreen() }),
        spinner: new Ticks(),
      },
    },
  );
  const running = list.run().catch(() => undefined);
  // Listr2 draws at ticks only once it runs; before that, it would draw into a question.
  await Promise.race([began, running]);
  screen.showCursor();
  return {
    emit(event) {
      rows.take(event);
      const line = lastingLine(event, performance.now() - started);
      if (line !== undefined) screen.print(line);
    },
    async end() {
      finish();
      await running;
    },
  };
}
