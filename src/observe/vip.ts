import { quote } from '../shell/quote.ts';
import type { Answer } from './answer.ts';
import type { Question } from './question.ts';

/** Whether the host holds the VIP. */
export const vip: Question<Answer<boolean>> = {
  about: 'balancers',
  of: (cluster, { roles }) => roles.has('keepalived') && cluster.vip !== undefined,
  script: (_cluster, { vipInterface: own }) =>
    own === undefined
      ? 'ip -o addr show 2>/dev/null && echo .'
      : `if [ -e /sys/class/net/${quote(own)} ]; then ip -o addr show dev ${quote(own)} 2>/dev/null; fi && echo .`,
  read(answer, { vip }) {
    if (!answer.trimEnd().endsWith('.')) return { silent: 'its addresses cannot be read' };
    return { said: answer.includes(` ${vip!.address}/`) };
  },
};

/** The network interface for the VIP: the one that the inventory names, or that has the host's address; null where there is none. */
export const vipInterface: Question<Answer<string | null>> = {
  about: 'balancers',
  of: vip.of,
  script: (_cluster, { address, vipInterface: own }) =>
    own === undefined
      ? `ip -o addr show to ${quote(address)} 2>/dev/null && echo .`
      : `if [ -e /sys/class/net/${quote(own)} ]; then echo "1: "${quote(own)}" "; fi; echo .`,
  read(answer) {
    if (!answer.trimEnd().endsWith('.')) return { silent: 'its addresses cannot be read' };
    // ip(8), "-o": number, name, family, address.
    return { said: /^\d+: ([^\s@]+)/m.exec(answer)?.[1] ?? null };
  },
};
