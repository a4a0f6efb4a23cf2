import { PATHS } from '../paths.ts';
import { place, remove, runNow } from './timed-script.ts';

/**
 * The undo of a temporary change (a guarded change, marks, drained balancers, stopped services). `name` is a plain word.
 */
const unitOf = (name: string): string => `hapg-undo-${name}`;

/** Directory of an undo's script and of the data that it restores. */
export const undoDirectory = (name: string): string => `${PATHS.undo}/${name}`;

const placeOf = (name: string) => ({ unit: unitOf(name), directory: undoDirectory(name) });

/**
 * POSIX sh that makes `body` the undo `name`, to run in `seconds`. Arming it again replaces it and restarts its time.
 * OnActiveSec counts from a boot as well; OnBootSec would fire at once on a host that has been up for long.
 * An undo that fails is run again: it ends with its own removal.
 */
export const armUndo = (name: string, body: string, seconds: number): string =>
  place({
    ...placeOf(name),
    description: 'hapg undo of a temporary change',
    body,
    log: `undone: ${name}`,
    when: [`OnActiveSec=${seconds}`],
  });

/** POSIX sh that runs an undo now, if it is armed. */
export const runUndo = (name: string): string => runNow(placeOf(name));

/** POSIX sh that restarts the time of an undo, if it is armed. */
export const prolongUndo = (name: string): string =>
  `if [ -e ${undoDirectory(name)}/undo.sh ]; then systemctl restart ${unitOf(name)}.timer; fi`;

/**
 * POSIX sh that restarts the time of an armed undo, and prints `armed` unless it has run. An undo that is running is
 * waited for: it restores what was set.
 */
export const keepUndo = (name: string): string => `ran=
while case "$(systemctl is-active ${unitOf(name)}.service)" in activating|active) true ;; *) false ;; esac; do ran=1; sleep 1; done
if [ -z "$ran" ] && [ -e ${undoDirectory(name)}/undo.sh ]; then systemctl restart ${unitOf(name)}.timer && echo armed; fi`;

/** Reads the answer of `keepUndo`. */
export const isUndoArmed = (answer: string): boolean => answer.trim() === 'armed';

/** POSIX sh that calls an undo off: the change stays. */
export const callOffUndo = (name: string): string => remove(placeOf(name));
