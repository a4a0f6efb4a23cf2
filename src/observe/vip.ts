import { quote } from '../shell/quote.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** Whether the host holds the VIP. */
export const vip: Question<Answer<boolean>> = {
  about: 'balancers',
  of: (cluster, { roles }) => roles.has('keepalived') && cluster.vip !== undefined,
  script: ({ vip }) =>
    `if [ -e /sys/class/net/${quote(vip!.interface)} ]; then ip -o addr show dev ${quote(vip!.interface)} 2>/dev/null; fi && echo .`,
  read(answer, { vip }) {
    if (!answer.trimEnd().endsWith('.')) return { silent: 'its addresses cannot be read' };
    return { said: answer.includes(` ${vip!.address}/`) };
  },
};
