import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { print, quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

/** POSIX sh that notes the directory of this host's database; fails when there is none. */
export const noteData = (dataDir: string): string =>
  `[ -e ${quote(`${dataDir}/PG_VERSION`)} ] || { echo 'there is no database'; exit 1; }
umask 077; mkdir -p ${PATHS.state}; ${print(`${dataDir}\n`)} > ${PATHS.data}.new && mv ${PATHS.data}.new ${PATHS.data}`;

/**
 * A note of this host's data directory, written once the database exists. A data directory with a missing mount looks
 * like an empty one: with the note Patroni's unit does not start, and `apply` refuses.
 */
const dataNoteKind: Kind<string, { noted: string; there: boolean }> = {
  name: 'data-marker',
  volatile: true,
  // Only after the wait for the database.
  afterHandlers: true,
  probe: (steps) =>
    steps
      .map(
        ({ want }) =>
          `noted=; [ ! -e ${PATHS.data} ] || read -r noted < ${PATHS.data}; echo "noted $noted"; [ ! -e ${quote(`${want}/PG_VERSION`)} ] || echo there`,
      )
      .join('\n'),
  parse(answer, steps) {
    const lines = answer.split('\n');
    const noted = lines.find((line) => line.startsWith('noted '))?.slice(6) ?? '';
    return new Map(steps.map((one) => [one.id, { noted, there: lines.includes('there') }]));
  },
  diff: ({ want }, { noted, there }) =>
    noted === want
      ? undefined
      : { action: noted ? 'update' : 'create', summary: `the database is in ${want}`, knownAfterApply: !there },
  async change({ want }, _state, remote) {
    await remote.run(noteData(want));
  },
};

/** A step: the host has a note of its data directory. */
export const dataNote = (role: RoleName, dataDir: string): Step => step(dataNoteKind, role, dataDir, dataDir);
