import { APT, KEEP_CONFIG, MEND_DPKG } from '../programs/apt.ts';
import { words } from '../shell/quote.ts';

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
  /** Free bytes of the root file system. */
  freeBytes: number;
}

/** Both ends of a backup must have exactly the same version (pgBackRest user guide): upgraded everywhere in one step. */
export const LOCKSTEP = 'pgbackrest';

/** Packages whose new version is only in use after a boot. */
const NEEDS_BOOT = /^(linux-image-|libc6$|systemd$|dbus$)/;

/**
 * POSIX sh that prints what could be upgraded without removing anything. Refreshes the package lists (nothing else is
 * written); fails when a package source does not answer.
 */
export const LIST_SCRIPT = `${APT}
out=$(apt -o APT::Update::Error-Mode=any update 2>&1) || { printf '%s\\n' "$out" | grep -E '^(E|W|Err)' | tail -n 4; exit 1; }
if [ -n "$(dpkg -C 2>/dev/null)" ]; then echo broken; fi
if [ -e /run/reboot-required ]; then echo 'reboot /run/reboot-required is there'; fi
newest=$(ls -1 /boot/vmlinuz-* 2>/dev/null | sed 's|.*/vmlinuz-||' | sort -V | tail -n 1)
if [ -n "$newest" ] && [ "$newest" != "$(uname -r)" ] && ! systemd-detect-virt -cq; then echo "reboot kernel $newest is installed, $(uname -r) runs"; fi
echo "free $(df -Pk / | awk 'NR == 2 {print $4}')"
# Unmet dependencies end it with an error, which is not "nothing to do".
out=$(apt -s --with-new-pkgs upgrade) || { printf '%s\\n' "$out" | grep -E '^(E:| )' | tail -n 4; exit 1; }
printf '%s\\n' "$out" | sed -n '/^Inst /p'`;

/** Reads the answer of LIST_SCRIPT. `securityOnly` leaves out what does not come from a security archive. */
export function parseUpgrades(answer: string, securityOnly: boolean): HostUpgrades {
  const lines = answer.split('\n').map((line) => line.trim());
  const upgrades = lines.flatMap((line): Upgrade[] => {
    // Inst NAME [OLD] (NEW ORIGIN, ORIGIN [ARCH]); without [OLD] it is a new dependency, which comes by itself.
    const [, name, from, to, origins] = /^Inst (\S+) \[(\S+)\] \((\S+) (.*?)\)/.exec(line) ?? [];
    if (!name || !from || !to) return [];
    return [{ name, from, to, security: /security/i.test(origins ?? '') }];
  });
  const free = Number(lines.find((line) => line.startsWith('free '))?.slice(5));
  if (!Number.isFinite(free))
    throw new Error(`the package manager's answer is not understood: ${answer.slice(0, 200)}`);
  return {
    upgrades: upgrades.filter((one) => !securityOnly || one.security).sort((a, b) => (a.name < b.name ? -1 : 1)),
    broken: lines.includes('broken'),
    reboot: lines.filter((line) => line.startsWith('reboot ')).map((line) => line.slice(7)),
    freeBytes: free * 1024,
  };
}

/** What a host is rolled for: everything but the packages that go in lockstep. */
export const rolled = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name !== LOCKSTEP);

/** The lockstep packages of a host that would change. */
export const lockstep = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name === LOCKSTEP);

/** Whether these upgrades ask for a boot. */
export const wantsBoot = (upgrades: readonly Upgrade[]): boolean => upgrades.some((one) => NEEDS_BOOT.test(one.name));

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

/** Fewer than this is refused before anything is stopped; bytes. */
export const MINIMUM_FREE_BYTES = 256 * 1024 * 1024;
