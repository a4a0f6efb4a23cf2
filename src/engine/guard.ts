import { PATHS } from '../paths.ts';
import { quote } from '../shell/quote.ts';
import type { Step } from '../steps/step.ts';
import { armUndo, callOffUndo } from './temporary.ts';

/** Seconds until what could lock the operator out is put back by itself. */
export const UNDO_AFTER_S = 90;

/** Files that the undo scripts put back; copied before the change, `absent` when they are not there. */
const SAVED = ['/etc/ufw/user.rules', '/etc/ufw/user6.rules', '/etc/ufw/ufw.conf', '/etc/default/ufw'];

/** POSIX sh that keeps copies of what guarded steps will change and arms an undo that puts them back. */
export function armScript(steps: readonly Step[]): string {
  const paths = [
    ...SAVED,
    ...steps.flatMap((one) => (one.kind.name === 'file' ? [(one.want as { path: string }).path] : [])),
  ];
  const undo = steps.map((one) => one.kind.undo?.(one) ?? '');
  const reloads = [...new Set(steps.flatMap((one) => one.notify.map(({ unit }) => unit)))].map(
    (unit) => `systemctl try-reload-or-restart ${quote(unit)}`,
  );
  return `set -e
umask 077
rm -rf ${PATHS.guard}
mkdir -p ${PATHS.guard}
for f in ${paths.map(quote).join(' ')}; do
  if [ -e "$f" ]; then cp -a "$f" ${PATHS.guard}/"$(echo "$f" | tr / _)"; fi
done
${armUndo('guard', [...undo, ...reloads].join('\n'), UNDO_AFTER_S)}`;
}

/** POSIX sh that calls the undo off, once a new login has succeeded. */
export const disarmScript = callOffUndo('guard');
