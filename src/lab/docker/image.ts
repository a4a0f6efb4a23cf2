import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrap, PACKAGES, RELEASE, TIDY } from '../debian.ts';
import { hasProgram, pipe } from '../programs.ts';
import { docker } from './engine.ts';

/** Version of the image; to be raised when its content changes. */
export const IMAGE = `hapg-lab:${RELEASE}-2`;

/** The start command of a container of these images. */
export const ENTRYPOINT = 'ENTRYPOINT ["/sbin/lab-init"]';

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
 * elsewhere. Returns its name.
 */
export async function ensureImage(say: (text: string) => void): Promise<string> {
  const there = await docker('image', 'ls', '-q', IMAGE);
  if (there.trim()) return IMAGE;
  if ((await hasProgram('apt-get')) && process.getuid?.() === 0) await importTree(say);
  else await build(say);
  return IMAGE;
}

async function importTree(say: (text: string) => void): Promise<void> {
  say(`building the image of a bare Debian ${RELEASE} host (about a minute, once)`);
  const root = mkdtempSync(join(tmpdir(), 'hapg-image-'));
  try {
    await bootstrap(root, PACKAGES, say);
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
