import { spawnSync } from 'node:child_process';
import type { TestLab } from './lab.ts';

const MAKE = `set -e
apt-get -q update >/dev/null; apt-get -q -y install gnupg >/dev/null
rm -rf /opt/vendor /opt/build; mkdir -p /opt/vendor /opt/build/DEBIAN /opt/build/usr/share/postgresql/17/extension
cd /opt/build
printf 'Package: postgresql-17-lab-note\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: vendor <vendor@example.com>\\nDescription: an extension\\n' > DEBIAN/control
printf "comment = 'an extension of somebody else'\\ndefault_version = '1.0'\\n" > usr/share/postgresql/17/extension/lab_note.control
echo "create function lab_note() returns text language sql as \\$\\$ select 'from the vendor' \\$\\$;" > usr/share/postgresql/17/extension/lab_note--1.0.sql
dpkg-deb -b --root-owner-group . /opt/vendor/lab-note.deb >/dev/null
cd /opt/vendor
{ dpkg-deb -f lab-note.deb; echo 'Filename: ./lab-note.deb'; echo "Size: $(stat -c %s lab-note.deb)"; echo "SHA256: $(sha256sum lab-note.deb | cut -c1-64)"; } > Packages
{ echo 'Origin: vendor'; echo "Date: $(date -Ru)"; echo 'SHA256:'; echo " $(sha256sum Packages | cut -c1-64) $(stat -c %s Packages) Packages"; } > Release
export GNUPGHOME=$(mktemp -d)
gpg --batch -q --passphrase '' --quick-generate-key vendor ed25519 sign never
gpg --batch -q --clearsign -o InRelease Release
gpg --batch --armor --export vendor > key.asc
rm -rf "$GNUPGHOME"
chmod -R a+rX .
tar -C /opt -czf /opt/vendor.tgz vendor`;

/**
 * Puts a signed package source with one extension, `lab_note` in `postgresql-17-lab-note`, into /opt/vendor of every
 * database host and of the repository's, where drills need it; returns its signing key, which is made for the occasion.
 */
export function offerExtension(lab: TestLab): string {
  const made = lab.on(lab.client, MAKE, 120);
  if (made.code !== 0) throw new Error(`the vendor's packages could not be made: ${made.out}`);
  const container = (host: string) => `${lab.cluster}-${host}`;
  const { stdout } = spawnSync('docker', ['exec', container(lab.client), 'cat', '/opt/vendor.tgz']);
  for (const host of [...lab.with('patroni'), ...lab.with('pgbackrest')])
    spawnSync('docker', ['exec', '-i', container(host), 'tar', '-C', '/opt', '-xzf', '-'], { input: stdout });
  return lab.on(lab.client, 'cat /opt/vendor/key.asc').out;
}
