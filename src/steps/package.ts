import { APT_S } from '../bounds/programs.ts';
import { PATHS } from '../paths.ts';
import {
  installProgress,
  installScript,
  type Packages,
  parsePackages,
  showInstallProgress,
  showPackages,
} from '../programs/apt.ts';
import type { RoleName } from '../roles.ts';
import { type Kind, type Step, step } from './step.ts';

export interface PackageWant {
  names: string[];
  /** The oldest sufficient versions by package; checked before anything is installed. */
  minimum: Record<string, string>;
}

/** Where apt writes its progress on a host. */
const STATUS = `${PATHS.units}/packages.status`;

/** The packages of a role on a host. */
const packageKind: Kind<PackageWant, Packages> = {
  name: 'packages',
  probe: (steps) => showPackages([...new Set(steps.flatMap((one) => one.want.names))]),
  parse(answer, steps) {
    const found = parsePackages(answer);
    return new Map(steps.map((one) => [one.id, found]));
  },
  diff({ want }, { installed, broken }) {
    const missing = want.names.filter((name) => !installed.has(name));
    if (missing.length === 0) return undefined;
    const words = missing.map((name) => (broken.has(name) ? `${name} (${broken.get(name)})` : name));
    return {
      action: missing.length === want.names.length ? 'create' : 'update',
      summary: `install ${words.join(' ')}`,
    };
  },
  async change(one, state, remote) {
    await packageKind.changeAll!([{ step: one, state }], remote);
  },
  /** Installs the packages of all roles of a host in one run of apt. */
  async changeAll(items, remote) {
    const missing = [
      ...new Set(items.flatMap(({ step: { want }, state }) => want.names.filter((name) => !state.installed.has(name)))),
    ];
    const doing = `installing ${missing.length} packages`;
    remote.doing(doing);
    const minimum = Object.assign({}, ...items.map(({ step: { want } }) => want.minimum)) as Record<string, string>;
    await remote.unit('packages', installScript(missing, minimum, STATUS), APT_S, {
      script: showInstallProgress(STATUS),
      describe(output) {
        const progress = installProgress(output);
        return progress && `${doing}: ${progress}`;
      },
      // It may wait for another package manager, and a slow mirror says nothing for long: the unit's own bound ends it.
      stuckSeconds: APT_S,
    });
  },
};
/** A step: these packages, from the host's package sources; `subject` names it when a role has more than one. */
export const packages = (
  role: RoleName,
  names: readonly string[],
  minimum: Record<string, string> = {},
  subject: string = role,
): Step => step(packageKind, role, subject, { names: [...new Set(names)], minimum });
