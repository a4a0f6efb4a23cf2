import { ANSWER_S, START_UNIT_S } from '../bounds/hosts.ts';
import { parseUnits, showUnits, turnOff, turnOn, type UnitState } from '../programs/systemd.ts';
import type { RoleName } from '../roles.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface UnitWant {
  name: string;
  enabled: boolean;
  active: boolean;
  /** Whether a package brings and enables it, so that it has to be disabled right after the installation. */
  packaged?: boolean;
  /** How long to wait for the start (s). */
  timeout?: number;
}

const running = ({ active }: UnitState): boolean =>
  active === 'active' || active === 'reloading' || active === 'activating';

/** A systemd unit: enabled or not, running or not. */
const unitKind: Kind<UnitWant, UnitState> = {
  name: 'unit',
  probe: (steps) => showUnits(steps.map((one) => one.want.name)),
  parse(answer, steps) {
    const states = parseUnits(answer, steps.length);
    return new Map(steps.map((one, index) => [one.id, states[index]!]));
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
  notes: ({ want }, { dropIns }) =>
    want.active ? dropIns.map((path) => `kept, not from hapg: ${path} changes how ${want.name} runs`) : [],
  async change({ want }, state, remote) {
    if (!want.active && !want.enabled) {
      await remote.run(turnOff(want.name));
      return;
    }
    remote.doing(`starting ${want.name}`);
    const seconds = want.timeout ?? START_UNIT_S;
    await remote.run(turnOn(want.name, state, { ...want, seconds }), seconds + ANSWER_S);
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
