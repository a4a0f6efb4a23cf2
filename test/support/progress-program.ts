/**
 * A program for tests in a terminal: runs a script of events, prints and questions with the real screen and the real
 * progress. Its argument is JSON: {hosts: [...], steps: [...]}, or the steps of `Step`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { RunEvent } from '../../src/engine/events.ts';
import type { Host } from '../../src/inventory/model.ts';
import { progressFor } from '../../src/view/progress.ts';
import { screen } from '../../src/view/screen.ts';
import { paint } from '../../src/view/style.ts';
import { GO_ON_FD } from './terminal.ts';

export type Step =
  | { emit: RunEvent }
  | { print: string }
  | { tell: string }
  /**
   * Asks several questions at once and prints the answers. Meanwhile: what happens while the first question is open.
   */
  | { ask: string[]; hidden?: boolean; meanwhile?: Step[] }
  /** Waits for `Terminal.goOn`. */
  | { hold: true }
  /** Stops as by Ctrl-Z, and continues when a shell has written this. */
  | { stopped: string }
  /** Ends as a program with a bug does. */
  | { die: string };

const { hosts, steps } = JSON.parse(process.argv[2]!) as { hosts: string[]; steps: Step[] };
const progress = await progressFor(
  hosts.map((name) => ({ name }) as Host),
  { quiet: false, verbosity: 0, json: false },
  screen,
);

async function go(step: Step): Promise<void> {
  if ('emit' in step) progress.emit(step.emit);
  else if ('print' in step) screen.print(step.print);
  else if ('tell' in step) screen.printMessage(paint.red(step.tell));
  else if ('hold' in step) {
    await promisify(read)(GO_ON_FD, Buffer.alloc(1), 0, 1, null);
  } else if ('stopped' in step) {
    const status = `/proc/${process.pid}/status`;
    const shell = `until grep -q '^State:.T' ${status}; do sleep 0.02; done; printf %s "$1"; kill -CONT ${process.pid}`;
    const ended = once(spawn('sh', ['-c', shell, 'sh', step.stopped], { stdio: ['ignore', 1, 2] }), 'close');
    process.kill(process.pid, 'SIGTSTP');
    await ended;
  } else if ('die' in step) {
    setImmediate(() => {
      throw new Error(step.die);
    });
    await new Promise(() => undefined);
  } else {
    const asked = step.ask.map((question) => (step.hidden ? screen.askHidden(question) : screen.ask(question)));
    if (step.meanwhile) {
      while (!screen.isAsking) await new Promise((done) => setImmediate(done));
      for (const other of step.meanwhile) await go(other);
    }
    screen.print(`answers: ${(await Promise.all(asked)).join(', ')}`);
  }
}

try {
  for (const step of steps) await go(step);
  await progress.end();
  await screen.end();
  screen.print('the end');
  screen.exit(0);
} catch (error) {
  await screen.end();
  screen.printMessage(`${(error as Error).name}: ${(error as Error).message}`);
  screen.exit(130);
}
