import { makeParents } from '../programs/files.ts';
import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type FileState, parseStat, statScript } from './file.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface DirectoryWant {
  path: string;
  owner: string;
  group: string;
  mode: string;
}

/** A directory with its owner, group and mode, without its contents; it is never removed. */
const directoryKind: Kind<DirectoryWant, FileState | undefined> = {
  name: 'directory',
  contained: true,
  probe: (steps) => statScript(steps.map((one) => one.want.path)),
  parse(answer, steps) {
    const found = new Map(
      answer
        .split('\n')
        .filter(Boolean)
        .map(parseStat)
        .map(({ path, state }) => [path, state]),
    );
    return new Map(steps.map((one) => [one.id, found.get(one.want.path)]));
  },
  diff({ want }, state) {
    const wanted = `${want.mode} ${want.owner}:${want.group}`;
    if (!state) return { action: 'create', summary: wanted };
    if (state.type !== 'directory')
      return { action: 'update', summary: `a ${state.type} stands where a directory belongs; it is moved aside` };
    const present = `${state.mode} ${state.owner}:${state.group}`;
    return present === wanted ? undefined : { action: 'update', summary: `${present} → ${wanted}` };
  },
  async change({ want }, state, remote) {
    const path = quote(want.path);
    await remote.run(`set -e
${state && state.type !== 'directory' ? `mv -T ${path} ${quote(`${want.path}.hapg-aside-`)}$(date +%s)` : ''}
${makeParents(want.path, want.owner, want.group)}
[ -d ${path} ] || mkdir -m ${want.mode} -- ${path}
chown ${quote(`${want.owner}:${want.group}`)} ${path}
chmod ${want.mode} ${path}`);
  },
};

/** A step: this directory; `root:root 0755` by default. */
export function directory(
  role: RoleName,
  path: string,
  options: StepOptions & Partial<Omit<DirectoryWant, 'path'>> = {},
): Step {
  const { owner = 'root', group = 'root', mode = '0755', ...rest } = options;
  return step(directoryKind, role, path, { path, owner, group, mode }, rest);
}
