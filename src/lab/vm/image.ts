import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { bootstrap, installScript, PACKAGES, RELEASE, TIDY } from '../debian.ts';
import type { Say } from '../platform.ts';
import { apt, hasProgram, LabError, pipe, run } from '../programs.ts';

/** Version of the disk image; to be raised when its content changes. */
const VERSION = 2;

/** What a machine of its own has besides the packages of a bare host: a kernel, udev, a way to an address. */
const OWN_KERNEL = ['udev', 'kmod', 'systemd-resolved', 'initramfs-tools', 'zstd', 'linux-image-cloud-amd64'];

/** Size of a disk (bytes); the file holds only what is written. */
const DISK = 8 * 1024 ** 3;
const SECTOR = 512;
/** Start of the only partition (sectors): the customary gap before it holds the boot loader. */
const FIRST_SECTOR = 2048;
/** Length of the code in GRUB's boot.img; the partition table follows it. */
const BOOT_CODE = 440;

/** Programs that make an image, and Debian's packages that have them. */
const BUILDERS: Record<string, string> = {
  'qemu-img': 'qemu-utils',
  debootstrap: 'debootstrap',
  mke2fs: 'e2fsprogs',
  sfdisk: 'fdisk',
  'grub-mkimage': 'grub-common',
};
/** GRUB's own files for machines with a BIOS, of package grub-pc-bin. */
const GRUB = '/usr/lib/grub/i386-pc';

/** Words before the SSH host key, on the console of a machine. */
export const HOST_KEY = 'hapg host key: ';

/**
 * Files of the image, none of which differs between machines: names, addresses and keys come from outside, as
 * credentials of systemd (systemd.system-credentials(7)). The host key is made at the first boot and told on the
 * console, from where the lab reads it.
 */
const FILES: Record<string, string> = {
  'etc/fstab': 'LABEL=root / ext4 defaults,noatime 0 1\n',
  'etc/systemd/network/10-uplink.network':
    '[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nLLMNR=no\nMulticastDNS=no\n',
  'etc/systemd/system/ssh-host-keys.service': `[Unit]
Description=SSH host key of this copy of the image
Before=ssh.service

[Service]
Type=oneshot
ExecStart=sh -c 'test -e /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; echo "${HOST_KEY}$(cat /etc/ssh/ssh_host_ed25519_key.pub)" > /dev/console'

[Install]
WantedBy=multi-user.target
`,
  // Debian's kernel packages keep these two links on the newest kernel. Without protections against speculative
  // execution a machine without KVM answers in half the time.
  'boot/grub/grub.cfg': `set timeout=0
linux /vmlinuz root=LABEL=root ro console=ttyS0 net.ifnames=0 quiet mitigations=off
initrd /initrd.img
boot
`,
};

/** Commands of GRUB that find the file system and go on with the configuration in it. */
const EARLY = 'search --no-floppy --label root --set root\nset prefix=($root)/boot/grub\nnormal\n';
const MODULES = ['biosdisk', 'part_msdos', 'ext2', 'search', 'search_label', 'configfile', 'normal', 'linux', 'boot'];

/** Directory of images and of open connections, shared by all labs of this user. */
export const cache = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hapg');

/**
 * Makes sure that the disk image of a virtual machine exists: Debian with a kernel and a boot loader, bare or with
 * `packages` installed and not configured. It is built once per user, from Debian's packages, as root. Returns its path.
 */
