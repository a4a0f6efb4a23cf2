import type { RoleName } from '../inventory/model.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

/** One kernel setting, live; the file that keeps it over a reboot is a step of its own. */
const sysctlKind: Kind<{ key: string; value: string }, string | undefined> = {
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
    await remote.run(`sysctl -q -w ${quote(`${want.key}=${want.value}`)}`);
  },
};

export const sysctl = (role: RoleName, key: string, value: string | number, options: StepOptions = {}): Step =>
  step(sysctlKind, role, key, { key, value: String(value) }, options);
