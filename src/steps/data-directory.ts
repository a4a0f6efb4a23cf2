import { canEnter, makeParents } from '../programs/files.ts';
import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type FileState, parseStat } from './file.ts';
import { type Kind, type Step, step } from './step.ts';

export interface DataDirectoryWant {
  path: string;
  /** An account with a group of its own. */
  owner: string;
  /** Modes that its program accepts; the first is that of a new directory. */
  modes: readonly string[];
}

export interface DataDirectoryState extends FileState {
  empty: boolean;
  /** The package that has made the directory; undefined for one that a person has made. */
  package?: string | undefined;
}

/**
 * A directory for a program's data, at a path that the operator chose: a mount point, a link to one, or not there yet.
 * A directory with foreign files is never handed over, and existing parents stay as they are.
 */
const dataDirectoryKind: Kind<DataDirectoryWant, DataDirectoryState | undefined> = {
  name: 'data-directory',
  contained: true,
  // A link counts as its target; a new file system's lost+found does not count.
  probe: (steps) => `for d in ${words(...steps.map((one) => one.want.path))}; do
  if [ -d "$d" ]; then
    is=empty
    for f in "$d"/* "$d"/.[!.]* "$d"/..?*; do
      [ "$f" = "$d/lost+found" ] || { [ ! -e "$f" ] && [ ! -L "$f" ]; } || is=taken
    done
    echo "$is|$d"
    [ $is = taken ] || { of=$(dpkg-query -S -- "$d" 2>/dev/null) && echo "of \${of%%: *}|$d"; }
  elif [ -L "$d" ] && [ ! -e "$d" ]; then echo "dangling|$d"; fi
done
echo --
stat -Lc '%f|%U|%G|%n' -- ${words(...steps.map((one) => one.want.path))} 2>/dev/null`,
  parse(answer, steps) {
    const [kinds = '', stats = ''] = answer.split(/^--$/m);
    const lines = kinds
      .split('\n')
      .filter(Boolean)
      .map((line): [string, string] => [line.slice(line.indexOf('|') + 1), line.slice(0, line.indexOf('|'))]);
    const isOf = ([, word]: [string, string]) => word.startsWith('of ');
    const is = new Map(lines.filter((line) => !isOf(line)));
    const packages = new Map(lines.filter(isOf).map(([path, word]) => [path, word.slice(3)]));
    const found = new Map<string, DataDirectoryState>();
    for (const line of stats.split('\n').filter(Boolean)) {
      const { path, state } = parseStat(line);
      found.set(path, { ...state, empty: is.get(path) === 'empty', package: packages.get(path) });
    }
    for (const [path, kind] of is)
      if (kind === 'dangling')
        found.set(path, { type: 'link', owner: '', group: '', mode: '', sha256: '', empty: false });
    return new Map(steps.map((one) => [one.id, found.get(one.want.path)]));
  },
  diff({ want }, state) {
    const made = `${want.modes[0]} ${want.owner}:${want.owner}`;
    if (!state) return { action: 'create', summary: made };
    const present = `${state.mode} ${state.owner}:${state.group}`;
    if (state.owner !== want.owner) return { action: 'update', summary: `${present} → ${made}, for it is empty` };
    return want.modes.includes(state.mode)
      ? undefined
      : { action: 'update', summary: `${present} → ${want.modes[0]} ${state.owner}:${state.group}` };
  },
  refuse({ want: { path, owner } }, state) {
    if (!state) return undefined;
    if (state.type !== 'directory')
      return `${path} is a ${state.type === 'link' ? 'link that leads nowhere' : state.type}, and a directory of ${owner} belongs there: move it away, or mount what it leads to`;
    if (state.owner === owner) return undefined;
    if (state.empty && state.package !== undefined)
      return `${path} is a directory of the package ${state.package}, and ${state.owner}:${state.group} needs it: name a directory of its own`;
    if (state.empty) return undefined;
    return `${path} holds files and belongs to ${state.owner}:${state.group}, so that it is not hapg's to take. Name an empty directory, or where this is the data of ${owner} (from another machine, whose account has another number): "chown -R ${owner}:${owner} ${path}" on the host`;
  },
  async change({ want: { path, owner, modes } }, _state, remote) {
    const inside = quote(`${path}/`);
    const account = quote(`${owner}:`);
    // Checked again: files that were added since the plan must not be taken over either.
    await remote.run(`set -e
if [ ! -d ${inside} ]; then
${makeParents(path, owner)}
mkdir -m ${modes[0]} -- ${quote(path)}
fi
if [ "$(stat -Lc %U -- ${inside})" != ${quote(owner)} ]; then
  there=$(find ${inside} -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)
  [ -z "$there" ] || { echo ${quote(`${path} is not empty any more, and not of ${owner}`)}; exit 1; }
  chown ${account} ${inside}
fi
chmod ${modes[0]} ${inside}
${canEnter(path, owner)}`);
  },
};

/** A step: a directory for the data of an account's program. The plan calls it a directory like any other. */
export const dataDirectory = (
  role: RoleName,
  path: string,
  owner: string,
  modes: readonly [string, ...string[]],
): Step => ({ ...step(dataDirectoryKind, role, path, { path, owner, modes }), id: `directory ${path}` });
