import { hostname, userInfo } from 'node:os';
import { Locked } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { LOCK_FD } from '../shell/frame.ts';
import { print } from '../shell/quote.ts';
import { settleAll } from './pool.ts';
import type { Session } from './session.ts';

/** Who holds a host's lock; written into the lock file for the person who meets it. */
export interface Holder {
  run: string;
  command: string;
  by: string;
  since: string;
}

export const holder = (run: string, command: string): Holder => ({
  run,
  command,
  by: `${userInfo().username}@${hostname()} pid ${process.pid}`,
  since: new Date().toISOString(),
});

/** Tells a holder in a few words; the text is whatever the lock file held. */
export function describeHolder(text: string): string {
  try {
    const { command, by, since, run } = JSON.parse(text) as Holder;
    return `hapg ${command} by ${by} since ${since}, run ${run}`;
  } catch {
    return text.trim() || 'unknown';
  }
}

/** flock(2) on a descriptor of the persistent shell: the kernel frees it when the session ends, however it ends. */
const lockScript = (who: Holder, waitSeconds: number): string => `umask 077
mkdir -p ${PATHS.state}
exec ${LOCK_FD}>>${PATHS.lock}
if flock ${waitSeconds > 0 ? `-w ${waitSeconds}` : '-n'} ${LOCK_FD}; then
  ${print(JSON.stringify(who))} > ${PATHS.lock}
  echo locked
else
  echo held
  cat ${PATHS.lock}
  exec ${LOCK_FD}>&-
fi`;

/** Takes one host's lock. Throws Locked, naming the holder. */
export async function lockHost(session: Session, host: Host, who: Holder, waitSeconds: number): Promise<void> {
  const { output } = await session.ask(host, lockScript(who, waitSeconds), waitSeconds + 20, true);
  const lines = output.trim().split('\n');
  if (lines[0] !== 'locked') throw new Locked(host.name, describeHolder(lines.slice(1).join('\n')));
}

/**
 * Takes the locks of all hosts. The first in name order is taken alone: of two runs over the same hosts exactly one
 * passes it, so they can never hold half of the hosts each. Throws Locked.
 */
export async function lockAll(session: Session, hosts: readonly Host[], who: Holder, waitSeconds: number): Promise<void> {
  const [first, ...others] = [...hosts].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (!first) return;
  await lockHost(session, first, who, waitSeconds);
  for (const result of await settleAll(others, session.options.forks, (host) => lockHost(session, host, who, waitSeconds)))
    if (result.status === 'rejected') throw result.reason;
}

/** POSIX sh that tells the holder of a host's lock, or prints nothing; takes no lock and writes nothing. */
export const holderScript = `if [ -e ${PATHS.lock} ] && ! flock -n ${PATHS.lock} true; then cat ${PATHS.lock}; fi`;
