import { dirname } from 'node:path';
import { compareVersions } from '../../src/cluster/versions.ts';
import { HARDENING_ITEMS, type HardeningItem } from '../../src/inventory/hardening-schema.ts';
import type { Host } from '../../src/inventory/model.ts';
import { type Facts, SSHD_CONFIG, TIME_DAEMONS } from '../../src/observe/host.ts';
import type { Context } from '../../src/playbook.ts';
import { render } from '../../src/render.ts';
import { HA_PACKAGES, SERVICES } from '../../src/roles.ts';
import { directory } from '../../src/steps/directory.ts';
import { type FileOptions, file, noFile } from '../../src/steps/file.ts';
import { option } from '../../src/steps/option.ts';
import { ready } from '../../src/steps/ready.ts';
import { sshdInEffect } from '../../src/steps/sshd-in-effect.ts';
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

/** The packages of each item. */
const PACKAGES: Partial<Record<HardeningItem, (facts: Facts) => readonly string[]>> = {
  updates: () => ['unattended-upgrades'],
  restarts: () => ['needrestart'],
  passwords: () => ['libpam-pwquality'],
  accounts: () => ['libpam-tmpdir'],
  audit: ({ container }) => ['debsums', ...(container ? [] : ['auditd'])],
  clock: (facts) => (facts.container || keepsTime(facts) !== DEFAULT_TIME ? [] : [DEFAULT_TIME]),
};

export const hardeningPackages = (host: Host, context: Context): string[] =>
  HARDENING_ITEMS.filter((item) => host.hardening.items.has(item)).flatMap(
    (item) => PACKAGES[item]?.(context.facts(host)) ?? [],
  );

/** The package for hosts where nothing keeps the clock; elsewhere it would replace the present one. */
const DEFAULT_TIME = 'chrony';
const keepsTime = ({ timeDaemon }: Facts): string => timeDaemon ?? DEFAULT_TIME;

/** The steps of an item, and those that take back its files where the inventory turns it off. */
interface Item {
  on: () => readonly Step[];
  off?: () => readonly Step[];
}

const itemSteps = (host: Host, items: Partial<Record<HardeningItem, Item>>): Step[] =>
  Object.entries(items).flatMap(([name, { on, off }]) => [
    ...(host.hardening.items.has(name as HardeningItem) ? on() : (off?.() ?? [])),
  ]);

/** An item that is one file, in a directory of such files, with the services that read it. */
const oneFile = (path: string, content: string, options: FileOptions = {}): Item => ({
  on: () => [directory(role, dirname(path)), file(role, path, content, options)],
  off: () => [noFile(role, path, options.notify ? { notify: options.notify } : {})],
});

/** Steps before packages: login, limits, kernel. */
export function hardening(host: Host, context: Context): Step[] {
  const facts = context.facts(host);
  const notApplicable = facts.container ? IN_CONTAINER : undefined;
  const limits = oneFile(
    '/etc/security/limits.d/60-hapg.conf',
    '# Managed by hapg: no core dumps, they hold memory of the database.\n* hard core 0\nroot hard core 0\n',
  );
  const collector = oneFile(
    '/etc/systemd/coredump.conf.d/60-hapg.conf',
    '# Managed by hapg\n[Coredump]\nStorage=none\nProcessSizeMax=0\n',
  );
  return [
    ...itemSteps(host, {
      sshd: {
        on: () => access(host, context),
        off: () => [noFile(role, SSHD_CONFIG, { guarded: true, notify: [reload('ssh.service')] })],
      },
      core_dumps: {
        on: () => [...limits.on(), ...collector.on()],
        off: () => [...limits.off!(), ...collector.off!()],
      },
      modules: oneFile('/etc/modprobe.d/60-hapg.conf', modulesFile(host, facts)),
    }),
    ...kernel(host, context),
    ...itemSteps(host, {
      // A banner has no line that marks it as hapg's.
      banner: {
        on: () => ['/etc/issue', '/etc/issue.net'].map((path) => file(role, path, BANNER, { foreign: 'true' })),
      },
      accounts: {
        on: () => [
          option(role, '/etc/login.defs', 'UMASK', '027'),
          option(role, '/etc/login.defs', 'PASS_MIN_DAYS', 1),
          option(role, '/etc/login.defs', 'PASS_MAX_DAYS', 365),
          option(role, '/etc/login.defs', 'SHA_CRYPT_MIN_ROUNDS', 65536),
          option(role, '/etc/login.defs', 'SHA_CRYPT_MAX_ROUNDS', 65536),
        ],
      },
      shells: oneFile(
        '/etc/profile.d/60-hapg.sh',
        '# Managed by hapg\numask 027\nTMOUT=3600\nreadonly TMOUT\nexport TMOUT\n',
      ),
      sudo: { on: () => [directory(role, '/etc/sudoers.d', { mode: '0750' })] },
      journal: oneFile('/etc/systemd/journald.conf.d/60-hapg.conf', journalFile(facts), {
        notify: [restart('systemd-journald.service')],
      }),
      updates: oneFile(
        '/etc/apt/apt.conf.d/52hapg',
        render('hardening/unattended-upgrades', { excluded: HA_PACKAGES }),
      ),
      restarts: oneFile('/etc/needrestart/conf.d/60-hapg.conf', render('hardening/needrestart', { units: LEFT_ALONE })),
      audit: {
        on: () => [
          directory(role, '/etc/audit/rules.d', { mode: '0750', notApplicable }),
          file(role, AUDIT_RULES, auditRules(context.cluster), { mode: '0640', notApplicable }),
        ],
        off: () => [noFile(role, AUDIT_RULES, { notApplicable })],
      },
    }),
  ];
}