export async function ensureDiskImage(packages: readonly string[] | undefined, say: Say): Promise<string> {
  if (RELEASE !== 'trixie')
    throw new LabError(`virtual machines run Debian 13: systemd of ${RELEASE} takes no network from outside`);
  const key = packages ? `-${createHash('sha256').update(installScript(packages)).digest('hex').slice(0, 8)}` : '';
  const image = join(cache(), `debian-${RELEASE}-${VERSION}${key}.qcow2`);
  if (existsSync(image)) return image;
  if (process.arch !== 'x64') throw new LabError('virtual machines of the lab are built for x86-64 only');
  await ensurePrograms(BUILDERS, say, { [GRUB]: 'grub-pc-bin' });
  say(`building the disk of a Debian ${RELEASE} machine${packages ? ` with ${packages.length} packages` : ''} (once)`);
  mkdirSync(cache(), { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(cache(), 'build-'));
  try {
    const root = join(scratch, 'root');
    mkdirSync(root);
    await bootstrap(root, [...PACKAGES, ...OWN_KERNEL], say);
    await finish(root, packages);
    await toDisk(root, join(scratch, 'disk.raw'));
    await run('qemu-img', ['convert', '-O', 'qcow2', join(scratch, 'disk.raw'), join(scratch, 'disk.qcow2')]);
    renameSync(join(scratch, 'disk.qcow2'), image);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return image;
}

/**
 * Makes sure that programs are installed, and directories of packages: each by the name of Debian's package that has it.
 * As root on Debian and Ubuntu it installs what is missing. Throws LabError.
 */
export async function ensurePrograms(
  programs: Record<string, string>,
  say: Say,
  directories: Record<string, string> = {},
): Promise<void> {
  const missing = new Set<string>();
  for (const [program, name] of Object.entries(programs)) if (!(await hasProgram(program))) missing.add(name);
  for (const [directory, name] of Object.entries(directories)) if (!existsSync(directory)) missing.add(name);
  if (missing.size === 0) return;
  const list = [...missing];
  if (process.getuid?.() !== 0 || !(await hasProgram('apt-get')))
    throw new LabError(
      `a lab of virtual machines needs Debian's ${list.join(', ')}: install them, or run this as root`,
    );
  say(`installing Debian's ${list.join(', ')} (apt-get install)`);
  await apt(...list);
}

/** Writes the files into a tree, installs packages, and removes what belongs to one machine only. */
async function finish(root: string, packages: readonly string[] | undefined): Promise<void> {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const script = `${packages ? `(\n${installScript(packages)}\n)` : TIDY}
systemctl -q enable systemd-networkd systemd-resolved ssh-host-keys ssh
rm -f /etc/hostname`;
  // Packages read /proc; the mounts are gone with the namespace.
  await pipe(
    [
      [
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        'sh',
        '-ec',
        'for one in dev sys; do mount --rbind "/$one" "$0/$one"; done; mount -t proc proc "$0/proc"; exec chroot "$0" sh -es',
        root,
      ],
    ],
    script,
  );
  rmSync(join(root, 'etc/resolv.conf'), { force: true });
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
  chmodSync(root, 0o755);
}

/** Makes a raw disk of a tree: boot loader, partition table, one ext4 file system; nothing has to be mounted. */
async function toDisk(root: string, disk: string): Promise<void> {
  writeFileSync(disk, '');
  truncateSync(disk, DISK);
  const offset = FIRST_SECTOR * SECTOR;
  await pipe([['sfdisk', '-q', disk]], `start=${FIRST_SECTOR}, type=83, bootable\n`);
  await run('mke2fs', [
    '-q',
    ...['-t', 'ext4', '-L', 'root', '-E', `offset=${offset},lazy_itable_init=1`, '-d', root],
    disk,
    `${(DISK - offset) / 1024}k`,
  ]);
  const early = `${disk}.cfg`;
  const core = `${disk}.core`;
  writeFileSync(early, EARLY);
  await run('grub-mkimage', ['-O', 'i386-pc', '-p', '/boot/grub', '-c', early, '-o', core, ...MODULES]);
  if (statSync(core).size > (FIRST_SECTOR - 1) * SECTOR)
    throw new LabError('the boot loader does not fit before the first partition');
  const into = (file: string, bytes: number, at: number) =>
    run('dd', [
      `if=${file}`,
      `of=${disk}`,
      'conv=notrunc',
      'iflag=count_bytes',
      'oflag=seek_bytes',
      `count=${bytes}`,
      `seek=${at}`,
    ]);
  await into(join(GRUB, 'boot.img'), BOOT_CODE, 0);
  await into(core, statSync(core).size, SECTOR);
}
