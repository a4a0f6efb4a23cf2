import { PATHS } from '../paths.ts';
import type { Answer } from './answer.ts';
import { filled, type Question } from './question.ts';

/** Names of the undos of temporary changes that are armed, from a host's active units. */
export const armedUndos = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^hapg-undo-([a-z0-9-]+)\.timer$/.exec(unit)?.[1] ?? [])),
];

/**
 * Units of runs that are at work now, from a host's active units, also an undo that is being run. A drill and a client's load
 * go on beside everything.
 */
export const unitsAtWork = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^(hapg-(?!drill\.|load\.)[a-z0-9-]+)\.service$/.exec(unit)?.[1] ?? [])),
];

/**
 * POSIX sh that tells the holder of a host's lock, or prints nothing; writes nothing. For the moment in which it looks it
 * shares the lock with others that look; a run that wants it waits that long.
 */
export const holderScript = `if [ -e ${PATHS.lock} ] && ! flock -sn ${PATHS.lock} true; then cat ${PATHS.lock}; fi`;

/** Reloads and restarts that are still due. */
export const pending: Question<string[]> = {
  about: 'host',
  of: () => true,
  script: () => `ls ${PATHS.pending} 2>/dev/null`,
  read: filled,
};

/** Transient hapg units and armed undo timers that are there now. */
export const units: Question<Answer<string[]>> = {
  about: 'host',
  of: () => true,
  script: () =>
    `systemctl list-units --plain --no-legend --state=active,activating 'hapg-*' 2>/dev/null && echo . || echo "code $?"`,
  read(answer) {
    const lines = filled(answer);
    if (lines.at(-1) !== '.') return { silent: 'systemd does not answer' };
    return { said: lines.slice(0, -1).map((line) => line.split(/\s+/)[0] ?? '') };
  },
};

/** Who holds the host's lock, as it stands in the lock file. */
export const holder: Question<string | undefined> = {
  about: 'host',
  of: () => true,
  script: () => holderScript,
  read: (answer) => answer.trim() || undefined,
};

/** A restore is under way on this host: what it was told. */
export const restore: Question<string | undefined> = {
  about: 'host',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script: () => `cat ${PATHS.restore} 2>/dev/null`,
  read: (answer) => answer.trim() || undefined,
};
