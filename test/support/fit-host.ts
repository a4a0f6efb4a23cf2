import { CLOCK_KEPT_SCRIPT, CLOCK_SCRIPT } from '../../src/doctor/clock.ts';

/** Answers by section of `hapg doctor` to which nothing is to be objected, of a host with this address. */
export const fitSections = (address: string): Record<string, string> => ({
  address: `2: eth0    inet ${address}/24 brd 10.1.1.255 scope global eth0\nmtu eth0 1500\nid boot\nid net:[${address}]`,
  name: 'name host\ncode 0',
  disk: ['/var/cache/apt', '/var/lib/postgresql/17/pglab', '/var/lib/etcd/pglab', '/var/lib/pgbackrest']
    .map((path) => `place ${path}|50000000 60000000|ext4|rw,relatime|0.4\n`)
    .join('')
    .concat('.'),
  locale: 'C\nC.utf8\nPOSIX',
});

/** The answer of such a host to the other scripts of `hapg doctor`: every connection works. Undefined for other scripts. */
export function fitHost(script: string, now = Date.now()): string | undefined {
  if (script.includes(CLOCK_SCRIPT)) return `${now}000000`;
  if (script.includes(CLOCK_KEPT_SCRIPT)) return 'yes';
  if (script.includes('POSIX::setsid')) {
    const [vrrp = '', ...ports] = (/\}' \S+ "\$\$" \d+ \S+ ([01] [\d ]+)$/m.exec(script)?.[1] ?? '').split(' ');
    return `${[...(vrrp === '1' ? ['0'] : []), ...ports].map((port) => `listens ${port}\n`).join('')}pid 4711`;
  }
  const calls = /^printf %s '([^']*)' \| perl -e/m.exec(script)?.[1];
  return calls
    ?.trim()
    .split('\n')
    .map((_call, number) => `${number} ok\n`)
    .join('');
}
