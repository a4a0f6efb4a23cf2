import type { RoleName } from '../inventory/model.ts';
import { APT, KEEP_CONFIG, MEND_DPKG } from '../programs/apt.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface PackageWant {
  names: string[];
  /** Oldest version that will do, by package; checked before anything is installed. */
  minimum: Record<string, string>;
}

export interface PackageState {
  /** Version by name, of packages that are fully installed. */
  installed: Map<string, string>;
  /** dpkg's status word of those that are neither installed nor absent, such as half-configured. */
  broken: Map<string, string>;
}

/** The packages of a role on a host. */
const packageKind: Kind<PackageWant, PackageState> = {
  name: 'packages',
  probe: (steps) =>
    `dpkg-query -W -f '\${Package}|\${db:Status-Status}|\${Version}\\n' -- ${words(...new Set(steps.flatMap((one) => one.want.names)))} 2>/dev/null`,
  parse(answer, steps) {
    const installed = new Map<string, string>();
    const broken = new Map<string, string>();
    for (const line of answer.split('\n').filter(Boolean)) {
      const [name = '', status = '', version = ''] = line.split('|');
      if (status === 'installed') installed.set(name, version);
      else if (status !== 'not-installed' && status !== 'config-files') broken.set(name, status);
    }
    return new Map(steps.map((one) => [one.id, { installed, broken }]));
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
  /** All roles of a host in one run of apt. */
  async changeAll(items, remote) {
    const missing = [
      ...new Set(items.flatMap(({ step: { want }, state }) => want.names.filter((name) => !state.installed.has(name)))),
    ];
    remote.doing(`installing ${missing.length} packages`);
    const minimum = Object.assign({}, ...items.map(({ step: { want } }) => want.minimum)) as Record<string, string>;
    await remote.unit(
      'packages',
      installScript(
        missing,
        missing.flatMap((name) => (minimum[name] ? [versionCheck(name, minimum[name])] : [])),
      ),
      1800,
    );
  },
};

const versionCheck = (
  name: string,
  version: string,
): string => `have=$(apt-cache policy ${quote(name)} | sed -n 's/^  Candidate: //p')
dpkg --compare-versions "\${have:-0}" ge ${quote(version)} || { echo "${name} \${have:-is not offered by the package sources} is too old: ${version} or newer is needed. On this release use postgres.repository: pgdg or a newer package source"; exit 1; }`;

/**
 * Also repairs what an interrupted dpkg has left, and waits for another package manager's lock. Nothing that is there is
 * removed for the sake of it: what cannot be installed beside it is somebody's decision.
 */
export const installScript = (names: readonly string[], checks: readonly string[]): string => `set -e
${APT}
${MEND_DPKG}
apt update
${checks.join('\n')}
apt --no-install-recommends --no-remove --allow-change-held-packages ${KEEP_CONFIG} --fix-broken install ${words(...names)} || {
  code=$?
  gone=$(apt --no-install-recommends --allow-change-held-packages -s --fix-broken install ${words(...names)} | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | tr '\\n' ' ')
  [ -z "$gone" ] || echo "apt would remove \${gone% } for ${names.join(' ')}: remove what nobody needs yourself, and run again"
  exit $code
}`;

/** A step: these packages, from the sources that the host has; `subject` names it when a role has more than one. */
export const packages = (
  role: RoleName,
  names: readonly string[],
  minimum: Record<string, string> = {},
  subject: string = role,
): Step => step(packageKind, role, subject, { names: [...new Set(names)], minimum });
