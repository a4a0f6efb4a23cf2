import type { Emit, RunEvent } from '../engine/events.ts';
import type { Host } from '../inventory/model.ts';
import { duration, paint } from './style.ts';

/** Shows a run while it goes on; `end` leaves what should stay. */
export interface Progress {
  emit: Emit;
  end(): Promise<void>;
}

/** One line an event, for logs and pipes; goes to standard error so that `-o json` stays one document. */
function plainProgress(verbosity: number, write: (line: string) => void): Progress {
  return {
    emit(event) {
      const line = describe(event, verbosity);
      if (line !== undefined) write(line);
    },
    end: async () => undefined,
  };
}

function describe(event: RunEvent, verbosity: number): string | undefined {
  switch (event.type) {
    case 'stage':
      return paint.bold(`── ${event.stage}`);
    case 'doing':
      return verbosity > 0 ? `${event.host}: ${event.text}` : undefined;
    case 'changed':
      return paint.yellow(
        `${event.host}: ${event.step}${event.ms > 1000 || verbosity > 0 ? ` (${duration(event.ms)})` : ''}`,
      );
    case 'failed':
      return paint.red(`${event.host}: FAILED ${event.step}: ${event.message}`);
    case 'unreachable':
      return paint.red(event.message);
    case 'note':
      return event.text;
    case 'host-done':
      return undefined;
  }
}

/** Listr2's live view: one line a host with what it does now. */
async function liveProgress(hosts: readonly Host[]): Promise<Progress> {
  const { Listr } = await import('listr2');
  const tasks = new Map<string, { output: string; title: string }>();
  const changes = new Map<string, number>();
  const failed = new Set<string>();
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const list = new Listr(
    hosts.map((host) => ({
      title: host.name,
      task: async (_context: unknown, task: { output: string; title: string }) => {
        tasks.set(host.name, task);
        await finished;
        const count = changes.get(host.name) ?? 0;
        task.title = `${host.name}  ${failed.has(host.name) ? paint.red('failed') : count > 0 ? paint.yellow(`${count} changed`) : paint.green('ok')}`;
        if (failed.has(host.name)) throw new Error(task.output || 'failed');
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      collectErrors: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: true },
    },
  );
  const running = list.run().catch(() => undefined);
  return {
    emit(event) {
      if (event.type === 'stage' || event.type === 'note' || event.type === 'host-done') return;
      const task = tasks.get(event.host);
      if (event.type === 'changed') changes.set(event.host, (changes.get(event.host) ?? 0) + 1);
      if (event.type === 'failed' || event.type === 'unreachable') failed.add(event.host);
      if (!task) return;
      if (event.type === 'doing') task.output = event.text;
      if (event.type === 'changed') task.title = `${event.host}  ${paint.dim(event.stage)}`;
      if (event.type === 'failed') task.output = `${event.step}: ${event.message}`;
      if (event.type === 'unreachable') task.output = event.message;
    },
    async end() {
      finish();
      await running;
    },
  };
}

/** The view that fits: live on a terminal with room for all hosts, else plain lines; nothing when quiet. */
export async function progressFor(
  hosts: readonly Host[],
  options: { quiet: boolean; verbosity: number; json: boolean },
): Promise<Progress> {
  if (options.quiet) return { emit: () => undefined, end: async () => undefined };
  const room = (process.stdout.rows ?? 0) > hosts.length + 4;
  if (!options.json && process.stdout.isTTY && room && options.verbosity === 0) return liveProgress(hosts);
  return plainProgress(options.verbosity, (line) => process.stderr.write(`${line}\n`));
}
