import type { HoldName } from '../observe/holds.ts';
import { PATHS } from '../paths.ts';
import { place, remove, runNow } from './timed-script.ts';

/**
 * A hold is a temporary state that an operator wants: a pause, a drained host. It outlives the run that set it, other
 * runs leave it alone, and it ends at its time by itself. (An undo belongs to one run, and the next run puts it back.)
 */
const placeOf = (name: HoldName) => ({ unit: `hapg-hold-${name}`, directory: `${PATHS.hold}/${name}` });

/**
 * POSIX sh that makes `body` the end of the hold `name`, to run in `seconds` by the host's own clock, or at the next boot
 * where the host is off at that time. Without `seconds` the hold has no end of its own. Setting it again replaces it.
 */
export function setHold(name: HoldName, body: string, seconds: number | undefined): string {
  const its = placeOf(name);
  const until =
    seconds === undefined
      ? 'until=never'
      : `until=$(($(date +%s) + ${seconds}))
moment=$(date -u -d "@$until" '+%Y-%m-%d %H:%M:%S UTC')`;
  // A timer of an earlier hold of this name must not end this one.
  return `${seconds === undefined ? `${dropHold(name)}\n` : ''}set -e
${until}
${place({
  ...its,
  description: 'hapg end of a temporary state',
  body,
  log: `ended: ${name}`,
  // The time is kept over a boot; OnActiveSec would begin anew.
  when: seconds === undefined ? [] : ['OnCalendar=$moment', 'Persistent=true'],
})}
echo "$until" > ${its.directory}/until`;
}

/** POSIX sh that ends a hold now, if there is one. */
export const endHold = (name: HoldName): string => runNow(placeOf(name));

/** POSIX sh that removes a hold without doing what its end does. */
export const dropHold = (name: HoldName): string => remove(placeOf(name));
