import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface UnitWant {
  name: string;
  enabled: boolean;
  active: boolean;
  /** A package brings it and turns it on, so it has to be turned off as soon as it is there. */
  packaged?: boolean;
  /** Seconds to wait for the start. */
  timeout?: number;
}

export interface UnitState {
  load: string;
  active: string;
  enabled: string;
  needsReload: boolean;
}

const PROPERTIES = 'LoadState,ActiveState,UnitFileState,NeedDaemonReload';

const running = ({ active }: UnitState): boolean =>
  active === 'active' || active === 'reloading' || active === 'activating';

/** A systemd unit: enabled or not, running or not. */
const unitKind: Kind<UnitWant, UnitState> = {
  name: 'unit',
  probe: (steps) => `systemctl show -p ${PROPERTIES} -- ${words(...steps.map((one) => one.want.name))}`,
  parse(answer, steps) {
    const blocks = answer.trim().split(/\n\s*\n/);
    if (blocks.length !== steps.length)
      throw new Error(`systemctl answered for ${blocks.length} of ${steps.length} units: ${answer.slice(0, 200)}`);
    return new Map(
      steps.map((one, index) => {
        const fields = new Map(
          (blocks[index] ?? '')
            .split('\n')
            .map((line): [string, string] => [line.split('=')[0] ?? '', line.split('=').slice(1).join('=')]),
        );
        return [
          one.id,
          {
            load: fields.get('LoadState') ?? '',
            active: fields.get('ActiveState') ?? '',
            enabled: fields.get('UnitFileState') ?? '',
            needsReload: fields.get('NeedDaemonReload') === 'yes',
          },
        ];
      }),
    );
  },
  diff({ want }, state) {
    if (state.load === 'not-found' && (want.active || want.enabled))
      return { action: 'create', summary: want.active ? 'start and enable' : 'enable', knownAfterApply: true };
    if (state.load === 'not-found' && want.packaged)
      return { action: 'update', summary: 'stop and disable', knownAfterApply: true };
    const reasons: string[] = [];
    if (want.active && (state.load === 'masked' || state.enabled.startsWith('masked'))) reasons.push('masked → unmask');
    if (want.enabled && !/^(enabled|static|alias|generated|indirect)/.test(state.enabled))
      reasons.push(`${state.enabled || 'not installed'} → enabled`);
    if (!want.enabled && state.enabled === 'enabled') reasons.push('enabled → disabled');
    if (want.active !== running(state)) reasons.push(`${state.active} → ${want.active ? 'active' : 'inactive'}`);
    if (want.active && state.active === 'activating') reasons.push('activating → active');
    if (state.needsReload) reasons.push('changed on disk → daemon-reload');
    return reasons.length === 0
      ? undefined
      : { action: want.active && !running(state) ? 'create' : 'update', summary: reasons.join(', ') };
  },
  async change({ want }, state, remote) {
    const name = quote(want.name);
    if (!want.active && !want.enabled) {
      await remote.run(
        `systemctl disable --now ${name} 2>&1; systemctl daemon-reload; systemctl reset-failed ${name} 2>/dev/null; ! systemctl -q is-active ${name}`,
      );
      return;
    }
    remote.doing(`starting ${want.name}`);
    const limit = want.timeout ?? 60;
    // Each of these makes systemd read every unit again, so they are done only where they are needed.
    const masked = state.load === 'masked' || state.enabled.startsWith('masked');
    await remote.run(
      `${masked ? `systemctl unmask -q ${name}` : ''}
${masked || state.needsReload || state.load !== 'loaded' ? 'systemctl daemon-reload' : ''}
${state.active === 'failed' ? `systemctl reset-failed ${name}` : ''}
${want.enabled && state.enabled !== 'enabled' ? `systemctl enable -q ${name} || exit 1` : ''}
${
  want.active
    ? `timeout ${limit} systemctl start ${name} || { echo 'the unit did not start:'; systemctl --no-pager -n 0 status ${name} | sed -n 3,5p; journalctl -q --no-pager -n 15 -o cat -u ${name}; exit 1; }`
    : ''
}`,
      limit + 10,
    );
  },
};

/** A step: this unit runs and starts at boot. */
export const unit = (role: RoleName, name: string, options: StepOptions & { timeout?: number } = {}): Step =>
  step(
    unitKind,
    role,
    name,
    { name, enabled: true, active: true, ...(options.timeout ? { timeout: options.timeout } : {}) },
    options,
  );

/** A step: this unit neither runs nor starts at boot. */
export const unitOff = (role: RoleName, name: string, options: StepOptions & { packaged?: boolean } = {}): Step =>
  step(unitKind, role, name, { name, enabled: false, active: false, packaged: options.packaged ?? false }, options);