const AUDIT_RULES = '/etc/audit/rules.d/60-hapg.rules';
const SYSCTL = '/etc/sysctl.d/60-hapg.conf';

/** Steps for the settings of the kernel: in a file for the next boot, and live. */
function kernel(host: Host, context: Context): Step[] {
  const settings = kernelSettings(host, context);
  const isGuarded = settings.applied.some(isNetwork);
  return [
    settings.applied.length > 0
      ? file(
          role,
          SYSCTL,
          `# Managed by hapg\n${settings.applied.map(({ key, value }) => `${key} = ${value}\n`).join('')}`,
          { guarded: isGuarded },
        )
      : noFile(role, SYSCTL),
    ...settings.applied.map(({ key, value, along }) =>
      sysctl(role, key, value, { guarded: isNetwork({ key }), ...(along ? { along } : {}) }),
    ),
    ...settings.skipped.map(({ key, value, because }) => sysctl(role, key, value, { notApplicable: because })),
  ];
}

/** A daemon that ships the journal elsewhere needs its messages. */
const journalFile = ({ syslog }: Facts): string =>
  `# Managed by hapg: evidence of weeks, bounded.\n[Journal]\nStorage=persistent\nSystemMaxUse=1G\nSystemKeepFree=1G\nMaxRetentionSec=90day\n${syslog ? '' : 'ForwardToSyslog=no\n'}`;

/** Steps that need the packages. */
export function hardeningServices(host: Host, context: Context): Step[] {
  const notApplicable = context.facts(host).container ? IN_CONTAINER : undefined;
  return itemSteps(host, {
    passwords: {
      on: () => [
        file(
          role,
          '/etc/security/pwquality.conf',
          '# Managed by hapg\nminlen = 14\nminclass = 3\nmaxrepeat = 3\ndictcheck = 1\nretry = 3\n',
        ),
      ],
    },
    clock: { on: () => [unit(role, TIME_DAEMONS[keepsTime(context.facts(host))]!, { notApplicable })] },
    audit: {
      on: () => [
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
      ],
    },
    updates: { on: () => [unit(role, 'apt-daily-upgrade.timer')] },
  });
}

/** Steps for sshd: guarded, because a mistake here locks the operator out. */
function access(host: Host, context: Context): Step[] {
  const facts = context.facts(host);
  // "all" is "yes" in a word that a later run does not take for what a jump host was granted.
  const forwarding = isJumpHost(host, context) ? 'yes' : host.hardening.tcpForwarding ? 'all' : 'no';
  const content = render('hardening/sshd', {
    permitRoot: (host.ssh.user ?? 'root') === 'root' ? 'prohibit-password' : 'no',
    forwarding,
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
      note: ends(host, facts, forwarding !== 'no'),
    }),
    sshdInEffect(role, SSHD_CONFIG),
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

const MODULES = [
  'dccp',
  'sctp',
  'rds',
  'tipc',
  'cramfs',
  'freevxfs',
  'jffs2',
  'hfs',
  'hfsplus',
  'udf',
  'usb-storage',
  'firewire-core',
  'firewire-ohci',
];

/** The modules that cannot be loaded. Azure hands a machine its settings on a disc with udf. */
function modulesFile({ hardening: { loadable } }: Host, { cloud }: Facts): string {
  const left = new Set([...loadable, ...(cloud === 'azure' ? ['udf'] : [])]);
  const lines = MODULES.filter((name) => !left.has(name)).map(
    (name) => `install ${name} /bin/true\nblacklist ${name}\n`,
  );
  return `# Managed by hapg: protocols and file systems that a database host does not need.\n${lines.join('')}`;
}
