import { ASK_S } from '../bounds/hosts.ts';
import { DAEMON_RELOAD, turnOffUnits } from '../programs/systemd.ts';
import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface RemovedWant {
  /** A file whose first line names hapg: where it is, the rest is hapg's too. It is removed last. */
  mark: string;
  /** Units that are stopped and disabled. */
  units: readonly string[];
  /** Files and directories that go. */
  paths: readonly string[];
  /** Accounts without files of their own that go. */
  accounts: readonly string[];
}

/**
 * A part of a host's job that the inventory has no more, and nothing of it is there. A service of the same name that hapg
 * did not set up stays as it is. Packages stay: others may use them.
 */
const removedKind: Kind<RemovedWant, boolean> = {
  name: 'removed',
  probe: (steps) =>
    steps
      .map(
        ({ want }, index) =>
          `if [ -f ${quote(want.mark)} ]; then line=; IFS= read -r line < ${quote(want.mark)}; case "$line" in *hapg*) echo ${index} ;; esac; fi`,
      )
      .join('\n'),
  parse: (answer, steps) => new Map(steps.map((one, index) => [one.id, answer.split('\n').includes(String(index))])),
  diff: ({ want }, there) =>
    there
      ? {
          action: 'remove',
          summary: `${want.units.length > 0 ? `stop and disable ${want.units.join(', ')}, ` : ''}remove what hapg has put there`,
        }
      : undefined,
  async change({ want }, _there, remote) {
    await remote.run(
      `${turnOffUnits(want.units)}
set -e
rm -rf -- ${words(...want.paths.filter((path) => path !== want.mark))}
${want.accounts.map((name) => `if id ${quote(name)} >/dev/null 2>&1; then userdel ${quote(name)}; fi`).join('\n')}
rm -f -- ${quote(want.mark)}
${DAEMON_RELOAD}`,
      ASK_S,
    );
  },
};

/** A step: nothing of `subject`, which the inventory has no more. */
export const removed = (role: RoleName, subject: string, want: RemovedWant): Step =>
  step(removedKind, role, subject, want);
