import { spawnSync } from 'node:child_process';
import type { TestLab } from './lab.ts';

/** One package of every service, and one of every host. */
const NEWER = [
  'patroni',
  'etcd-server',
  'haproxy',
  'keepalived',
  'pgbackrest',
  'postgresql-17',
  'postgresql-client-17',
  'iproute2',
];

/**
 * Makes real updates available: fetches the hosts' own packages on a database host, packs them with a higher version,
 * and adds them as a local package source on every host. `breakOn`: the host where the common package fails.
 */
export function offerUpdates(
  lab: TestLab,
  suffix: string,
  packages: readonly string[] = [...NEWER, ...(lab.with('pgbouncer').length > 0 ? ['pgbouncer'] : [])],
  breakOn?: string,
): void {
  const builder = lab.with('patroni')[0]!;
  const build = (broken: boolean) => `set -e
rm -rf /opt/build /etc/apt/sources.list.d/newer.list; mkdir -p /opt/build/newer; cd /opt/build; chmod 0777 /opt/build
apt-get -q update >/dev/null
for p in ${packages.join(' ')}; do
  apt-get -q download "$p/trixie" >/dev/null
  dpkg-deb -R "$p"_*.deb tree
  version=$(sed -n 's/^Version: //p' tree/DEBIAN/control)
  sed -i "s/^Version: .*/Version: $version+${suffix}/" tree/DEBIAN/control
  ${broken ? `if [ "$p" = iproute2 ]; then printf '#!/bin/sh\\nexit 1\\n' > tree/DEBIAN/postinst; chmod 0755 tree/DEBIAN/postinst; fi` : ''}
  # Packages of one source that ask for exactly each other's version are offered together or not at all.
  sed -i -E "s/\\(= $(echo "$version" | sed 's/[+.]/\\\\&/g')\\)/(>= $version)/g" tree/DEBIAN/control
  dpkg-deb -b --root-owner-group tree newer/"$p".deb >/dev/null
  rm -rf tree "$p"_*.deb
done
cd newer
for f in *.deb; do dpkg-deb -f $f; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; echo "SHA256: $(sha256sum $f | cut -c1-64)"; echo; done > Packages
chmod -R a+rX .
tar -C /opt/build -czf /opt/newer.tgz newer`;
  const spread = (hosts: readonly string[]) => {
    const { stdout } = spawnSync('docker', ['exec', `${lab.cluster}-${builder}`, 'cat', '/opt/newer.tgz'], {
      maxBuffer: 1 << 30,
    });
    for (const host of hosts)
      spawnSync(
        'docker',
        [
          'exec',
          '-i',
          `${lab.cluster}-${host}`,
          'sh',
          '-c',
          'rm -rf /opt/newer; tar -C /opt -xzf - && echo "deb [trusted=yes] file:/opt/newer ./" > /etc/apt/sources.list.d/newer.list',
        ],
        { input: stdout, maxBuffer: 1 << 30 },
      );
  };
  for (const [broken, hosts] of [
    [false, lab.hosts.filter((host) => host !== breakOn)],
    [true, breakOn ? [breakOn] : []],
  ] as const) {
    if (hosts.length === 0) continue;
    const made = lab.on(builder, build(broken), 300);
    if (made.code !== 0) throw new Error(`newer packages could not be made: ${made.out}`);
    spread(hosts);
  }
}

/** The version of a package on a host. */
export const versionOn = (lab: TestLab, host: string, name: string): string =>
  lab.on(host, `dpkg-query -W -f '\${Version}' ${name}`).out;
