import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';
import { parseRoom, type Room, SHOW_ROOM, SHOW_SIZES } from './apt-room.ts';

/**
 * POSIX sh for every use of the package manager: asks nothing, restarts nothing, waits for another one's lock. apt
 * itself waits for dpkg's lock only, and gives up at once when its lists or archives are locked (apt 2.6 and 3.0), as
 * by the daily timers.
 */
export const APT = `export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
apt() {
  apt_said=$(mktemp -d); apt_tries=0
  while :; do
    { apt-get -q -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" 2>&1 && echo 0 > "$apt_said/code" || echo $? > "$apt_said/code"; } | tee "$apt_said/out"
    apt_code=$(cat "$apt_said/code"); apt_tries=$((apt_tries + 1))
    [ "$apt_code" != 0 ] && [ $apt_tries -lt 60 ] && grep -qE 'lock (directory )?/var/(lib/apt/lists|cache/apt/archives)' "$apt_said/out" || break
    sleep 5
  done
  rm -r "$apt_said"
  return "$apt_code"
}`;

/**
 * POSIX sh that completes an interrupted dpkg. It waits only for a lock: a package whose own scripts fail is left to
 * the next step, which may bring a version that works.
 */
const MEND_DPKG = `for i in $(seq 60); do
  out=$(dpkg --configure -a 2>&1) && break
  case "$out" in *lock*) sleep 5 ;; *) printf '%s\\n' "$out"; break ;; esac
done`;

/** Options of an installation that keep changed configuration files. */
const KEEP_CONFIG = '-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

/** Command that refreshes the package lists; a source without an answer is an error, not a warning as by default. */
const STRICT_UPDATE = 'apt -o APT::Update::Error-Mode=any update 2>&1';

/** Command that prints the version that would be installed; nothing when no source offers the package. */
const candidate = (name: string): string => pipe(`apt-cache policy ${name}`, `sed -n 's/^  Candidate: //p'`);

/** dpkg's state of some packages. */
export interface Packages {
  /** Versions by name of fully installed packages. */
  installed: Map<string, string>;
  /** dpkg's status word of packages that are neither installed nor absent, such as half-configured. */
  broken: Map<string, string>;
}

/** POSIX sh that prints dpkg's state of these packages; read by `parsePackages`. An unknown package is no failure. */
export const showPackages = (names: readonly string[]): string =>
  `dpkg-query -W -f '\${Package}|\${db:Status-Status}|\${Version}\\n' -- ${words(...names)} 2>/dev/null`;

/** Reads the output of `showPackages`. */
export function parsePackages(answer: string): Packages {
  const installed = new Map<string, string>();
  const broken = new Map<string, string>();
  for (const line of answer.split('\n').filter(Boolean)) {
    const [name = '', status = '', version = ''] = line.split('|');
    if (status === 'installed') installed.set(name, version);
    else if (status !== 'not-installed' && status !== 'config-files') broken.set(name, status);
  }
  return { installed, broken };
}

/**
 * POSIX sh that installs packages, each at least in the version of `minimum`, which is checked before anything is
 * installed. It also completes an interrupted dpkg, and waits for another package manager's lock. It removes no
 * installed package: a conflict is for an operator to decide. apt writes its progress to the file `status`, where that is
 * given; the script removes that at its end.
 */
export const installScript = (
  names: readonly string[],
  minimum: Record<string, string> = {},
  status?: string,
): string => `set -e
${APT}${status === undefined ? '' : `\ntrap ${quote(`rm -f ${quote(status)}`)} EXIT\nexec 3> ${quote(status)}`}
${MEND_DPKG}
apt update
${names.flatMap((name) => (minimum[name] ? [atLeast(name, minimum[name])] : [])).join('\n')}
apt ${status === undefined ? '' : '-o APT::Status-Fd=3 '}--no-install-recommends --no-remove --allow-change-held-packages ${KEEP_CONFIG} --fix-broken install ${words(...names)} || {
  code=$?
  gone=$(apt --no-install-recommends --allow-change-held-packages -s --fix-broken install ${words(...names)} | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | tr '\\n' ' ')
  [ -z "$gone" ] || echo "apt would remove \${gone% } for ${names.join(' ')}: remove what nobody needs yourself, and run again"
  exit $code
}`;

/** POSIX sh that prints how far an installation has come, from its status file; read by `installProgress`. */
export const showInstallProgress = (status: string): string => `tail -n 20 ${quote(status)}`;

/**
 * Reads the newest line of apt's progress (APT::Status-Fd; apt's README.progress-reporting): `dlstatus:NUMBER:PERCENT:TEXT`
 * while it downloads, then `pmstatus:PACKAGE:PERCENT:TEXT`. Returns undefined before the first one.
 */
export function installProgress(answer: string): string | undefined {
  const [, kind, percent] = [...answer.matchAll(/^(dl|pm)status:[^:]*(?::[a-z0-9]+)?:([\d.]+):/gm)].at(-1) ?? [];
  return percent === undefined
    ? undefined
    : `${kind === 'dl' ? 'downloaded' : 'installed'} ${Math.floor(Number(percent))} %`;
}

const atLeast = (name: string, version: string): string => `have=$(${candidate(quote(name))}) || exit 1
dpkg --compare-versions "\${have:-0}" ge ${quote(version)} || { echo "${name} \${have:-is not offered by the package sources} is too old: ${version} or newer is needed. On this release use postgres.repository: pgdg or a newer package source"; exit 1; }`;

/** POSIX sh that prints the versions of installed packages; fails when one is not installed. Read by `parseVersions`. */
export const installedVersions = (names: readonly string[]): string =>
  `dpkg-query -W -f 'package \${Package} \${Version}\\n' ${words(...names)}`;

