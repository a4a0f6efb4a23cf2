import type { RoleName } from '../roles.ts';
import { words } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

/** A system account without a login, such as the one for keepalived's check. */
const accountKind: Kind<{ name: string; groups: string[] }, { exists: boolean; groups: string[] }> = {
  name: 'account',
  probe: (steps) =>
    steps.map((one) => `echo "${one.want.name}:$(id -nG ${words(one.want.name)} 2>/dev/null)"`).join('\n'),
  parse(answer, steps) {
    const lines = new Map(
      answer.split('\n').map((line): [string, string] => [line.split(':')[0] ?? '', line.split(':')[1]?.trim() ?? '']),
    );
    return new Map(
      steps.map((one) => {
        const groups = (lines.get(one.want.name) ?? '').split(' ').filter(Boolean);
        return [one.id, { exists: groups.length > 0, groups }];
      }),
    );
  },
  diff({ want }, state) {
    if (!state.exists) return { action: 'create', summary: 'system account without login' };
    const missing = want.groups.filter((group) => !state.groups.includes(group));
    return missing.length === 0 ? undefined : { action: 'update', summary: `add to ${missing.join(', ')}` };
  },
  async change({ want }, state, remote) {
    if (!state.exists)
      await remote.run(
        `useradd ${words('--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', '--user-group', want.name)}`,
      );
    if (want.groups.length > 0) await remote.run(`usermod ${words('-aG', want.groups.join(','), want.name)}`);
  },
};

export const account = (role: RoleName, name: string, groups: string[] = []): Step =>
  step(accountKind, role, name, { name, groups });
