import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { print, quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

/** POSIX sh that notes where the database of this host is; fails when there is none. */
export const noteData = (dataDir: string): string =>
  `[ -e ${quote(`${dataDir}/PG_VERSION`)} ] || { echo 'there is no database'; exit 1; }
umask 077; mkdir -p ${PATHS.state}; ${print(`${dataDir}\n`)} > ${PATHS.data}.new && mv ${PATHS.data}.new ${PATHS.data}`;

/**
 * Where this host's database is, noted once it is there. A data directory whose mount is missing looks like an empty one;
 * with the note nobody takes it for that: Patroni's unit does not start, and `apply` refuses.
 */
const dataMarkerKind: Kind<string, { noted: string; there: boolean }> = {
  name: 'data-marker',
  volatile: true,
  // Only behind the wait for the database.
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

/** A step: the host remembers that its database is in this directory. */
export const dataMarker = (role: RoleName, dataDir: string): Step => step(dataMarkerKind, role, dataDir, dataDir);
