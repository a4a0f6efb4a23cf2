/** What the control file of Debian's package says of this release. */
export interface About {
  version: string;
  /** The architecture as Debian calls it. */
  architecture: string;
  /** What it needs to start at all. */
  libraries: readonly string[];
  /** What its files take (KiB). */
  size: number;
}

/** What the program starts on the controller: connections with `ssh.transport: openssh`, and `hapg ssh`. */
const RECOMMENDED = ['openssh-client'];

/** What single commands and options start: probes with --probe, `init --from-ansible`, `hapg lab`. */
const SUGGESTED = ['ansible-core', 'debootstrap', 'docker.io', 'man-db', 'postgresql-client', 'qemu-system'];

const SYNOPSIS = 'builds and operates highly available PostgreSQL clusters over SSH';
const LONG = [
  'It builds a cluster of PostgreSQL, Patroni, etcd, HAProxy, keepalived and',
  'pgBackRest from one YAML file, shows every change before it makes it, reads',
  'it back afterwards, and operates the cluster: updates, switchovers, backups,',
  'restores, repairs. There is no agent on the hosts.',
  '.',
  'The program contains its own Node.js.',
];

/** Architectures of Node as Debian calls them. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Debian's name of an architecture of Node; throws for one that Node's makers do not build for. */
export function debianArchitecture(name: string): string {
  const known = ARCHITECTURES[name];
  if (!known) throw new Error(`no package is made for ${name}, only for ${Object.keys(ARCHITECTURES).join(' and ')}`);
  return known;
}

/** A version as Debian writes it: what comes before a release is older than it (deb-version(7)). */
export const debianVersion = (version: string): string => version.replace('-', '~');

/** The control file (deb-control(5)). */
export const control = ({ version, architecture, libraries, size }: About): string =>
  `Package: hapg
Version: ${debianVersion(version)}
Architecture: ${architecture}
Section: database
Priority: optional
Maintainer: The hapg maintainers <maintainers@hapg.invalid>
Installed-Size: ${size}
Depends: ${libraries.join(', ')}
Recommends: ${RECOMMENDED.join(', ')}
Suggests: ${SUGGESTED.join(', ')}
Description: ${SYNOPSIS}
${LONG.map((line) => ` ${line}`).join('\n')}
`;

/** The copyright file (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). */
export const copyright = (thirdParties: string, nodeLicense: string): string =>
  `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hapg

Files: *
Copyright: the authors of hapg
License: Apache-2.0
 The full text is in /usr/share/common-licenses/Apache-2.0.
Comment:
 /usr/bin/hapg contains Node.js and the packages below, each under its own
 licence. Their texts follow.

${thirdParties}
${'='.repeat(72)}
Node.js ${process.version}
${'='.repeat(72)}

${nodeLicense}`;
