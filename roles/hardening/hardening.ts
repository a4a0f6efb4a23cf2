import { compareVersions } from '../../src/cluster/versions.ts';
import type { Host } from '../../src/inventory/model.ts';
import { type Facts, SSHD_CONFIG, TIME_DAEMONS } from '../../src/observe/host.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { HA_PACKAGES, SERVICES } from '../../src/roles.ts';
import { directory } from '../../src/steps/directory.ts';
import { file } from '../../src/steps/file.ts';
import { option } from '../../src/steps/option.ts';
import { ready } from '../../src/steps/ready.ts';
import { reload, restart, type Step } from '../../src/steps/step.ts';
import { sysctl } from '../../src/steps/sysctl.ts';
import { unit } from '../../src/steps/unit.ts';
import { auditRules } from './audit-rules.ts';
import { isJumpHost } from './jump-host.ts';
import { isNetwork, kernelSettings } from './kernel.ts';

const role = 'hardening';
const IN_CONTAINER = 'the container shares the kernel and clock of its machine';

/** Units that needrestart must not restart; Debian's own PostgreSQL units run clusters that are not hapg's. */
const LEFT_ALONE = [...SERVICES, 'postgresql'];

export const hardeningPackages = (host: Host, context: Context): string[] => [
  'unattended-upgrades',
  'needrestart',
  'libpam-pwquality',
  'libpam-tmpdir',
  'debsums',
  ...(context.facts(host).container
    ? []
    : ['auditd', ...(keepsTime(context.facts(host)) === DEFAULT_TIME ? [DEFAULT_TIME] : [])]),
];

/** The package for hosts where nothing keeps the clock; elsewhere it would replace the present one. */
const DEFAULT_TIME = 'chrony';
const keepsTime = ({ timeDaemon }: Facts): string => timeDaemon ?? DEFAULT_TIME;

/** Steps before packages: login, limits, kernel. */
export function hardening(host: Host, context: Context): Step[] {
  const facts = context.facts(host);
  const settings = kernelSettings(host, context);
  return [
    ...access(host, context),
    file(
      role,
      '/etc/security/limits.d/60-hapg.conf',
      '# Managed by hapg: no core dumps, they hold memory of the database.\n* hard core 0\nroot hard core 0\n',
    ),
    directory(role, '/etc/systemd/coredump.conf.d'),
    file(
      role,
      '/etc/systemd/coredump.conf.d/60-hapg.conf',
      '# Managed by hapg\n[Coredump]\nStorage=none\nProcessSizeMax=0\n',
    ),
    directory(role, '/etc/modprobe.d'),
    file(role, '/etc/modprobe.d/60-hapg.conf', MODULES),
    file(
      role,
      '/etc/sysctl.d/60-hapg.conf',
      `# Managed by hapg\n${settings.applied.map(({ key, value }) => `${key} = ${value}\n`).join('')}`,
      { guarded: settings.applied.some(isNetwork) },
    ),
    ...settings.applied.map(({ key, value, along }) =>
      sysctl(role, key, value, { guarded: isNetwork({ key }), ...(along ? { along } : {}) }),
    ),
    ...settings.skipped.map(({ key, value, because }) => sysctl(role, key, value, { notApplicable: because })),
    // A banner has no line that marks it as hapg's.
    file(role, '/etc/issue', BANNER, { foreign: 'true' }),
    file(role, '/etc/issue.net', BANNER, { foreign: 'true' }),
    option(role, '/etc/login.defs', 'UMASK', '027'),
    option(role, '/etc/login.defs', 'PASS_MIN_DAYS', 1),
    option(role, '/etc/login.defs', 'PASS_MAX_DAYS', 365),
    option(role, '/etc/login.defs', 'SHA_CRYPT_MIN_ROUNDS', 65536),
    option(role, '/etc/login.defs', 'SHA_CRYPT_MAX_ROUNDS', 65536),
    file(role, '/etc/profile.d/60-hapg.sh', '# Managed by hapg\numask 027\nTMOUT=3600\nreadonly TMOUT\nexport TMOUT\n'),
    directory(role, '/etc/sudoers.d', { mode: '0750' }),
    directory(role, '/etc/systemd/journald.conf.d'),
    file(
      role,
      '/etc/systemd/journald.conf.d/60-hapg.conf',
      '# Managed by hapg: evidence of weeks, bounded.\n[Journal]\nStorage=persistent\nSystemMaxUse=1G\nSystemKeepFree=1G\nMaxRetentionSec=90day\nForwardToSyslog=no\n',
      {
        notify: [restart('systemd-journald.service')],
      },
    ),
    directory(role, '/etc/apt/apt.conf.d'),
    file(role, '/etc/apt/apt.conf.d/52hapg', render('hardening/unattended-upgrades', { excluded: HA_PACKAGES })),
    directory(role, '/etc/needrestart/conf.d'),
    file(role, '/etc/needrestart/conf.d/60-hapg.conf', render('hardening/needrestart', { units: LEFT_ALONE })),
    directory(role, '/etc/audit/rules.d', {
      mode: '0750',
      ...(facts.container ? { notApplicable: IN_CONTAINER } : {}),
    }),
    file(role, '/etc/audit/rules.d/60-hapg.rules', auditRules(context.cluster), {
      mode: '0640',
      notApplicable: facts.container ? IN_CONTAINER : undefined,
    }),
  ];
}

