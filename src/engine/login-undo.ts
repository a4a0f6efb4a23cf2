import { LOGIN_UNDO_S } from '../bounds/undo.ts';
import { PATHS } from '../paths.ts';
import { quote } from '../shell/quote.ts';
import type { Step } from '../steps/step.ts';
import { armUndo, callOffUndo } from './undo-script.ts';

/**
 * POSIX sh that saves what guarded steps will change, and arms an undo that restores it: with the kinds' own `save` and
 * `undo`, then a reload of the units that the steps notify.
 */
export function armLoginUndo(steps: readonly Step[]): string {
  const parts = (scripts: readonly (string | undefined)[]): string => scripts.filter(Boolean).join('\n');
  const reloads = [...new Set(steps.flatMap((one) => one.notify.map(({ unit }) => unit)))].map(
    (unit) => `systemctl try-reload-or-restart ${quote(unit)}`,
  );
  const undo = parts([...steps.map((one) => one.kind.undo?.(one)), ...reloads]);
  return `set -e
umask 077
rm -rf ${PATHS.loginUndo}
mkdir -p ${PATHS.loginUndo}
${parts(steps.map((one) => one.kind.save?.(one)))}
${armUndo('guard', undo, LOGIN_UNDO_S)}`;
}

/** POSIX sh that calls the undo off. To be run after a new login has succeeded. */
export const callOffLoginUndo = callOffUndo('guard');
