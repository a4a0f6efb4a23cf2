import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apt, docker, hasProgram, LabError } from './docker.ts';

/** Debian release of the lab's hosts; `HAPG_LAB_RELEASE=bookworm` selects another. */
const RELEASE = process.env.HAPG_LAB_RELEASE ?? 'trixie';
/** Version of the image; to be raised when its content changes. */
export const IMAGE = `hapg-lab:${RELEASE}-2`;

/**
 * Files that identify a host: a copy of the image makes its own at its first boot. systemd takes D-Bus's where its own
 * is empty.
 */
const IDENTITY = 'rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id && : > /etc/machine-id';
/** Files that apt has fetched. */
const FETCHED = 'rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb';
/** sh that removes from a host what does not belong in an image. */
export const TIDY = `${IDENTITY} && ${FETCHED}`;
/** The start command of a container of these images. */
export const ENTRYPOINT = 'ENTRYPOINT ["/sbin/lab-init"]';

const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'sudo', 'iproute2', 'ca-certificates'];
/** Units that make no sense in a container, or that would fight for the machine's terminal. */
const MASKED = [
  'systemd-logind',
  'systemd-udevd',
  'systemd-networkd',
  'systemd-resolved',
  'getty@tty1',
  'console-getty',
];

/**
 * Entry point of a host: gives systemd a control group tree of its own where the machine still has version 1 (Debian
 * 13's systemd refuses that), makes the host's SSH host keys, and becomes init.
 */
const ENTRY = `#!/bin/sh
set -e
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
  s=/run/cgroup2
  mkdir -p $s
  mount -t cgroup2 none $s
  mkdir -p "$s/$(hostname)"
  echo $$ > "$s/$(hostname)/cgroup.procs"
  umount -l $s
  umount -R -l /sys/fs/cgroup
  exec unshare --cgroup sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec /sbin/init'
fi
exec /sbin/init
`;

/**
 * Makes sure that the image of a bare Debian host exists: built from Debian's packages, or from Docker's debian image
 * elsewhere.
 */
export async function ensureImage(say: (text: string) => void): Promise<void> {
  const there = await docker('image', 'ls', '-q', IMAGE);
  if (there.trim()) return;
  if ((await hasProgram('apt-get')) && process.getuid?.() === 0) await bootstrap(say);
  else await build(say);
}

async function bootstrap(say: (text: string) => void): Promise<void> {
  if (!(await hasProgram('debootstrap'))) {
    say('installing debootstrap (apt-get install)');
    await apt('debootstrap');
  }
  say(`building the image of a bare Debian ${RELEASE} host (about a minute, once)`);
  const root = mkdtempSync(join(tmpdir(), 'hapg-image-'));
  try {
    await pipe([['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, root]]);
    await finish(root);
    await pipe([
      ['tar', '-C', root, '-c', '.'],
      ['docker', 'import', '--change', ENTRYPOINT, '-', IMAGE],
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function finish(root: string): Promise<void> {
  await pipe([['chroot', root, 'sh', '-c', TIDY]]);
  for (const name of MASKED) {
    rmSync(join(root, 'etc/systemd/system', `${name}.service`), { force: true });
    symlinkSync('/dev/null', join(root, 'etc/systemd/system', `${name}.service`));
  }
  mkdirSync(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, 'sbin/lab-init'), ENTRY);
  chmodSync(join(root, 'sbin/lab-init'), 0o755);
}

async function build(say: (text: string) => void): Promise<void> {
  say(`building the image of a bare Debian ${RELEASE} host from Docker's debian:${RELEASE}`);
  const context = mkdtempSync(join(tmpdir(), 'hapg-image-'));
  try {
    writeFileSync(join(context, 'lab-init'), ENTRY, { mode: 0o755 });
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM debian:${RELEASE}
RUN apt-get update && apt-get install -y --no-install-recommends ${PACKAGES.join(' ')} && ${TIDY} && mkdir -m 700 -p /root/.ssh
RUN cd /etc/systemd/system && for u in ${MASKED.join(' ')}; do ln -sf /dev/null $u.service; done
COPY lab-init /sbin/lab-init
${ENTRYPOINT}
`,
    );
    await docker('build', '-t', IMAGE, context);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Runs programs connected by pipes; rejects with the end of what they wrote to standard error. */
function pipe(commands: readonly (readonly string[])[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let errors = '';
    let left = commands.length;
    let failed = false;
    const children = commands.map(([program, ...args]) => spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    for (const [index, child] of children.entries()) {
      child.stderr.on('data', (chunk: Buffer) => {
        errors = (errors + chunk.toString()).slice(-2000);
      });
      const next = children[index + 1];
      if (next) child.stdout.pipe(next.stdin);
      else child.stdout.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
      child.on('error', reject);
      child.on('close', (code) => {
        failed ||= code !== 0;
        if (--left > 0) return;
        if (failed) reject(new LabError(`${commands.map((one) => one[0]).join(' | ')}: ${errors.trim()}`));
        else resolve();
      });
    }
    children[0]!.stdin.end();
  });
}
