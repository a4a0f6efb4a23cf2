import { PATHS } from '../paths.ts';
import { quote } from '../shell/quote.ts';
import type { Step } from '../steps/step.ts';

const TIMER = 'hapg-undo';
/** Seconds until what could lock the operator out is put back by itself. */
export const UNDO_AFTER_S = 90;

/** Files that the undo scripts put back; copied before the change, `absent` when they are not there. */
const SAVED = ['/etc/ufw/user.rules', '/etc/ufw/user6.rules', '/etc/ufw/ufw.conf'];

/**
 * POSIX sh that keeps copies of what guarded steps will change and arms a timer that puts them back. The script lies on
 * disk and a unit file (not only a transient one) runs it, so that it also works after a reboot (OnActiveSec counts from
 * there; OnBootSec would fire at once on a host that is up for long).
 */
export function armScript(steps: readonly Step[]): string {
  const paths = [
    ...SAVED,
    ...steps.flatMap((one) => (one.kind.name === 'file' ? [(one.want as { path: string }).path] : [])),
  ];
  const undo = steps.map((one) => one.kind.undo?.(one) ?? '').join('\n');
  const reloads = [...new Set(steps.flatMap((one) => one.notify.map(({ unit }) => unit)))].map(
    (unit) => `systemctl try-reload-or-restart ${quote(unit)}`,
  );
  const body = `#!/bin/sh
# Puts back what a change of hapg would have locked the operator out with.
${undo}
${reloads.join('\n')}
logger -t hapg 'a guarded change was undone: no new login succeeded'
rm -rf ${PATHS.undo}
systemctl -q disable ${TIMER}.timer
systemctl --no-block stop ${TIMER}.timer
rm -f /etc/systemd/system/${TIMER}.service /etc/systemd/system/${TIMER}.timer
systemctl --no-block daemon-reload`;
  return `set -e
umask 077
rm -rf ${PATHS.undo}
mkdir -p ${PATHS.undo}
for f in ${paths.map(quote).join(' ')}; do
  if [ -e "$f" ]; then cp -a "$f" ${PATHS.undo}/"$(echo "$f" | tr / _)"; fi
done
printf %s ${quote(body)} > ${PATHS.undo}/undo.sh
printf '[Unit]\\nDescription=hapg undo of a guarded change\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh ${PATHS.undo}/undo.sh\\n' > /etc/systemd/system/${TIMER}.service
printf '[Unit]\\nDescription=hapg undo of a guarded change\\n[Timer]\\nOnActiveSec=${UNDO_AFTER_S}\\nAccuracySec=1s\\n[Install]\\nWantedBy=timers.target\\n' > /etc/systemd/system/${TIMER}.timer
chmod 0644 /etc/systemd/system/${TIMER}.service /etc/systemd/system/${TIMER}.timer
systemctl daemon-reload
systemctl -q enable ${TIMER}.timer
systemctl restart ${TIMER}.timer`;
}

/** POSIX sh that calls the undo off, once a new login has succeeded. */
export const disarmScript = `systemctl -q disable --now ${TIMER}.timer 2>/dev/null
rm -f /etc/systemd/system/${TIMER}.service /etc/systemd/system/${TIMER}.timer
rm -rf ${PATHS.undo}
systemctl daemon-reload
! systemctl -q is-active ${TIMER}.timer`;
