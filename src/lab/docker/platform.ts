import { CONTAINER_BOOT_S } from '../../bounds/lab.ts';
import type { Cluster } from '../../inventory/model.ts';
import type { Machine, NewHost, Platform } from '../platform.ts';
import { LabError, run, waitFor } from '../programs.ts';
import { subnetOf, subnetsOf } from '../subnet.ts';
import { docker, ensureDocker } from './engine.ts';
import { ensureImage } from './image.ts';
import { dropNetworks, ensureNetworks, gatewayOf, networkName } from './network.ts';
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

const containerName = (cluster: Cluster, host: string): string => `${cluster.name}-${host}`;
const label = (cluster: Cluster): string => `hapg.cluster=${cluster.name}`;
/** Label with the inventory of a lab: two of the same cluster name on one machine must not take each other's hosts. */
const owner = (cluster: Cluster): string => `hapg.inventory=${cluster.file}`;

/** Hosts of a lab whose cluster is a standby of this one: they keep asking for it. */
const copyLabel = (upstream: Cluster): string => `hapg.source=${upstream.file}`;

/** Directories that all hosts of a lab share, like a mount of a file server. */
const sharedDirectories = (cluster: Cluster): { volume: string; path: string }[] =>
  cluster.repositories.flatMap((one) =>
    one.kind === 'directory' ? [{ volume: `hapg-${cluster.name}-repo${one.key}`, path: one.path }] : [],
  );

async function dropVolumes(cluster: Cluster): Promise<void> {
  for (const { volume } of sharedDirectories(cluster)) await docker('volume', 'rm', '-f', volume);
}

/** Containers of this cluster, including hosts that were added later. */
async function list(cluster: Cluster): Promise<(Machine & { container: string; inventory: string })[]> {
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
      const [container = '', state = '', port = '', inventory = ''] = line.split('|');
      return {
        name: container.slice(cluster.name.length + 1),
        state: state === 'running' ? 'running' : 'stopped',
        sshPort: Number(port),
        container,
        inventory,
      };
    });
}

const create = (cluster: Cluster, host: NewHost, image: string): Promise<string> =>
  docker(
    'run',
    '-d',
    '--name',
    containerName(cluster, host.name),
    '--hostname',
    host.name,
    '--label',
    label(cluster),
    '--label',
    owner(cluster),
    '--label',
    `hapg.port=${host.sshPort}`,
    ...(cluster.upstream ? ['--label', copyLabel(cluster.upstream)] : []),
    '--network',
    networkName(subnetOf(host.address)),
    host.address.includes(':') ? '--ip6' : '--ip',
    host.address,
    '-p',
    `127.0.0.1:${host.sshPort}:22`,
    ...(host.clients ? ['-p', `127.0.0.1:${host.clients.port}:${host.clients.to}`] : []),
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

/** The hosts of a lab as containers. */
export function containers(cluster: Cluster): Platform {
  const shell = (name: string, script: string) => ['docker', 'exec', containerName(cluster, name), 'sh', '-c', script];
  const exec = async (name: string, script: string) => {
    const [program, ...args] = shell(name, script);
    return (await run(program!, args)).trim();
  };
  const booted = (name: string) =>
    waitFor(
      `${containerName(cluster, name)} to boot`,
      CONTAINER_BOOT_S,
      async () => (await exec(name, 'systemctl is-active ssh.service')) === 'active',
    );
  return {
    machine: 'container',
    shell,
    async prepare(packages, say) {
      await ensureDocker(say);
      const image = await (packages ? ensureWarmImage(packages, say) : ensureImage(say));
      // Removes backups of a lab that was removed without hapg: this lab does not have their passphrase.
      if ((await list(cluster)).length === 0) await dropVolumes(cluster);
      await ensureNetworks(cluster);
      return image;
    },
    async up(host, publicKey, image) {
      const name = containerName(cluster, host.name);
      const there = (
        await docker('ps', '-a', '--filter', `name=^${name}$`, '--format', '{{.Label "hapg.inventory"}}|{{.State}}')
      ).trim();
      if (there) {
        const [inventory, state] = there.split('|');
        if (inventory !== cluster.file)
          throw new LabError(`container ${name} belongs to ${inventory || 'something else'}; take that lab down first`);
        if (state !== 'running') await docker('start', name);
      } else await create(cluster, host, image);
      await booted(host.name);
      await exec(
        host.name,
        `umask 077; mkdir -p /root/.ssh; grep -qxF '${publicKey}' /root/.ssh/authorized_keys 2>/dev/null || echo '${publicKey}' >> /root/.ssh/authorized_keys`,
      );
    },
    machines: () => list(cluster),
    hostKey: (name) => exec(name, 'cat /etc/ssh/ssh_host_ed25519_key.pub'),
    gateways: () => Promise.all(subnetsOf(cluster).map(gatewayOf)),
    async down(say) {
      await ensureDocker(say);
      const there = await list(cluster);
      const foreign = there.find((one) => one.inventory !== cluster.file);
      if (foreign)
        throw new LabError(
          `container ${foreign.container} belongs to ${foreign.inventory}: take it down with that inventory`,
        );
      const copies = (
        await docker('ps', '-a', '--filter', `label=${copyLabel(cluster)}`, '--format', '{{.Names}}')
      ).trim();
      if (copies)
        throw new LabError(`${copies.split('\n').join(', ')} replicate ${cluster.name}: take that lab down first`);
      if (there.length > 0) await docker('rm', '-f', '-v', ...there.map((one) => one.container));
      await dropVolumes(cluster);
      await dropNetworks(cluster);
      return there;
    },
    // The engine would start it again by itself.
    async kill(name) {
      await docker('update', '--restart', 'no', containerName(cluster, name));
      await docker('kill', containerName(cluster, name));
    },
    async start(name) {
      await docker('update', '--restart', 'always', containerName(cluster, name));
      await docker('start', containerName(cluster, name));
      await booted(name);
    },
  };
}
