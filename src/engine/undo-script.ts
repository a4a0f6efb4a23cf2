import { UNDO_AGAIN_S } from '../bounds/undo.ts';
import { PATHS } from '../paths.ts';
import { CLEAN_ENVIRONMENT } from '../shell/environment.ts';
import { print, quote } from '../shell/quote.ts';

/**
 * The undo of a temporary change (a guarded change, marks, drained balancers, stopped services): a script on disk and a
 * timer with a unit file, so that it survives a dead controller and a reboot. `name` is a plain word.
 */
const unitOf = (name: string): string => `hapg-undo-${name}`;
const UNITS = '/etc/systemd/system';

/** Directory of an undo's script and of the data that it restores. */
export const undoDirectory = (name: string): string => `${PATHS.undo}/${name}`;

/**
 * POSIX sh that makes `body` the undo `name`, to run in `seconds`. Arming it again replaces it and restarts its time.
 * OnActiveSec counts from a boot as well; OnBootSec would fire at once on a host that has been up for long.
 * An undo that fails is run again: it ends with its own removal.
 */
export function armUndo(name: string, body: string, seconds: number): string {
  const unit = unitOf(name);
  const directory = undoDirectory(name);
  const script = `#!/bin/sh
# Puts back what a run of hapg has changed for a while.
${body}
logger -t hapg ${quote(`undone: ${name}`)}
rm -rf ${directory}
systemctl -q disable ${unit}.timer
systemctl --no-block stop ${unit}.timer
rm -f ${UNITS}/${unit}.service ${UNITS}/${unit}.timer
systemctl --no-block daemon-reload
`;
  const service = `[Unit]
Description=hapg undo of a temporary change
[Service]
Type=oneshot
ExecStart=${CLEAN_ENVIRONMENT} /bin/sh ${directory}/undo.sh
`;
  const timer = `[Unit]
Description=hapg undo of a temporary change
[Timer]
OnActiveSec=${seconds}
OnUnitInactiveSec=${UNDO_AGAIN_S}
AccuracySec=1s
[Install]
WantedBy=timers.target
`;
  return `umask 077
mkdir -p ${directory}
${print(script)} > ${directory}/undo.sh
${print(service)} > ${UNITS}/${unit}.service
${print(timer)} > ${UNITS}/${unit}.timer
chmod 0644 ${UNITS}/${unit}.service ${UNITS}/${unit}.timer
systemctl daemon-reload
systemctl -q enable ${unit}.timer
systemctl restart ${unit}.timer`;
}

/** POSIX sh that runs an undo now, if it is armed. */
export const runUndo = (name: string): string =>
  `if [ -e ${undoDirectory(name)}/undo.sh ]; then sh ${undoDirectory(name)}/undo.sh; fi`;

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
export const callOffUndo = (name: string): string => `systemctl -q disable --now ${unitOf(name)}.timer 2>/dev/null
rm -f ${UNITS}/${unitOf(name)}.service ${UNITS}/${unitOf(name)}.timer
rm -rf ${undoDirectory(name)}
systemctl daemon-reload
! systemctl -q is-active ${unitOf(name)}.timer`;
