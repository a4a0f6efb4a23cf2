import { quote } from '../shell/quote.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** Whether the host holds the VIP. */
export const vip: Question<Answer<boolean>> = {
  about: 'balancers',
  of: (cluster, { roles }) => roles.has('keepalived') && cluster.vip !== undefined,
  script: ({ vip }) => `ip -o addr show dev ${quote(vip!.interface)} 2>/dev/null | grep -cF ' ${vip!.address}/'`,
  read(answer) {
    const count = answer.trim();
    return /^\d+$/.test(count) ? { said: Number(count) > 0 } : { silent: 'its addresses cannot be read' };
  },
};
