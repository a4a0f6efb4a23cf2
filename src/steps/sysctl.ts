import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface SysctlWant {
  key: string;
  value: string;
  /** Settings that the kernel changes along with this one, with the values to keep; written after it. */
  along?: Record<string, string> | undefined;
}

const set = (key: string, value: string): string => `sysctl -q -w ${quote(`${key}=${value}`)}`;

/** Returns this setting and those that the kernel changes along with it, in the order of writing. */
const keysOf = ({ key, along = {} }: SysctlWant): string[] => [key, ...Object.keys(along)];

const saved = (key: string): string => quote(`${PATHS.loginUndo}/sysctl_${key.replaceAll('/', '_')}`);

/** One live kernel setting; the file that keeps it over a reboot is a step of its own. */
const sysctlKind: Kind<SysctlWant, string | undefined> = {
  name: 'sysctl',
  contained: true,
  probe: (steps) => `sysctl -e ${words(...steps.map((one) => one.want.key))} 2>/dev/null`,
  parse(answer, steps) {
    const live = new Map(
      answer
        .split('\n')
        .map((line): [string, string] => [
          line.split(' = ')[0] ?? '',
          (line.split(' = ')[1] ?? '').replace(/\s+/g, ' ').trim(),
        ]),
    );
    return new Map(steps.map((one) => [one.id, live.get(one.want.key)]));
  },
  diff({ want }, live) {
    if (live === want.value) return undefined;
    return { action: live === undefined ? 'create' : 'update', summary: `${live ?? 'unset'} → ${want.value}` };
  },
  async change({ want }, _live, remote) {
    const { key, value, along = {} } = want;
    await remote.run(
      ['set -e', set(key, value), ...Object.entries(along).map(([other, its]) => set(other, its))].join('\n'),
    );
  },
  save: ({ want }) =>
    keysOf(want)
      .map((key) => `sysctl -n ${quote(key)} > ${saved(key)} 2>/dev/null || rm -f ${saved(key)}`)
      .join('\n'),
  // Several numbers of one value are separated by tabs.
  undo: ({ want }) =>
    keysOf(want)
      .map((key) => `[ ! -s ${saved(key)} ] || sysctl -q -w ${quote(key)}="$(cat ${saved(key)})"`)
      .join('\n'),
};

/** A step: this kernel setting has this live value. */
export function sysctl(
  role: RoleName,
  key: string,
  value: string | number,
  options: StepOptions & Pick<SysctlWant, 'along'> = {},
): Step {
  const { along, ...rest } = options;
  return step(sysctlKind, role, key, { key, value: String(value), ...(along ? { along } : {}) }, rest);
}
