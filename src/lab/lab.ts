import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ssh2 from 'ssh2';
import { type Cluster, type Host, memberPort } from '../inventory/model.ts';
import { ensureStateDir } from '../secrets/store-file.ts';
import { knownName } from '../transport/known-hosts.ts';
import { docker, ensureDocker, LabError } from './docker.ts';
import { ensureImage, IMAGE } from './image.ts';
import { dropNetworks, ensureNetworks, networkName, subnetOf } from './network.ts';
import { ensureWarmImage } from './warm.ts';

/** Capabilities of a lab host: those that systemd, ufw, keepalived and the cluster need; --privileged is not needed. */
const CAPABILITIES = [
  'AUDIT_CONTROL',
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'IPC_LOCK',
  'IPC_OWNER',
  'KILL',
  'LINUX_IMMUTABLE',
  'MKNOD',
  'NET_ADMIN',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_ADMIN',
  'SYS_CHROOT',
  'SYS_NICE',
  'SYS_PTRACE',
];

export type Say = (text: string) => void;

export const containerName = (cluster: Cluster, host: string): string => `${cluster.name}-${host}`;
const label = (cluster: Cluster): string => `hapg.cluster=${cluster.name}`;
/** Label with the inventory of a lab: two of the same cluster name on one machine must not take each other's hosts. */
const owner = (cluster: Cluster): string => `hapg.inventory=${cluster.file}`;

/** Hosts of a lab whose cluster is a standby of this one: they keep asking for it. */
const copyLabel = (upstream: Cluster): string => `hapg.source=${upstream.file}`;

/** Makes the lab's own SSH key once, at the path that the inventory names. */
function labKey(cluster: Cluster): { path: string; publicKey: string } {
  const path = resolve(dirname(cluster.file), cluster.settings.ssh.key ?? join(cluster.stateDir, 'lab_ed25519'));
  if (!existsSync(path)) {
    ensureStateDir(cluster);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment: `lab of ${cluster.name}` });
    writeFileSync(path, pair.private, { mode: 0o600 });
    writeFileSync(`${path}.pub`, `${pair.public}\n`, { mode: 0o644 });
  }
  chmodSync(path, 0o600);
  return { path, publicKey: readFileSync(`${path}.pub`, 'utf8').trim() };
}

/** Directories that all hosts of a lab share, like a mount of a file server. */
const sharedDirectories = (cluster: Cluster): { volume: string; path: string }[] =>
  cluster.repositories.flatMap((one) =>
    one.kind === 'directory' ? [{ volume: `hapg-${cluster.name}-repo${one.key}`, path: one.path }] : [],
  );

function sshPort(cluster: Cluster, host: Host): number {
  if (host.ssh.host !== '127.0.0.1' || !host.ssh.port)
    throw new LabError(
      `${host.name}: a lab host is reached at ssh: {host: 127.0.0.1, port: ...}; ${cluster.file} has no such line for it`,
    );
  return host.ssh.port;
}

/** The published port of a host that clients reach from outside. */
const published = (cluster: Cluster, { outside }: Partial<Pick<Host, 'outside'>>): string[] =>
  outside?.host === '127.0.0.1' ? ['-p', `127.0.0.1:${outside.port}:${memberPort(cluster)}`] : [];

/** The image of a new host: bare Debian, or with `packages` installed and not configured. */
async function imageOf(packages: readonly string[] | undefined, say: Say): Promise<string> {
  if (packages) return ensureWarmImage(packages, say);
  await ensureImage(say);
  return IMAGE;
}

/**
 * Brings up one container per host: systemd and sshd on Debian, bare or with `packages` installed and not configured.
 * Running hosts are left as they are.
 */
export async function labUp(cluster: Cluster, say: Say, packages?: readonly string[]): Promise<void> {
  const ports = new Map(cluster.hosts.map((host) => [host, sshPort(cluster, host)]));
  await ensureDocker(say);
  const image = await imageOf(packages, say);
  const { publicKey } = labKey(cluster);
  // Removes backups of a lab that was removed without hapg: this lab does not have their passphrase.
  if ((await containers(cluster)).length === 0) await dropVolumes(cluster);
  await ensureNetworks(cluster);
  await Promise.all(cluster.hosts.map((host) => hostUp(cluster, host, ports.get(host)!, publicKey, image)));
  for (const host of cluster.hosts) {
    await recordHostKey(cluster, host.name, ports.get(host)!);
    say(`${host.name}  ${host.address}  ssh 127.0.0.1:${ports.get(host)}`);
  }
}

