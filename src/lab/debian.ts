import { words } from '../shell/quote.ts';
import { apt, hasProgram, LabError, pipe } from './programs.ts';

/** Debian release of the lab's hosts; `HAPG_LAB_RELEASE=bookworm` selects another. */
export const RELEASE = process.env.HAPG_LAB_RELEASE ?? 'trixie';

/** Packages of a bare host, wherever it runs. */
export const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'sudo', 'iproute2', 'ca-certificates'];

/**
 * Files that identify a host: a copy of the image makes its own at its first boot. systemd takes D-Bus's where its own
 * is empty.
 */
const IDENTITY = 'rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id && : > /etc/machine-id';
/** Files that apt has fetched. */
const FETCHED = 'rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb';
/** sh that removes from a host what does not belong in an image. */
export const TIDY = `${IDENTITY} && ${FETCHED}`;

/**
 * Services that a package enables and that stay enabled: hapg does not manage them, and they open no port. Every other
 * one is off until apply enables it; it would else run at the first boot with its package's example settings.
 */
const LEFT_ON = ['unattended-upgrades.service'];

/**
 * sh that installs packages on a bare host and configures nothing. policy-rc.d keeps the packages' scripts from
 * starting anything (invoke-rc.d(8)); Docker's own Debian image brings one. createcluster.conf keeps postgresql-common
 * from making a cluster. Both are removed afterwards. A oneshot unit leaves nothing running, so it is left as it is.
 */
export const installScript = (packages: readonly string[]): string => `set -e
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
enabled() { systemctl --root=/ --no-legend --state=enabled list-unit-files '*.service' | cut -d ' ' -f 1 | sort; }
enabled > /root/enabled
policy=/usr/sbin/policy-rc.d
if [ -e $policy ]; then policy=; else printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 0755 $policy; fi
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
apt-get -q -o Acquire::Retries=3 update
apt-get -q -y -o Acquire::Retries=3 --no-install-recommends install ${words(...packages)}
rm $policy /etc/postgresql-common/createcluster.conf
for unit in $(enabled | comm -13 /root/enabled - | grep -vxF ${words(...LEFT_ON.flatMap((one) => ['-e', one]))}); do
  grep -qx Type=oneshot "/usr/lib/systemd/system/$unit" || systemctl --root=/ -q disable "$unit"
done
rm /root/enabled
${TIDY}`;

/** Makes the file tree of a Debian system with these packages in an empty directory, from Debian's packages; needs root. */
export async function bootstrap(root: string, packages: readonly string[], say: (text: string) => void): Promise<void> {
  if (!(await hasProgram('apt-get')) || process.getuid?.() !== 0)
    throw new LabError('an image of Debian is made by debootstrap, as root, on a Debian or Ubuntu machine');
  if (!(await hasProgram('debootstrap'))) {
    say('installing debootstrap (apt-get install)');
    await apt('debootstrap');
  }
  await pipe([['debootstrap', '--variant=minbase', `--include=${packages.join(',')}`, RELEASE, root]]);
}
