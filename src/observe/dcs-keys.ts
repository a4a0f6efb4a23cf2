import { patroniScope } from '../inventory/model.ts';
import { PKI } from '../paths.ts';
import { CURL } from '../programs/curl.ts';
import { json } from '../programs/json.ts';
import { PATRONI_CONFIG, patronictl } from '../programs/patroni.ts';
import type { Answer } from './answer.ts';
import type { DcsView } from './dcs-view.ts';
import { patroniApi } from './patroni.ts';
import type { Question } from './question.ts';

/** What Patroni keeps in the DCS. */
export type DcsKeys = Pick<DcsView, 'initialize' | 'failsafe'>;

/**
 * What Patroni keeps in a DCS that is not etcd or is external, read through Patroni. Null where Patroni is not set up.
 * The heading of `patronictl list` is "Cluster: NAME (IDENTIFIER)" or "(uninitialized)", and is printed only when the
 * DCS answers.
 */
export const dcsKeys: Question<Answer<DcsKeys | null>> = {
  about: 'members',
  of: ({ dcs }, { roles }) => roles.has('patroni') && (dcs.kind !== 'etcd' || dcs.external !== undefined),
  script: (cluster, host) =>
    `if [ -e ${PATRONI_CONFIG} ]; then echo asked; timeout 15 ${patronictl('list', ...patroniScope(cluster))} 2>/dev/null | sed -n 1p; ${CURL} -s --max-time 3 --cacert ${PKI.patroni}/rest-ca.crt ${patroniApi(cluster, host)}/failsafe; fi`,
  read(answer) {
    const [, identifier] = /^\+ (?:Citus c|C)luster: \S+ \((?:group: \d+, )?(\w+)\)/m.exec(answer) ?? [];
    if (!identifier) return /^asked$/m.test(answer) ? { silent: 'patronictl cannot read it' } : { said: null };
    return {
      said: {
        initialize: /^\d+$/.test(identifier) ? identifier : undefined,
        failsafe: Object.keys(json<Record<string, string>>(/^\{.*\}$/m.exec(answer)?.[0]) ?? {}),
      },
    };
  },
};
