import { createHash } from 'node:crypto';
import { words } from '../shell/quote.ts';
import { docker } from './docker.ts';
import { ENTRYPOINT, ensureImage, IMAGE, TIDY } from './image.ts';

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
const installScript = (packages: readonly string[]): string => `set -e
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

/** The warm image's name; it changes with the packages and the way to install them. */
function warmImage(packages: readonly string[]): string {
  const hash = createHash('sha256').update(installScript(packages)).digest('hex').slice(0, 8);
  return `${IMAGE}-warm-${hash}`;
}

/**
 * Makes sure that the image of a warm host exists: a bare one with these packages installed and nothing configured,
 * built once per machine. Returns its name. Throws LabError with the end of the installation's output.
 */
export async function ensureWarmImage(packages: readonly string[], say: (text: string) => void): Promise<string> {
  const image = warmImage(packages);
  await ensureImage(say);
  if ((await docker('image', 'ls', '-q', image)).trim()) return image;
  say(`building the image of a warm host: ${packages.length} packages on a bare one (about two minutes, once)`);
  const container = (
    await docker('create', '--network', 'bridge', '--entrypoint', 'sh', IMAGE, '-c', installScript(packages))
  ).trim();
  try {
    await docker('start', '--attach', container);
    await docker('commit', '--change', ENTRYPOINT, '--change', 'CMD []', container, image);
  } finally {
    await docker('rm', '-f', '-v', container);
  }
  return image;
}
