import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { VM_LOGIN_S } from '../../bounds/lab.ts';
import { fromHere } from '../../from-here.ts';
import type { Cluster } from '../../inventory/model.ts';
import { labKeyPath } from '../key.ts';
import { type Machine, type Platform, vmDirectory } from '../platform.ts';
import { LabError } from '../programs.ts';
import { subnetsOf } from '../subnet.ts';
import { cache, ensureDiskImage, ensurePrograms } from './image.ts';
import {
  createMachine,
  definitionOf,
  hostKeyOf,
  lanOf,
  machineNames,
  pidOf,
  startMachine,
  stopMachine,
} from './qemu.ts';

/** Programs that run machines, and Debian's packages that have them. */
const RUNNERS = { 'qemu-system-x86_64': 'qemu-system-x86', 'qemu-img': 'qemu-utils', ssh: 'openssh-client' };

/** Refuses what virtual machines of a lab cannot be. */
function refuse(cluster: Cluster): void {
  const networks = subnetsOf(cluster);
  if (networks.length > 1)
    throw new LabError(
      `virtual machines of a lab are in one network, and ${fromHere(cluster.file)} has ${networks.join(', ')}: use containers`,
    );
  if (cluster.upstream)
    throw new LabError(
      'virtual machines of a lab do not reach another lab, as a standby cluster has to: use containers',
    );
  if (cluster.repositories.some((one) => one.kind === 'directory'))
    throw new LabError('virtual machines of a lab share no directory, which a repository wants here: use containers');
}

/** The hosts of a lab as virtual machines of QEMU, each in a directory below the cluster's own. */
export function vms(cluster: Cluster): Platform {
  const parent = vmDirectory(cluster);
  const directoryOf = (name: string) => join(parent, name);
  const known = (name: string): string => {
    if (!machineNames(parent).includes(name)) throw new LabError(`there is no virtual machine ${name} in this lab`);
    return directoryOf(name);
  };
  return {
    machine: 'virtual machine',
    async prepare(packages, say) {
      refuse(cluster);
      await ensurePrograms(RUNNERS, say);
      return ensureDiskImage(packages, say);
    },
    async up(host, publicKey, image) {
      const directory = directoryOf(host.name);
      if (!machineNames(parent).includes(host.name))
        await createMachine(directory, { ...host, publicKey, lan: lanOf(cluster.file) }, image);
      await startMachine(directory);
    },
    machines: async () =>
      machineNames(parent).map(
        (name): Machine => ({
          name,
          state: pidOf(directoryOf(name)) === undefined ? 'stopped' : 'running',
          sshPort: definitionOf(directoryOf(name)).sshPort,
        }),
      ),
    async hostKey(name) {
      const key = hostKeyOf(known(name));
      if (!key) throw new LabError(`${name} has told no host key on its console`);
      return key;
    },
    shell: (name, script) => [
      'ssh',
      ...['-F', 'none', '-i', labKeyPath(cluster), '-p', String(definitionOf(known(name)).sshPort)],
      ...['-o', `UserKnownHostsFile=${join(cluster.stateDir, 'known_hosts')}`, '-o', 'IdentitiesOnly=yes'],
      ...['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', '-o', `ConnectTimeout=${VM_LOGIN_S}`],
      ...['-o', 'ServerAliveInterval=10', '-o', 'LogLevel=ERROR'],
      ...['-o', 'ControlMaster=auto', '-o', `ControlPath=${join(cache(), 'ssh-%C')}`, '-o', 'ControlPersist=60'],
      'root@127.0.0.1',
      script,
    ],
    // The forwarded ports arrive through an interface of their own.
    gateways: async () => [],
    async down() {
      const there = await this.machines();
      for (const { name } of there) await stopMachine(directoryOf(name));
      rmSync(parent, { recursive: true, force: true });
      return there;
    },
    kill: (name) => stopMachine(known(name)),
    start: (name) => startMachine(known(name)),
  };
}
