import { homedir, hostname, userInfo } from 'node:os';

// A container may run as a number that no passwd knows; Node throws then.
function known(ask: () => string): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

/** The name of the user who runs hapg; undefined for a uid without a name. */
export const userName = (): string | undefined => known(() => userInfo().username);

/** The home directory; "/" for a uid without one, as container engines set it. */
export const home = (): string => known(homedir) ?? '/';

/** Returns the operator and the machine, for others to read. */
export const whoAmI = (): string => `${userName() ?? `uid ${process.getuid?.() ?? 'unknown'}`}@${hostname()}`;
