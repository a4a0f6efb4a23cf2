import type { HostUpgrades, Upgrade } from '../programs/apt.ts';
import { ARCHIVES, type Room } from '../programs/apt-room.ts';
import { bytes } from '../units.ts';

/** Both ends of a backup must have exactly the same version (pgBackRest user guide): upgraded everywhere in one step. */
export const LOCKSTEP = 'pgbackrest';

/** Packages whose new version is only in use after a boot. */
const NEEDS_BOOT = /^(linux-image-|libc6$|systemd$|dbus$)/;

/** What a host is rolled for: everything but the packages that go in lockstep. */
export const rolled = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name !== LOCKSTEP);

/** The lockstep packages of a host that would change. */
export const lockstep = ({ upgrades }: HostUpgrades): Upgrade[] => upgrades.filter((one) => one.name === LOCKSTEP);

/** Whether these upgrades ask for a boot. */
export const wantsBoot = (upgrades: readonly Upgrade[]): boolean => upgrades.some((one) => NEEDS_BOOT.test(one.name));

/** What stays free beyond what the packages say: dpkg unpacks beside the old files, and scripts and logs write (bytes). */
const RESERVE_BYTES = 256 * 1024 * 1024;

/** What is short of room for the upgrade, in words; the directories of one file system are added up. */
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
