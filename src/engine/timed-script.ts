import { UNDO_AGAIN_S } from '../bounds/undo.ts';
import { CLEAN_ENVIRONMENT } from '../shell/environment.ts';
import { print, quote } from '../shell/quote.ts';

const UNITS = '/etc/systemd/system';

/** A script on a host's disk that a timer runs, so that it survives a dead controller and a reboot. */
export interface TimedScript {
  /** The name of its unit and of its timer, without a suffix. */
  unit: string;
  /** Its directory, which it removes at its end. */
  directory: string;
  description: string;
  /** What it does, in POSIX sh. Where it fails, it is run again. */
  body: string;
  /** Its line in the host's log. */
  log: string;
  /** When it runs, as lines of systemd.timer(5) that the shell expands; none: only when it is called. */
  when: readonly string[];
}

/** POSIX sh that puts a timed script on the host and starts its time. Putting it there again replaces it. */
export function place({ unit, directory, description, body, log, when }: TimedScript): string {
  const script = `#!/bin/sh
# Puts back what hapg has changed for a while.
${body}
logger -t hapg ${quote(log)}
rm -rf ${directory}
systemctl -q disable ${unit}.timer 2>/dev/null
systemctl --no-block stop ${unit}.timer 2>/dev/null
rm -f ${UNITS}/${unit}.service ${UNITS}/${unit}.timer
systemctl --no-block daemon-reload
`;
  const service = `[Unit]
Description=${description}
[Service]
Type=oneshot
ExecStart=${CLEAN_ENVIRONMENT} /bin/sh ${directory}/undo.sh
`;
  const files = `umask 077
mkdir -p ${directory}
${print(script)} > ${directory}/undo.sh`;
  if (when.length === 0) return files;
  // The shell fills in the time that the host's own clock gives.
  return `${files}
${print(service)} > ${UNITS}/${unit}.service
printf '%s\\n' '[Unit]' ${quote(`Description=${description}`)} '[Timer]' ${when.map((line) => `"${line}"`).join(' ')} OnUnitInactiveSec=${UNDO_AGAIN_S} AccuracySec=1s '[Install]' WantedBy=timers.target > ${UNITS}/${unit}.timer
chmod 0644 ${UNITS}/${unit}.service ${UNITS}/${unit}.timer
systemctl daemon-reload
systemctl -q enable ${unit}.timer
systemctl restart ${unit}.timer`;
}

/** POSIX sh that runs a timed script now, if it is there. */
export const runNow = ({ directory }: Pick<TimedScript, 'directory'>): string =>
  `if [ -e ${directory}/undo.sh ]; then sh ${directory}/undo.sh; fi`;

/** POSIX sh that removes a timed script without running it. */
export const remove = ({ unit, directory }: Pick<TimedScript, 'unit' | 'directory'>): string =>
  `systemctl -q disable --now ${unit}.timer 2>/dev/null
rm -f ${UNITS}/${unit}.service ${UNITS}/${unit}.timer
rm -rf ${directory}
systemctl daemon-reload
! systemctl -q is-active ${unit}.timer`;