/**
 * POSIX sh that prints the versions of installed packages, and of others those that the package sources offer; read by
 * `parseVersions`. It refreshes the lists, and prints apt's complaints first.
 */
export const offeredVersions = (names: readonly string[]): string => `${APT}
out=$(${STRICT_UPDATE}) || printf '%s\\n' "$out" | sed -n 's/^[EW]: /apt /p' | head -n 1
for p in ${words(...names)}; do
  v=$(dpkg-query -W -f '\${Version}' "$p" 2>/dev/null)
  [ -n "$v" ] || v=$(${candidate('"$p"')}) || exit 1
  [ -z "$v" ] || [ "$v" = '(none)' ] || echo "package $p $v"
done`;

/** Versions by name, and apt's complaints; undefined when there were none. */
export interface Versions {
  versions: Record<string, string>;
  complaint: string | undefined;
}

/** Reads the output of `installedVersions` or `offeredVersions`. */
export const parseVersions = (answer: string): Versions => ({
  versions: Object.fromEntries(
    [...answer.matchAll(/^package (\S+) (\S+)$/gm)].map(([, name, version]) => [name!, version!]),
  ),
  complaint: /^apt (.*)$/m.exec(answer)?.[1],
});

/** A package that would change. */
export interface Upgrade {
  name: string;
  from: string;
  to: string;
  security: boolean;
}

/** What the package manager of one host would do, and whether the host needs a boot. */
export interface HostUpgrades {
  upgrades: Upgrade[];
  /** An interrupted package manager has left something half-configured. */
  broken: boolean;
  /** Reasons to reboot the host as it is now; empty when there are none. */
  reboot: string[];
  room: Room;
}

/**
 * POSIX sh that prints why the host wants a reboot: packages that asked for one, or a kernel newer than the one that runs. It
 * prints nothing where there is no reason, and writes nothing. Read by `rebootReasons`.
 */
export const SHOW_REBOOT = `if [ -e /run/reboot-required ]; then echo 'reboot /run/reboot-required is there'; fi
newest=$(ls -1 /boot/vmlinuz-* 2>/dev/null | sed 's|.*/vmlinuz-||' | sort -V | tail -n 1)
if [ -n "$newest" ] && [ "$newest" != "$(uname -r)" ] && ! systemd-detect-virt -cq; then echo "reboot kernel $newest is installed, $(uname -r) runs"; fi`;

/** Reads the reasons to reboot out of an answer with the output of SHOW_REBOOT. */
export const rebootReasons = (answer: string): string[] =>
  [...answer.matchAll(/^reboot (.*)$/gm)].map(([, why]) => why!.trim());

/**
 * POSIX sh that prints possible upgrades without removals; read by `parseUpgrades`. It refreshes the package lists and
 * writes nothing else. It fails when a package source does not answer.
 */
export const LIST_UPGRADES = `${APT}
out=$(${STRICT_UPDATE}) || { printf '%s\\n' "$out" | grep -E '^(E|W|Err)' | tail -n 4; exit 1; }
if [ -n "$(dpkg -C 2>/dev/null)" ]; then echo broken; fi
${SHOW_REBOOT}
${SHOW_ROOM}
# Unmet dependencies end it with an error, which is not "nothing to do".
out=$(apt -s --with-new-pkgs upgrade) || { printf '%s\\n' "$out" | grep -E '^(E:| )' | tail -n 4; exit 1; }
printf '%s\\n' "$out" | sed -n '/^Inst /p'
${SHOW_SIZES}`;

/** Reads the output of LIST_UPGRADES. `securityOnly` omits what does not come from a security archive. */
export function parseUpgrades(answer: string, securityOnly: boolean): HostUpgrades {
  const lines = answer.split('\n').map((line) => line.trim());
  // Inst NAME [OLD] (NEW ORIGIN, ORIGIN [ARCH]); without [OLD] it is a new dependency, which apt adds by itself.
  const installs = lines.flatMap((line) => {
    const [, name, from, to, origins = ''] = /^Inst (\S+) (?:\[(\S+)\] )?\((\S+) (.*?)\)/.exec(line) ?? [];
    return name && to ? [{ name, from, to, security: /security/i.test(origins) }] : [];
  });
  const chosen = installs.filter((one) => !securityOnly || one.security);
  return {
    upgrades: chosen
      .flatMap((one): Upgrade[] => (one.from === undefined ? [] : [{ ...one, from: one.from }]))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    broken: lines.includes('broken'),
    reboot: rebootReasons(answer),
    room: parseRoom(
      answer,
      chosen.map(({ name }) => name),
    ),
  };
}

const exactly = (upgrades: readonly Upgrade[]): string => words(...upgrades.map(({ name, to }) => `${name}=${to}`));

/** POSIX sh that fetches these versions and installs nothing. */
export const downloadScript = (upgrades: readonly Upgrade[]): string => `${APT}
apt --download-only --no-remove install ${exactly(upgrades)}`;

/** POSIX sh that installs exactly these versions, removes nothing, keeps configuration files, and completes an interrupted dpkg. */
export const upgradeScript = (upgrades: readonly Upgrade[]): string => `set -e
${APT}
${MEND_DPKG}
${upgrades.length > 0 ? `apt --no-remove --only-upgrade ${KEEP_CONFIG} install ${exactly(upgrades)}` : ':'}
if [ -n "$(dpkg -C)" ]; then dpkg -C; exit 1; fi`;

/** Drops epoch and Debian revision: `1:4.0.7-1.pgdg13+1` → `4.0.7`. */
export const upstreamVersion = (version: string): string => version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
