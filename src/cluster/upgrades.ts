import type { HostUpgrades, Upgrade } from '../programs/apt.ts';

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
