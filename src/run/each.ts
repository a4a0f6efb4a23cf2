import { stopOn } from '../engine/interrupt.ts';
import { settleAll } from '../engine/pool.ts';
import { EXIT } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import type { Run } from './run.ts';

/** What came of one host: its answer, or why there is none. */
export type Each<T> = { host: string } & (
  | { state: 'answered'; answer: T }
  | { state: 'unreachable'; reason: string }
  | { state: 'failed'; reason: string }
);

/** A reason without the host's name, which stands beside it. */
const without = (host: string, message: string): string =>
  message.startsWith(`${host}: `) ? message.slice(host.length + 2) : message;

/**
 * Connects to the selected hosts and asks each, all at once. Every host has its place in the result, in the order of the
 * inventory, whatever became of it.
 */
export async function eachHost<T>(run: Run, ask: (host: Host) => Promise<T>): Promise<Each<T>[]> {
  const { session, setup, progress } = run;
  const unreachable = await session.openAll(setup.hosts);
  const reached = setup.hosts.filter(({ name }) => !unreachable.has(name));
  const results = await settleAll(reached, session.options.forks, ask);
  stopOn(session.interrupt.hard);
  await progress.end();
  return setup.hosts.map(({ name: host }): Each<T> => {
    const closed = unreachable.get(host);
    if (closed) return { host, state: 'unreachable', reason: `unreachable: ${closed.reason}` };
    const result = results[reached.findIndex(({ name }) => name === host)]!;
    return result.status === 'fulfilled'
      ? { host, state: 'answered', answer: result.value }
      : { host, state: 'failed', reason: without(host, (result.reason as Error).message) };
  });
}

/** The exit code of a command over hosts: a host that was not reached counts more than one where something failed. */
export const exitOf = <T>(all: readonly Each<T>[], failed: (answer: T) => boolean = () => false): number =>
  all.some(({ state }) => state === 'unreachable')
    ? EXIT.unreachable
    : all.some((one) => one.state === 'failed' || (one.state === 'answered' && failed(one.answer)))
      ? EXIT.failed
      : EXIT.done;
