import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHere } from '../from-here.ts';
import { type Cluster, type Host, memberPort } from '../inventory/model.ts';
import { knownName } from '../transport/known-hosts.ts';
import { labKey } from './key.ts';
import type { NewHost, Platform, Preinstalled, Say } from './platform.ts';
import { platformOf } from './platforms.ts';
import { LabError } from './programs.ts';

function sshPort(cluster: Cluster, host: Host): number {
  if (host.ssh.host !== '127.0.0.1' || !host.ssh.port)
    throw new LabError(
      `${host.name}: a lab host is reached at ssh: {host: 127.0.0.1, port: ...}; ${fromHere(cluster.file)} has no such line for it`,
    );
  return host.ssh.port;
}

/** What a host of the inventory is to be; a port for clients from outside is published where it leads to this machine. */
const newHost = (cluster: Cluster, host: Host): NewHost => ({
  name: host.name,
  address: host.address,
  sshPort: sshPort(cluster, host),
  clients: host.outside?.host === '127.0.0.1' ? { port: host.outside.port, to: memberPort(cluster) } : undefined,
  database: host.roles.has('patroni'),
});

/**
 * Brings up one host for each of the inventory: systemd and sshd on Debian, bare or with `packages` installed and not
 * configured, as containers or as virtual machines. Running hosts are left as they are.
 */
export async function labUp(
  cluster: Cluster,
  say: Say,
  { packages, vm }: { packages?: Preinstalled; vm?: boolean } = {},
): Promise<void> {
  const hosts = cluster.hosts.map((host) => newHost(cluster, host));
  const platform = await platformOf(cluster, vm || undefined);
  const image = await platform.prepare(packages?.(platform.machine), say);
  const publicKey = labKey(cluster);
  await Promise.all(hosts.map((host) => platform.up(host, publicKey, image)));
  for (const host of hosts) {
    await recordHostKey(cluster, platform, host);
    say(`${host.name}  ${host.address}  ssh 127.0.0.1:${host.sshPort}`);
  }
}

/** Writes the host's key into the inventory's known_hosts: read from the machine itself, never from the network. */
async function recordHostKey(
  cluster: Cluster,
  platform: Platform,
  host: Pick<NewHost, 'name' | 'sshPort'>,
): Promise<void> {
  const file = join(cluster.stateDir, 'known_hosts');
  const [type, key] = (await platform.hostKey(host.name)).split(' ');
  const name = knownName('127.0.0.1', host.sshPort);
  dropKnown(cluster, host.sshPort);
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

/** Removes every host, network and key entry of this inventory's cluster. */
export async function labDown(cluster: Cluster, say: Say): Promise<void> {
  const platform = await platformOf(cluster);
  const removed = await platform.down(say);
  for (const { sshPort: port } of removed) dropKnown(cluster, port);
  say(`removed ${removed.length} hosts of ${cluster.name}`);
}

export interface LabHost {
  name: string;
  state: string;
  ssh: string;
}

/** The lab's hosts and whether they run. */
export async function labStatus(cluster: Cluster): Promise<LabHost[]> {
  const platform = await platformOf(cluster);
  return (await platform.machines()).map(({ name, state, sshPort: port }) => ({
    name,
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
  packages?: Preinstalled,
  say: Say = () => {},
): Promise<{ name: string; address: string; ssh: string }> {
  const platform = await platformOf(cluster);
  const image = await platform.prepare(packages?.(platform.machine), say);
  const used = (await platform.machines()).map((one) => one.sshPort);
  const port = Math.max(3000, ...used, ...cluster.hosts.map((host) => host.ssh.port ?? 0)) + 1;
  const host = { name, address, sshPort: port, database: true };
  await platform.up(host, labKey(cluster), image);
  await recordHostKey(cluster, platform, host);
  return { name, address, ssh: `127.0.0.1:${port}` };
}
