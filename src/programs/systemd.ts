import { quote, words } from '../shell/quote.ts';

/** POSIX sh condition: the unit runs. */
export const isActive = (unit: string): string => `systemctl -q is-active ${quote(unit)}`;

/** POSIX sh that prints `active` when the unit runs or is being started, as one that keeps failing is most of the time. */
export const printActive = (unit: string): string =>
  `case "$(systemctl is-active ${quote(unit)})" in active|activating) echo active ;; esac`;

/** POSIX sh that waits for a unit's end, checking every `seconds`. */
export const awaitEnd = (unit: string, seconds: number): string => `while ${isActive(unit)}; do sleep ${seconds}; done`;

/** POSIX sh that makes systemd reload all unit files. */
export const DAEMON_RELOAD = 'systemctl daemon-reload';

/** POSIX sh that starts a unit and waits for it, `seconds` at most. The exit status is that of systemctl or timeout(1). */
export const start = (unit: string, seconds: number): string => `timeout ${seconds} systemctl start ${quote(unit)}`;

/** POSIX sh that begins to start a unit, failed or not, without waiting. */
export const beginStart = (unit: string): string => `${resetFailed(unit)}\nsystemctl start --no-block ${quote(unit)}`;

/** POSIX sh that resets a unit's failures and their count; otherwise systemd may refuse to start it. Never fails. */
export const resetFailed = (unit: string): string => `systemctl reset-failed ${quote(unit)} 2>/dev/null || :`;

/** POSIX sh that stops a unit, which then counts as stopped and not as failed; ends the script when it does not stop. */
export const stop = (unit: string): string => `systemctl stop ${quote(unit)} || exit 1\n${resetFailed(unit)}`;

/** POSIX sh that reloads a unit if it runs. */
export const reloadActive = (unit: string): string => `if ${isActive(unit)}; then systemctl reload ${quote(unit)}; fi`;

/** POSIX sh that stops these units as far as the host has them; ends the script when one does not stop. */
export const stopUnits = (units: readonly string[]): string =>
  units
    .map((unit) => `if systemctl cat ${quote(unit)} >/dev/null 2>&1; then systemctl stop ${quote(unit)} || exit 1; fi`)
    .join('\n');

/** POSIX sh that starts these units as far as they are enabled, even when one before fails. */
export const startUnits = (units: readonly string[]): string =>
  units
    .map(
      (unit) =>
        `if systemctl -q is-enabled ${quote(unit)} 2>/dev/null; then systemctl start ${quote(unit)} || echo ${quote(`${unit} did not start`)}; fi`,
    )
    .join('\n');

/** POSIX sh that stops and disables these units as far as the host has them. */
export const turnOffUnits = (units: readonly string[]): string => `${stopUnits(units)}
for u in ${words(...units)}; do systemctl -q disable "$u" 2>/dev/null || true; done`;

/** systemd's state of a unit (org.freedesktop.systemd1(5)). */
export interface UnitState {
  load: string;
  active: string;
  enabled: string;
  needsReload: boolean;
  /** Files that change this unit and are neither hapg's nor a package's. */
  dropIns: string[];
}

/** Drop-ins of one unit that an administrator has made (below /etc and /run, as the manual of units says); hapg's have its name. */
const OTHERS_DROP_IN = /^\/(etc|run)\/systemd\/system\/[^/]+\.(service|timer|socket)\.d\/(?!hapg)[^/]+$/;

/** POSIX sh that prints the states of units; read by `parseUnits`. */
export const showUnits = (units: readonly string[]): string =>
  `systemctl show -p LoadState,ActiveState,UnitFileState,NeedDaemonReload,DropInPaths -- ${words(...units)}`;

/** Reads the output of `showUnits`, in the order of the question. Throws when a unit has no answer. */
export function parseUnits(answer: string, count: number): UnitState[] {
  const blocks = answer.trim().split(/\n\s*\n/);
  if (blocks.length !== count)
    throw new Error(`systemctl answered for ${blocks.length} of ${count} units: ${answer.slice(0, 200)}`);
  return blocks.map((block) => {
    const fields = new Map(
      block.split('\n').map((line): [string, string] => [line.split('=')[0] ?? '', line.split('=').slice(1).join('=')]),
    );
    return {
      load: fields.get('LoadState') ?? '',
      active: fields.get('ActiveState') ?? '',
      enabled: fields.get('UnitFileState') ?? '',
      needsReload: fields.get('NeedDaemonReload') === 'yes',
      dropIns: (fields.get('DropInPaths') ?? '').split(' ').filter((path) => OTHERS_DROP_IN.test(path)),
    };
  });
}

/** POSIX sh that stops and disables a unit; fails when it still runs. */
export const turnOff = (unit: string): string =>
  `systemctl disable --now ${quote(unit)} 2>&1; ${DAEMON_RELOAD}; ${resetFailed(unit)}; ! ${isActive(unit)}`;

/**
 * POSIX sh that unmasks, enables and starts a unit as far as its state needs it. The start is bounded by `seconds`, and
 * a failure is reported with the last lines of the unit's log. Each of these makes systemd reload every unit, so only
 * the needed ones are done.
 */
export function turnOn(
  unit: string,
  state: UnitState,
  { enabled, active, seconds }: { enabled: boolean; active: boolean; seconds: number },
): string {
  const name = quote(unit);
  const masked = state.load === 'masked' || state.enabled.startsWith('masked');
  return `${masked ? `systemctl unmask -q ${name}` : ''}
${masked || state.needsReload || state.load !== 'loaded' ? DAEMON_RELOAD : ''}
${state.active === 'failed' ? `systemctl reset-failed ${name}` : ''}
${enabled && state.enabled !== 'enabled' ? `systemctl enable -q ${name} || exit 1` : ''}
${
  active
    ? `${start(unit, seconds)} || { echo 'the unit did not start:'; systemctl --no-pager -n 0 status ${name} | sed -n 3,5p; journalctl -q --no-pager -n 15 -o cat -u ${name}; exit 1; }`
    : ''
}`;
}