async function hostUp(
  cluster: Cluster,
  host: Pick<Host, 'name' | 'address'> & Partial<Pick<Host, 'outside'>>,
  port: number,
  publicKey: string,
  image: string,
): Promise<void> {
  const name = containerName(cluster, host.name);
  const there = (
    await docker('ps', '-a', '--filter', `name=^${name}$`, '--format', '{{.Label "hapg.inventory"}}|{{.State}}')
  ).trim();
  if (there) {
    const [inventory, state] = there.split('|');
    if (inventory !== cluster.file)
      throw new LabError(`container ${name} belongs to ${inventory || 'something else'}; take that lab down first`);
    if (state !== 'running') await docker('start', name);
  } else {
    await docker(
      'run',
      '-d',
      '--name',
      name,
      '--hostname',
      host.name,
      '--label',
      label(cluster),
      '--label',
      owner(cluster),
      '--label',
      `hapg.port=${port}`,
      ...(cluster.upstream ? ['--label', copyLabel(cluster.upstream)] : []),
      '--network',
      networkName(subnetOf(host.address)),
      host.address.includes(':') ? '--ip6' : '--ip',
      host.address,
      '-p',
      `127.0.0.1:${port}:22`,
      ...published(cluster, host),
      '--stop-signal',
      'SIGRTMIN+3',
      '--restart',
      'always',
      '--cap-drop',
      'ALL',
      ...CAPABILITIES.flatMap((one) => ['--cap-add', one]),
      '--security-opt',
      'seccomp=unconfined',
      '--security-opt',
      'apparmor=unconfined',
      '--shm-size',
      '256m',
      '--sysctl',
      'net.ipv4.ip_nonlocal_bind=1',
      '--tmpfs',
      '/tmp',
      '--tmpfs',
      '/run',
      '--tmpfs',
      '/run/lock',
      ...sharedDirectories(cluster).flatMap(({ volume, path }) => ['-v', `${volume}:${path}`]),
      image,
    );
  }
  await waitFor(
    `${name} to boot`,
    async () => (await docker('exec', name, 'systemctl', 'is-active', 'ssh.service')).trim() === 'active',
  );
  await exec(
    cluster,
    host.name,
    `umask 077; mkdir -p /root/.ssh; grep -qxF '${publicKey}' /root/.ssh/authorized_keys 2>/dev/null || echo '${publicKey}' >> /root/.ssh/authorized_keys`,
  );
}

export async function waitFor(what: string, check: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    if (await check().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 250));
  }
  throw new LabError(`waited 30 s for ${what}`);
}

/** Runs sh inside a host without sshd, for the lab itself and for tests. */
export const exec = (cluster: Cluster, host: string, script: string): Promise<string> =>
  docker('exec', containerName(cluster, host), 'sh', '-c', script);

/** Writes the host's key into the inventory's known_hosts: read from the container, never from the network. */
async function recordHostKey(cluster: Cluster, host: string, port: number): Promise<void> {
  const file = join(cluster.stateDir, 'known_hosts');
  const [type, key] = (await exec(cluster, host, 'cat /etc/ssh/ssh_host_ed25519_key.pub')).trim().split(' ');
  const name = knownName('127.0.0.1', port);
  dropKnown(cluster, port);
  appendFileSync(file, `${name} ${type} ${key}\n`, { mode: 0o600 });
}

function dropKnown(cluster: Cluster, port: number): void {
  const file = join(cluster.stateDir, 'known_hosts');
  if (!existsSync(file)) return;
  const name = `${knownName('127.0.0.1', port)} `;
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !line.startsWith(name))
      .join('\n'),
    { mode: 0o600 },
  );
}

/** Containers of this cluster, including hosts that were added later. */
async function containers(
  cluster: Cluster,
): Promise<{ name: string; state: string; port: number; inventory: string }[]> {
  const lines = await docker(
    'ps',
    '-a',
    '--filter',
    `label=${label(cluster)}`,
    '--format',
    '{{.Names}}|{{.State}}|{{.Label "hapg.port"}}|{{.Label "hapg.inventory"}}',
  );
  return lines
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', state = '', port = '', inventory = ''] = line.split('|');
      return { name, state, port: Number(port), inventory };
    });
}

async function dropVolumes(cluster: Cluster): Promise<void> {
  for (const { volume } of sharedDirectories(cluster)) await docker('volume', 'rm', '-f', volume);
}

/** Removes every container, network and key entry of this inventory's cluster. */
export async function labDown(cluster: Cluster, say: Say): Promise<void> {
  await ensureDocker(say);
  const list = await containers(cluster);
  const foreign = list.find((one) => one.inventory !== cluster.file);
  if (foreign)
    throw new LabError(`container ${foreign.name} belongs to ${foreign.inventory}: take it down with that inventory`);
  const copies = (await docker('ps', '-a', '--filter', `label=${copyLabel(cluster)}`, '--format', '{{.Names}}')).trim();
  if (copies)
    throw new LabError(`${copies.split('\n').join(', ')} replicate ${cluster.name}: take that lab down first`);
  if (list.length > 0) await docker('rm', '-f', '-v', ...list.map((one) => one.name));
  await dropVolumes(cluster);
  await dropNetworks(cluster);
  for (const { port } of list) dropKnown(cluster, port);
  say(`removed ${list.length} hosts of ${cluster.name}`);
}

export interface LabHost {
  name: string;
  state: string;
  ssh: string;
}

/** The lab's hosts and whether they run. */
export async function labStatus(cluster: Cluster): Promise<LabHost[]> {
  return (await containers(cluster)).map(({ name, state, port }) => ({
    name: name.slice(cluster.name.length + 1),
    state,
    ssh: `127.0.0.1:${port}`,
  }));
}

/**
 * Adds a host to the lab's network, bare or with `packages` installed and not configured; it is not in the inventory.
 */
export async function labAdd(
  cluster: Cluster,
  name: string,
  address: string,
  packages?: readonly string[],
  say: Say = () => {},
): Promise<{ name: string; address: string; ssh: string }> {
  const used = (await containers(cluster)).map((one) => one.port);
  const port = Math.max(3000, ...used, ...cluster.hosts.map((host) => host.ssh.port ?? 0)) + 1;
  await hostUp(cluster, { name, address }, port, labKey(cluster).publicKey, await imageOf(packages, say));
  await recordHostKey(cluster, name, port);
  return { name, address, ssh: `127.0.0.1:${port}` };
}
