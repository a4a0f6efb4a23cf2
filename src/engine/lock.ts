import { ANSWER_S, LOCK_READ_S } from '../bounds/hosts.ts';
import { Locked, StepFailed, Unanswered } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { json } from '../programs/json.ts';
import { LOCK_FD } from '../shell/frame.ts';
import { print } from '../shell/quote.ts';
import { whoAmI } from '../whoami.ts';
import { settleAll } from './pool.ts';
import type { Session } from './session.ts';
import { clearEnded } from './transient.ts';
import { runUndo } from './undo-script.ts';

/** The holder of a host's lock, written into the lock file for whoever is refused. */
export interface Holder {
  run: string;
  command: string;
  by: string;
  since: string;
}

export const holder = (run: string, command: string): Holder => ({
  run,
  command,
  by: `${whoAmI()} pid ${process.pid}`,
  since: new Date().toISOString(),
});

/** Describes a holder in a few words; `text` is the content of the lock file. */
export function describeHolder(text: string): string {
  try {
    const { command, by, since, run } = JSON.parse(text) as Holder;
    return `hapg ${command} by ${by} since ${since}, run ${run}`;
  } catch {
    return text.trim() || 'unknown';
  }
}

/** Whether a lock file's content names this run. */
export const isHeldBy = (text: string, run: string): boolean => json<Holder>(text)?.run === run;

/**
 * POSIX sh for the persistent shell: flock(2) on one of its descriptors, which the kernel frees when the session ends.
 * Only that descriptor stays behind in the shell. Runs the undo of a change whose login was never proved: it would
 * otherwise run during the holder's work.
 */
export const lockScript = (
  who: Holder,
  waitSeconds: number,
): string => `( umask 077; mkdir -p ${PATHS.state}; : >> ${PATHS.lock} )
exec ${LOCK_FD}>>${PATHS.lock}
if flock -w ${Math.max(waitSeconds, LOCK_READ_S)} ${LOCK_FD}; then
  ${print(JSON.stringify(who))} > ${PATHS.lock}
  ${clearEnded}
  echo locked
  ( ${runUndo('guard')} ) >/dev/null 2>&1 ${LOCK_FD}>&-
else
  echo held
  cat ${PATHS.lock}
  exec ${LOCK_FD}>&-
fi`;

/** Reads the answer of `lockScript`. Throws Locked, naming the holder. */
export function expectLocked(host: Host, output: string): void {
  const lines = output.trim().split('\n');
  if (lines[0] !== 'locked') throw new Locked(host.name, describeHolder(lines.slice(1).join('\n')));
}

/** How a run takes locks: its name in the lock files, and how long it waits for another run (s). */
export interface Locking {
  who: Holder;
  waitSeconds: number;
}

/**
 * The host whose lock is taken first: the first by name. Of two runs over the same hosts exactly one gets it, so they
 * can never hold half of the hosts each.
 */
export const firstOf = (hosts: readonly Host[]): Host | undefined =>
  [...hosts].sort((a, b) => (a.name < b.name ? -1 : 1))[0];

/** Takes the lock of one connected host. Throws Locked, or StepFailed where the host does not answer. */
export async function lockOne(session: Session, host: Host, { who, waitSeconds }: Locking): Promise<void> {
  let output: string;
  try {
    ({ output } = await session.ask(host, lockScript(who, waitSeconds), waitSeconds + ANSWER_S, true));
  } catch (cause) {
    throw cause instanceof Unanswered ? new StepFailed(host.name, 'lock', cause.reason) : cause;
  }
  expectLocked(host, output);
}

/**
 * Takes the locks of connected hosts: the first one alone, then the others together. Throws Locked. The locks end with
 * the session.
 */
export async function lockAll(session: Session, hosts: readonly Host[], locking: Locking): Promise<void> {
  const first = firstOf(hosts);
  if (!first) return;
  await lockOne(session, first, locking);
  const results = await settleAll(
    hosts.filter((host) => host !== first),
    session.options.forks,
    (host) => lockOne(session, host, locking),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
