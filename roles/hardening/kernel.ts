import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';

export interface Setting {
  key: string;
  value: string;
  /** Settings that the kernel changes along with this one, with the values to keep. */
  along?: Record<string, string>;
}

/** Whether a setting is of the network: its change could cut the operator off, so it is guarded. */
export const isNetwork = ({ key }: Pick<Setting, 'key'>): boolean => key.startsWith('net.');

/** The setting that turns forwarding off; the kernel then turns redirects on again (inet_forward_change in net/ipv4/devinet.c). */
const FORWARDING: Setting = {
  key: 'net.ipv4.ip_forward',
  value: '0',
  along: { 'net.ipv4.conf.all.accept_redirects': '0' },
};

const MARTIANS: Setting[] = ['all', 'default'].map((scope) => ({
  key: `net.ipv4.conf.${scope}.log_martians`,
  value: '1',
}));

/**
 * Settings of the host's own network namespace, so they can be set in a container too. Reverse-path filtering is loose
 * (2): strict filtering drops packets that arrive on one of two networks and are answered on the other (RFC 3704, 2.4;
 * the kernel uses the greater one of `all` and the interface's own, ip-sysctl, "rp_filter").
 */
const NETWORK: Setting[] = [
  ...['all', 'default'].flatMap((scope) => [
    { key: `net.ipv4.conf.${scope}.accept_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.secure_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.send_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.accept_source_route`, value: '0' },
    { key: `net.ipv4.conf.${scope}.rp_filter`, value: '2' },
    { key: `net.ipv6.conf.${scope}.accept_redirects`, value: '0' },
    { key: `net.ipv6.conf.${scope}.accept_source_route`, value: '0' },
  ]),
  { key: 'net.ipv4.tcp_syncookies', value: '1' },
  { key: 'net.ipv4.tcp_rfc1337', value: '1' },
];

const KERNEL: Setting[] = [
  { key: 'kernel.kptr_restrict', value: '2' },
  { key: 'kernel.dmesg_restrict', value: '1' },
  { key: 'kernel.yama.ptrace_scope', value: '1' },
  { key: 'kernel.unprivileged_bpf_disabled', value: '1' },
  { key: 'kernel.sysrq', value: '0' },
  { key: 'fs.suid_dumpable', value: '0' },
  { key: 'fs.protected_fifos', value: '2' },
  { key: 'fs.protected_regular', value: '2' },
  { key: 'dev.tty.ldisc_autoload', value: '0' },
];

/** A setting that stays as it is, with the reason. */
export type LeftOut = Setting & { because: string };

/** Returns the kernel settings of a host: those that it can set itself, and those that are left out with the reason. */
export function kernelSettings(host: Host, context: Context): { applied: Setting[]; skipped: LeftOut[] } {
  const { ipv6, forwards, sysctl } = context.facts(host);
  const leave = (list: readonly Setting[], because: string): LeftOut[] => list.map((one) => ({ ...one, because }));
  const hasUfw = host.roles.has('ufw');
  const { items } = host.hardening;
  const network = !items.has('network')
    ? []
    : [
        ...(forwards ? [] : [FORWARDING]),
        ...(hasUfw ? [] : MARTIANS),
        ...NETWORK.filter(({ key }) => ipv6 || !key.startsWith('net.ipv6.')),
      ];
  const kept = !items.has('network')
    ? []
    : [
        ...(forwards ? leave([FORWARDING], `${forwards} forwards here`) : []),
        ...(hasUfw ? leave(MARTIANS, 'ufw sets it at every start (/etc/ufw/sysctl.conf)') : []),
      ];
  const machine = items.has('kernel') ? KERNEL : [];
  const carrier = 'belongs to the machine that carries this container';
  if (sysctl === 'all') return { applied: [...network, ...machine], skipped: kept };
  return sysctl === 'net'
    ? { applied: network, skipped: [...kept, ...leave(machine, carrier)] }
    : {
        applied: [],
        skipped: leave([...(items.has('network') ? [FORWARDING, ...MARTIANS, ...NETWORK] : []), ...machine], carrier),
      };
}
