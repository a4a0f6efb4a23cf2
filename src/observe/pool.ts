import { quote } from '../shell/quote.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** Whether the pool before this member's PostgreSQL takes connections. */
export const pool: Question<Answer<boolean>> = {
  about: 'balancers',
  of: (_cluster, { roles }) => roles.has('pgbouncer'),
  script: ({ settings }, { address }) =>
    `pg_isready -q -t 3 -h ${quote(address)} -p ${settings.pgbouncer.port} 2>/dev/null && echo yes || echo no`,
  read: (answer) => ({ said: answer.trim() === 'yes' }),
};
