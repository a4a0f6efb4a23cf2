import type { Context } from '../../src/engine/playbook.ts';
import type { Host } from '../../src/inventory/model.ts';

interface Setting {
  key: string;
  value: string;
}

/** Of the host's own network namespace, so they can be set in a container too. */
const NETWORK: Setting[] = [
  ...['all', 'default'].flatMap((scope) => [
    { key: `net.ipv4.conf.${scope}.accept_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.secure_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.send_redirects`, value: '0' },
    { key: `net.ipv4.conf.${scope}.accept_source_route`, value: '0' },
    { key: `net.ipv4.conf.${scope}.log_martians`, value: '1' },
    { key: `net.ipv4.conf.${scope}.rp_filter`, value: '1' },
    { key: `net.ipv6.conf.${scope}.accept_redirects`, value: '0' },
    { key: `net.ipv6.conf.${scope}.accept_source_route`, value: '0' },
  ]),
  { key: 'net.ipv4.tcp_syncookies', value: '1' },
  { key: 'net.ipv4.tcp_rfc1337', value: '1' },
  { key: 'net.ipv4.ip_forward', value: '0' },
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

/** Figures for a database: little swapping, early and even write-back (PostgreSQL's documentation, 18.4). */
const DATABASE: Setting[] = [
  { key: 'vm.swappiness', value: '1' },
  { key: 'vm.dirty_background_bytes', value: '67108864' },
  { key: 'vm.dirty_bytes', value: '536870912' },
];

/** The kernel settings of a host: those that it can set for itself, and those that are left out with the reason. */
export function kernelSettings(
  host: Host,
  context: Context,
): { applied: Setting[]; skipped: (Setting & { because: string })[] } {
  const facts = context.facts(host);
  const network = facts.ipv6 ? NETWORK : NETWORK.filter(({ key }) => !key.startsWith('net.ipv6.'));
  const machine = [...KERNEL, ...(host.roles.has('patroni') ? DATABASE : [])];
  if (facts.sysctl === 'all') return { applied: [...network, ...machine], skipped: [] };
  const leave = (list: Setting[]) =>
    list.map((one) => ({ ...one, because: 'belongs to the machine that carries this container' }));
  return facts.sysctl === 'net'
    ? { applied: network, skipped: leave(machine) }
    : { applied: [], skipped: leave([...network, ...machine]) };
}
