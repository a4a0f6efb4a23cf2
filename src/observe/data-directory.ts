import { STORAGE_S } from '../bounds/programs.ts';
import { PATHS } from '../paths.ts';
import { quote } from '../shell/quote.ts';
import { type Answer, bounded, wholeOf } from './answer.ts';
import { filled, type Question } from './question.ts';

/** The state of a member's data directory. */
export interface DataDirectory {
  state: 'absent' | 'empty' | 'foreign' | 'cluster';
  systemIdentifier?: string;
  /** The data belonged to a leader last, not to a replica (pg_controldata, "Database cluster state"). */
  led?: boolean;
  /** The directory is absent or empty, although this host had its database there. */
  lost?: boolean;
  /** The directory that this host has noted for its database. */
  noted?: string;
  /** Directories to be filled that are the root of a file system, with the lost+found that initdb refuses. */
  roots?: string[];
}

const NOTED = 'noted ';
const ROOT = 'root ';

/** The data directory of a member, whether PostgreSQL runs there or not. */
export const dataDirectory: Question<Answer<DataDirectory>> = {
  about: 'host',
  of: (_cluster, { roles }) => roles.has('patroni'),
  script({ walDir, binDir }, { dataDir }) {
    const data = quote(dataDir);
    const root = (path: string, isFilled: string) =>
      `[ ! -d ${quote(`${path}/lost+found`)} ] || { ${isFilled}; } || echo ${quote(`${ROOT}${path}`)}`;
    const hasCluster = `[ -e ${data}/PG_VERSION ]`;
    return bounded(
      STORAGE_S,
      `if [ -e ${data}/PG_VERSION ]; then echo cluster; ${binDir}/pg_controldata -D ${data} 2>/dev/null
elif [ ! -e ${data} ]; then echo absent; elif [ -z "$(ls -A ${data})" ]; then echo empty; else echo foreign; fi
noted=; [ ! -e ${PATHS.data} ] || read -r noted < ${PATHS.data}
[ -z "$noted" ] || echo "${NOTED}$noted"
${root(dataDir, hasCluster)}${walDir === undefined ? '' : `\n${root(walDir, `${hasCluster} && [ "$(readlink ${data}/pg_wal)" = ${quote(walDir)} ]`)}`}`,
    );
  },
  read(answer, _cluster, { dataDir }) {
    const whole = wholeOf(answer);
    if ('silent' in whole) return whole;
    const all = filled(whole.said);
    const noted = all.find((line) => line.startsWith(NOTED))?.slice(NOTED.length);
    const state = all.find((line) => /^(absent|empty|foreign|cluster)$/.test(line)) as
      | DataDirectory['state']
      | undefined;
    const field = (name: string) =>
      all
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim();
    const systemIdentifier = field('Database system identifier');
    const words = field('Database cluster state');
    const roots = all.filter((line) => line.startsWith(ROOT)).map((line) => line.slice(ROOT.length));
    if (state === undefined) return { silent: `${dataDir} cannot be read` };
    return {
      said: {
        state,
        ...(systemIdentifier ? { systemIdentifier } : {}),
        ...(words ? { led: !/recovery/.test(words) } : {}),
        ...(noted === dataDir && (state === 'absent' || state === 'empty') ? { lost: true } : {}),
        ...(noted ? { noted } : {}),
        ...(roots.length > 0 ? { roots } : {}),
      },
    };
  },
};
