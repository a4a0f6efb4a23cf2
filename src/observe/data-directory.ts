import { PATHS } from '../paths.ts';
import { quote } from '../shell/quote.ts';
import type { Answer } from './answer.ts';
import { filled, type Question } from './question.ts';

/** What there is at a member's data directory. */
export interface DataDirectory {
  state: 'absent' | 'empty' | 'foreign' | 'cluster';
  systemIdentifier?: string;
  /** The data was last that of a leader, not of a replica (pg_controldata, "Database cluster state"). */
  led?: boolean;
  /** It is absent or empty now, and this host had its database there. */
  lost?: boolean;
  /** Where this host has, or had, its database. */
  noted?: string;
}

const NOTED = 'noted ';

/** The data directory of a member, whether PostgreSQL runs there or not. */
export const dataDirectory: Question<Answer<DataDirectory>> = {
  about: 'host',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script({ dataDir, binDir }) {
    const data = quote(dataDir);
    return `if [ -e ${data}/PG_VERSION ]; then echo cluster; ${binDir}/pg_controldata -D ${data} 2>/dev/null | sed -n 's/^Database system identifier: *//p; s/^Database cluster state: *//p'
elif [ ! -e ${data} ]; then echo absent; elif [ -z "$(ls -A ${data})" ]; then echo empty; else echo foreign; fi
[ ! -e ${PATHS.data} ] || echo "${NOTED}$(cat ${PATHS.data})"`;
  },
  read(answer, { dataDir }) {
    const all = filled(answer);
    const noted = all.find((line) => line.startsWith(NOTED))?.slice(NOTED.length);
    const [state, systemIdentifier, words] = all.filter((line) => !line.startsWith(NOTED)) as [
      DataDirectory['state'] | undefined,
      string | undefined,
      string | undefined,
    ];
    if (state === undefined) return { silent: `${dataDir} cannot be read` };
    return {
      said: {
        state,
        ...(systemIdentifier ? { systemIdentifier } : {}),
        ...(words ? { led: !/recovery/.test(words) } : {}),
        ...(noted === dataDir && (state === 'absent' || state === 'empty') ? { lost: true } : {}),
        ...(noted ? { noted } : {}),
      },
    };
  },
};
