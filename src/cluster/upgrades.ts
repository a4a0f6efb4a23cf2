import type { HostUpgrades, Upgrade } from '../programs/apt.ts';
import { ARCHIVES, type Room } from '../programs/apt-room.ts';
import { bytes } from '../units.ts';

/** The package that is upgraded everywhere in one step: both ends of a backup need exactly the same version (pgBackRest user guide). */
export const LOCKSTEP = 'pgbackrest';

/** Packages whose new version takes effect only after a boot. */
const NEEDS_BOOT = /^(linux-image-|libc6$|systemd$|dbus$)/;

/** Returns the upgrades that are rolled host by host: all but the lockstep packages. */
export const rolled = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name !== LOCKSTEP);

/** Returns the upgrades of a host's lockstep packages. */
export const lockstep = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name === LOCKSTEP);

/** Whether these upgrades need a boot. */
export const wantsBoot = (upgrades: readonly Upgrade[]): boolean => upgrades.some((one) => NEEDS_BOOT.test(one.name));

/** Space to keep free beyond the packages' own sizes (bytes): dpkg unpacks beside the old files, and scripts and logs write. */
const RESERVE_BYTES = 256 * 1024 * 1024;

/** Returns the file systems without room for the upgrade, in words; directories of one file system are added up. */
export function shortOfRoom({ free, takes }: Room): string[] {
  const within = (path: string, mount: string) => path === mount || path.startsWith(mount === '/' ? '/' : `${mount}/`);
  const mountOf = (path: string) =>
    [...free.keys()].filter((mount) => within(path, mount)).sort((a, b) => b.length - a.length)[0]!;
  const needed = new Map(['/', '/usr', '/var', ARCHIVES].map((path) => [mountOf(path), RESERVE_BYTES]));
  for (const [path, taken] of takes) needed.set(mountOf(path), (needed.get(mountOf(path)) ?? 0) + taken);
  return [...needed]
    .filter(([mount, count]) => free.get(mount)! < count)
    .map(
      ([mount, count]) => `only ${bytes(free.get(mount)!)} are free in ${mount}, and the update needs ${bytes(count)}`,
    );
}