/** Steps that need the packages. */
export function hardeningServices(host: Host, context: Context): Step[] {
  const notApplicable = context.facts(host).container ? IN_CONTAINER : undefined;
  return [
    file(
      role,
      '/etc/security/pwquality.conf',
      '# Managed by hapg\nminlen = 14\nminclass = 3\nmaxrepeat = 3\ndictcheck = 1\nretry = 3\n',
    ),
    unit(role, TIME_DAEMONS[keepsTime(context.facts(host))]!, { notApplicable }),
    unit(role, 'auditd.service', { notApplicable }),
    // auditd refuses a manual restart, so its rules are loaded separately.
    ready(
      role,
      'audit rules',
      {
        check: "augenrules --check | grep -q 'No change'",
        act: 'augenrules --load',
        doing: 'loading audit rules',
        timeoutSeconds: 20,
      },
      { notApplicable },
    ),
    unit(role, 'apt-daily-upgrade.timer'),
  ];
}

/** Steps for sshd: guarded, because a mistake here locks the operator out. */
function access(host: Host, context: Context): Step[] {
  const facts = context.facts(host);
  const forwards = isJumpHost(host, context);
  const content = render('hardening/sshd', {
    permitRoot: (host.ssh.user ?? 'root') === 'root' ? 'prohibit-password' : 'no',
    forwards,
    kex: keyExchanges(facts.opensshVersion),
    hostKeys: HOST_KEYS,
  });
  return [
    directory(role, '/etc/ssh/sshd_config.d'),
    file(role, SSHD_CONFIG, content, {
      mode: '0600',
      guarded: true,
      check: 'install -d -m 0755 /run/sshd && /usr/sbin/sshd -t -f {}',
      notify: [reload('ssh.service')],
      note: ends(host, facts, forwards),
    }),
  ];
}

/** Returns what sshd will stop doing for others, for readers of the plan. */
function ends(host: Host, facts: Facts, forwards: boolean): string | undefined {
  const user = host.ssh.user ?? 'root';
  const list = [
    ...(facts.sshPasswords ? ['take passwords'] : []),
    ...(facts.sshRoot && user !== 'root' ? [`let root log in (the inventory logs in as ${user})`] : []),
    ...(!forwards && facts.sshForwards !== 'no'
      ? ['forward TCP (jump_host: true on a host through which somebody reaches others keeps that)']
      : []),
  ];
  return list.length > 0 ? `sshd will no longer ${list.join(', nor ')}` : undefined;
}

/** Types of host keys, best first; ECDSA last, kept because some clients know a host only by such a key. */
const HOST_KEYS = [
  ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
]
  .flatMap((types) => [...types, ...types.map(certified)])
  .join(',');

/** Returns the name of a key type's certificates (OpenSSH, PROTOCOL.certkeys). */
function certified(type: string): string {
  return `${type}-cert-v01@openssh.com`;
}

/** Returns the key exchanges that this version knows: an unknown name makes sshd refuse its configuration. */
function keyExchanges(version: string): string {
  return [
    ...(compareVersions(version, '9.9') >= 0 ? ['mlkem768x25519-sha256', 'sntrup761x25519-sha512'] : []),
    'sntrup761x25519-sha512@openssh.com',
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
  ].join(',');
}

const BANNER = `Authorized use only. Access to this system is recorded and reviewed.
`;

const MODULES = `# Managed by hapg: protocols and file systems that a database host does not need.
${['dccp', 'sctp', 'rds', 'tipc', 'cramfs', 'freevxfs', 'jffs2', 'hfs', 'hfsplus', 'udf', 'usb-storage', 'firewire-core', 'firewire-ohci'].map((name) => `install ${name} /bin/true\nblacklist ${name}\n`).join('')}`;
