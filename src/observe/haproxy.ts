import type { Answer } from './answer.ts';
import { filled, type Question } from './question.ts';

/** A server of a backend; `sessions` are its open ones. */
export interface BalancerRow {
  proxy: string;
  server: string;
  status: string;
  sessions: number;
}

/** Server rows of HAProxy's statistics. */
export const haproxy: Question<Answer<BalancerRow[]>> = {
  about: 'balancers',
  of: (_cluster, { roles }) => roles.has('haproxy'),
  script: () => `printf '%s\\n' "$HAPG_SERVERS"`,
  read(answer) {
    const [first = '', ...lines] = filled(answer);
    const header = first.replace(/^# /, '').split(',');
    const [proxy = -1, server = -1, status = -1, sessions = -1] = ['pxname', 'svname', 'status', 'scur'].map((name) =>
      header.indexOf(name),
    );
    if (status < 0) return { silent: 'HAProxy does not answer' };
    return {
      said: lines.map((line) => {
        const fields = line.split(',');
        return {
          proxy: fields[proxy] ?? '',
          server: fields[server] ?? '',
          status: fields[status] ?? '',
          sessions: Number(fields[sessions]),
        };
      }),
    };
  },
};
