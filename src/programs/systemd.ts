import { quote, words } from '../shell/quote.ts';

/** POSIX sh: a condition, whether the unit runs. */
export const isActive = (unit: string): string => `systemctl -q is-active ${quote(unit)}`;

/** POSIX sh: prints `active` when the unit runs or is just being started (which one that fails again and again is, most of the time). */
export const tellActive = (unit: string): string =>
  `case "$(systemctl is-active ${quote(unit)})" in active|activating) echo active ;; esac`;

/** POSIX sh: waits for the end of a unit that may be at work, looking every `seconds`. */
export const awaitEnd = (unit: string, seconds: number): string => `while ${isActive(unit)}; do sleep ${seconds}; done`;

/** POSIX sh: systemd reads all unit files anew. */
export const DAEMON_RELOAD = 'systemctl daemon-reload';

/** POSIX sh: starts a unit and waits until it is there, for `seconds` at most. Its status is systemctl's, or that of timeout(1). */
export const start = (unit: string, seconds: number): string => `timeout ${seconds} systemctl start ${quote(unit)}`;

/** POSIX sh: has a unit started, failed or not, and does not wait for it. */
export const beginStart = (unit: string): string => `${resetFailed(unit)}\nsystemctl start --no-block ${quote(unit)}`;

/** POSIX sh: forgets that a unit has failed, and how often; without that systemd may refuse to start it. Never fails. */
export const resetFailed = (unit: string): string => `systemctl reset-failed ${quote(unit)} 2>/dev/null || :`;

/** POSIX sh: stops a unit, which then counts as stopped and not as failed; ends the script where it does not stop. */
export const stop = (unit: string): string => `systemctl stop ${quote(unit)} || exit 1\n${resetFailed(unit)}`;

/** POSIX sh: a unit that runs reads its configuration anew. */
export const reloadActive = (unit: string): string => `if ${isActive(unit)}; then systemctl reload ${quote(unit)}; fi`;

/** POSIX sh that stops those of these units that this host has; the first that does not stop ends the script. */
export const stopUnits = (units: readonly string[]): string =>
  units
    .map((unit) => `if systemctl cat ${quote(unit)} >/dev/null 2>&1; then systemctl stop ${quote(unit)} || exit 1; fi`)
    .join('\n');

/** POSIX sh that starts those of these units that are meant to run here (enabled), whatever becomes of the one before. */
export const startUnits = (units: readonly string[]): string =>
  units
    .map(
      (unit) =>
        `if systemctl -q is-enabled ${quote(unit)} 2>/dev/null; then systemctl start ${quote(unit)} || echo ${quote(`${unit} did not start`)}; fi`,
    )
    .join('\n');

/** POSIX sh that stops these units, of which a host need not have all, and keeps them from starting at a boot. */
export const turnOffUnits = (units: readonly string[]): string => `${stopUnits(units)}
for u in ${words(...units)}; do systemctl -q disable "$u" 2>/dev/null || true; done`;

/** What systemd tells of a unit (org.freedesktop.systemd1(5)). */
export interface UnitState {
  load: string;
  active: string;
  enabled: string;
  needsReload: boolean;
}

/** POSIX sh that prints the states of units; read by `parseUnits`. */
export const showUnits = (units: readonly string[]): string =>
  `systemctl show -p LoadState,ActiveState,UnitFileState,NeedDaemonReload -- ${words(...units)}`;

/** Reads what `showUnits` printed, in the order of the question. Throws when a unit has no answer. */
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
    };
  });
}

/** POSIX sh: a unit neither runs nor starts at a boot; fails when it still runs. */
export const turnOff = (unit: string): string =>
  `systemctl disable --now ${quote(unit)} 2>&1; ${DAEMON_RELOAD}; ${resetFailed(unit)}; ! ${isActive(unit)}`;

/**
 * POSIX sh: a unit in this state is unmasked, enabled and started where that is wanted; for the start `seconds` are given, and
 * one that fails is told with the last lines of its log. Each of these makes systemd read every unit again, so they are
 * done only where they are needed.
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
