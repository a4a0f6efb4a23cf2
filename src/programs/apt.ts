import { pipe } from '../shell/pipe.ts';
import { quote, words } from '../shell/quote.ts';
import { parseRoom, type Room, SHOW_ROOM, SHOW_SIZES } from './apt-room.ts';

/**
 * POSIX sh for every use of the package manager: asks nothing, restarts nothing, waits for another one's lock. apt waits
 * for dpkg's by itself, and gives up at once where its own lists or archives are locked (apt 2.6 and 3.0), as the daily
 * timers do.
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
 * POSIX sh that mends what an interrupted dpkg has left. Only a lock is waited for: a package whose own scripts fail is
 * left to what comes next, which may bring a version that does not.
 */
const MEND_DPKG = `for i in $(seq 60); do
  out=$(dpkg --configure -a 2>&1) && break
  case "$out" in *lock*) sleep 5 ;; *) printf '%s\\n' "$out"; break ;; esac
done`;

/** Options of an installation: configuration files that were changed stay. */
const KEEP_CONFIG = '-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold';

/** Reads the package lists anew; a source that does not answer is an error, and not a warning as by default. */
const STRICT_UPDATE = 'apt -o APT::Update::Error-Mode=any update 2>&1';

/** The version that an installation would bring, as a command; empty output where no source offers the package. */
const candidate = (name: string): string => pipe(`apt-cache policy ${name}`, `sed -n 's/^  Candidate: //p'`);

/** What dpkg has of some packages. */
export interface Packages {
  /** Version by name, of packages that are fully installed. */
  installed: Map<string, string>;
  /** dpkg's status word of those that are neither installed nor absent, such as half-configured. */
  broken: Map<string, string>;
}

/** POSIX sh that prints what dpkg has of these packages; read by `parsePackages`. One that it does not know is no failure. */
export const showPackages = (names: readonly string[]): string =>
  `dpkg-query -W -f '\${Package}|\${db:Status-Status}|\${Version}\\n' -- ${words(...names)} 2>/dev/null`;

/** Reads what `showPackages` printed. */
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
 * POSIX sh that installs packages, each at least in the version that `minimum` names for it: checked before anything is
 * installed. Also repairs what an interrupted dpkg has left, and waits for another package manager's lock. Nothing that is
 * there is removed for the sake of it: what cannot be installed beside it is somebody's decision.
 */
export const installScript = (names: readonly string[], minimum: Record<string, string> = {}): string => `set -e
${APT}
${MEND_DPKG}
apt update
${names.flatMap((name) => (minimum[name] ? [atLeast(name, minimum[name])] : [])).join('\n')}
apt --no-install-recommends --no-remove --allow-change-held-packages ${KEEP_CONFIG} --fix-broken install ${words(...names)} || {
  code=$?
  gone=$(apt --no-install-recommends --allow-change-held-packages -s --fix-broken install ${words(...names)} | sed -n 's/^Remv \\([^ ]*\\).*/\\1/p' | tr '\\n' ' ')
  [ -z "$gone" ] || echo "apt would remove \${gone% } for ${names.join(' ')}: remove what nobody needs yourself, and run again"
  exit $code
}`;

const atLeast = (name: string, version: string): string => `have=$(${candidate(quote(name))}) || exit 1
dpkg --compare-versions "\${have:-0}" ge ${quote(version)} || { echo "${name} \${have:-is not offered by the package sources} is too old: ${version} or newer is needed. On this release use postgres.repository: pgdg or a newer package source"; exit 1; }`;

/** POSIX sh that prints the versions of packages that are installed; fails when one is not. Read by `parseVersions`. */
export const installedVersions = (names: readonly string[]): string =>
  `dpkg-query -W -f 'package \${Package} \${Version}\\n' ${words(...names)}`;

/**
 * POSIX sh that prints the versions of packages that are installed, and of others those that the package sources offer now;
 * read by `parseVersions`. Refreshes the lists; what apt complains about then is printed first.
 */
export const offeredVersions = (names: readonly string[]): string => `${APT}
out=$(${STRICT_UPDATE}) || printf '%s\\n' "$out" | sed -n 's/^[EW]: /apt /p' | head -n 1
for p in ${words(...names)}; do
  v=$(dpkg-query -W -f '\${Version}' "$p" 2>/dev/null)
  [ -n "$v" ] || v=$(${candidate('"$p"')}) || exit 1
  [ -z "$v" ] || [ "$v" = '(none)' ] || echo "package $p $v"
done`;

/** Versions by name, and what apt complained about; undefined when it did not. */
export interface Versions {
  versions: Record<string, string>;
  complaint: string | undefined;
}

/** Reads what `installedVersions` or `offeredVersions` printed. */
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

/** What the package manager of one host would do, and whether it wants a new boot. */
export interface HostUpgrades {
  upgrades: Upgrade[];
  /** Something is half-configured, left by an interrupted package manager. */
  broken: boolean;
  /** Why the host should be rebooted as it is now; empty when it need not. */
  reboot: string[];
  room: Room;
}

/**
 * POSIX sh that prints what could be upgraded without removing anything; read by `parseUpgrades`. Refreshes the package
 * lists (nothing else is written); fails when a package source does not answer.
 */
export const LIST_UPGRADES = `${APT}
out=$(${STRICT_UPDATE}) || { printf '%s\\n' "$out" | grep -E '^(E|W|Err)' | tail -n 4; exit 1; }
if [ -n "$(dpkg -C 2>/dev/null)" ]; then echo broken; fi
if [ -e /run/reboot-required ]; then echo 'reboot /run/reboot-required is there'; fi
newest=$(ls -1 /boot/vmlinuz-* 2>/dev/null | sed 's|.*/vmlinuz-||' | sort -V | tail -n 1)
if [ -n "$newest" ] && [ "$newest" != "$(uname -r)" ] && ! systemd-detect-virt -cq; then echo "reboot kernel $newest is installed, $(uname -r) runs"; fi
${SHOW_ROOM}
# Unmet dependencies end it with an error, which is not "nothing to do".
out=$(apt -s --with-new-pkgs upgrade) || { printf '%s\\n' "$out" | grep -E '^(E:| )' | tail -n 4; exit 1; }
printf '%s\\n' "$out" | sed -n '/^Inst /p'
${SHOW_SIZES}`;

/** Reads what LIST_UPGRADES printed. `securityOnly` leaves out what does not come from a security archive. */
export function parseUpgrades(answer: string, securityOnly: boolean): HostUpgrades {
  const lines = answer.split('\n').map((line) => line.trim());
  // Inst NAME [OLD] (NEW ORIGIN, ORIGIN [ARCH]); without [OLD] it is a new dependency, which comes by itself.
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
    reboot: lines.filter((line) => line.startsWith('reboot ')).map((line) => line.slice(7)),
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

/** POSIX sh that installs exactly these versions, removes nothing, keeps configuration files, and mends what dpkg left half done. */
export const upgradeScript = (upgrades: readonly Upgrade[]): string => `set -e
${APT}
${MEND_DPKG}
${upgrades.length > 0 ? `apt --no-remove --only-upgrade ${KEEP_CONFIG} install ${exactly(upgrades)}` : ':'}
if [ -n "$(dpkg -C)" ]; then dpkg -C; exit 1; fi`;

/** Drops epoch and Debian revision: `1:4.0.7-1.pgdg13+1` → `4.0.7`. */
export const upstream = (version: string): string => version.replace(/^\d+:/, '').replace(/[-+~].*$/, '');
