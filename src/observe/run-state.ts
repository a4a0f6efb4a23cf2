import { PATHS } from '../paths.ts';
import { showFile } from '../programs/files.ts';
import type { Answer } from './answer.ts';
import { filled, type Question } from './question.ts';

/** Returns the names of armed undos, from a host's active units. */
export const armedUndos = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^hapg-undo-([a-z0-9-]+)\.timer$/.exec(unit)?.[1] ?? [])),
];

/**
 * Returns the units of runs at work, a running undo included, from a host's active units. A drill and a client's load
 * do not count: they may run beside everything.
 */
export const unitsAtWork = (units: readonly string[]): string[] => [
  ...new Set(units.flatMap((unit) => /^(hapg-(?!drill\.|load\.|probe-)[a-z0-9-]+)\.service$/.exec(unit)?.[1] ?? [])),
];

/**
 * POSIX sh that prints the holder of a host's lock, or nothing; writes nothing. It shares the lock with other readers
 * for a moment; a run that wants the lock waits that long.
 */
export const holderScript = `if [ -e ${PATHS.lock} ] && ! flock -sn 8 8< ${PATHS.lock}; then cat ${PATHS.lock}; fi`;

/** Handlers (reloads and restarts) that are still due. */
export const pending: Question<string[]> = {
  about: 'host',
  of: () => true,
  script: () => `for f in ${PATHS.pending}/*; do [ ! -e "$f" ] || echo "\${f##*/}"; done`,
  read: filled,
};

/** Transient units and undo timers of hapg that are active now. */
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

/** The holder of the host's lock, from the lock file. */
export const holder: Question<string | undefined> = {
  about: 'host',
  of: () => true,
  script: () => holderScript,
  read: (answer) => answer.trim() || undefined,
};

/** The restore that is under way on this host, with its target. */
export const restore: Question<string | undefined> = {
  about: 'host',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script: () => showFile(PATHS.restore),
  read: (answer) => answer.trim() || undefined,
};
