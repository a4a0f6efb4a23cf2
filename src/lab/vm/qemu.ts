import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { GREETING_MS, KILLED_S, VM_BOOT_S } from '../../bounds/lab.ts';
import type { NewHost } from '../platform.ts';
import { run, waitFor } from '../programs.ts';
import { subnetOf } from '../subnet.ts';
import { HOST_KEY } from './image.ts';

/** Memory of a host with PostgreSQL, and of another one (MiB). */
const MEMORY = { database: 2048, other: 1024 };

/**
 * Whether QEMU can use KVM: the device, and the processor's own support (kvm-ok(1) asks the same). A cloud machine may
 * have the device without it, and its guests then never boot.
 */
export function hasKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /^flags\s*:.* (vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

/** What a machine is made of; kept beside its disk. */
export type Definition = NewHost & {
  /** Key that root accepts. */ publicKey: string /** The lab's own network. */;
  lan: string;
};

/** Files of a machine in its directory. */
const FILES = { definition: 'machine.json', disk: 'disk.qcow2', console: 'console', pid: 'pid' } as const;

/**
 * Names a network of multicast datagrams for a lab's machines, among the administratively scoped addresses (RFC 2365).
 * QEMU sends them on the loopback interface, so that no bridge and no rights are needed and nothing leaves this machine.
 */
export function lanOf(inventory: string): string {
  const hash = createHash('sha256').update(inventory).digest();
  return `239.255.${hash[0]}.${hash[1]}:${20_000 + (hash.readUInt16BE(2) % 10_000)}`;
}

/** The last three bytes of an address of hardware, the same for a host at every start. */
const macOf = (interfaceNumber: number, address: string): string =>
  `52:54:0${interfaceNumber}:${createHash('sha256').update(address).digest('hex').slice(0, 6).match(/../g)!.join(':')}`;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/**
 * The arguments of QEMU for a machine, in its own directory. What differs between machines comes to systemd as
 * credentials in SMBIOS strings (systemd.system-credentials(7)): name, address, and the public key. Writes reach the
 * file before the machine is told so (`cache=none`), and what it has not flushed is lost with it.
 */
export function qemuArguments(machine: Definition, kvm: boolean): string[] {
  const prefix = subnetOf(machine.address).split('/')[1];
  const network = `[Match]\nName=eth1\n\n[Network]\nAddress=${machine.address}/${prefix}\nLLMNR=no\nMulticastDNS=no\n`;
  const credentials = [
    `.binary:ssh.authorized_keys.root=${base64(`${machine.publicKey}\n`)}`,
    `:system.hostname=${machine.name}`,
    `.binary:network.network.20-cluster=${base64(network)}`,
  ];
  const forward = (from: number, to: number) => `hostfwd=tcp:127.0.0.1:${from}-:${to}`;
  const ports = [
    forward(machine.sshPort, 22),
    ...(machine.clients ? [forward(machine.clients.port, machine.clients.to)] : []),
  ];
  return [
    ...['-name', machine.name, '-machine', 'q35'],
    ...(kvm ? ['-accel', 'kvm', '-cpu', 'host', '-smp', '2'] : []),
    ...(kvm ? [] : ['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'qemu64', '-smp', '1']),
    ...['-m', String(machine.database ? MEMORY.database : MEMORY.other)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-daemonize'],
    ...['-serial', `file:${FILES.console}`, '-pidfile', FILES.pid],
    ...credentials.flatMap((one) => ['-smbios', `type=11,value=io.systemd.credential${one}`]),
    ...['-drive', `file=${FILES.disk},if=virtio,format=qcow2,discard=unmap,cache=none`],
    ...['-netdev', ['user', 'id=uplink', ...ports].join(',')],
    ...['-device', `virtio-net-pci,netdev=uplink,mac=${macOf(0, machine.address)}`],
    ...['-netdev', `socket,id=cluster,mcast=${machine.lan},localaddr=127.0.0.1`],
    ...['-device', `virtio-net-pci,netdev=cluster,mac=${macOf(1, machine.address)}`],
    ...['-device', 'virtio-rng-pci'],
  ];
}

/** Makes the directory of a machine, with a disk that holds only what differs from the image. */
export async function createMachine(directory: string, machine: Definition, image: string): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2', join(directory, FILES.disk)]);
  writeFileSync(join(directory, FILES.definition), `${JSON.stringify(machine, null, 2)}\n`);
}

/** Starts a machine that is off, and waits until its sshd answers. */
export async function startMachine(directory: string): Promise<void> {
  const machine = definitionOf(directory);
  const kvm = hasKvm();
  if (pidOf(directory) === undefined) await run('qemu-system-x86_64', qemuArguments(machine, kvm), directory);
  await waitFor(
    `${machine.name} to boot (${join(directory, FILES.console)})`,
    kvm ? VM_BOOT_S.kvm : VM_BOOT_S.tcg,
    async () => hostKeyOf(directory) !== undefined && (await greets(machine.sshPort)),
  );
}

/** Whether a sshd greets at a port of this machine; QEMU itself accepts connections before the machine does. */
const greets = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: GREETING_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data: Buffer) => end(data.toString('latin1').startsWith('SSH-')));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('timeout', () => end(false));
  });

/** Ends QEMU at once, as a power cut does. Does nothing when the machine is off. */
export async function stopMachine(directory: string): Promise<void> {
  const pid = pidOf(directory);
  if (pid === undefined) return;
  process.kill(pid, 'SIGKILL');
  await waitFor(`QEMU (process ${pid}) to end`, KILLED_S, async () => pidOf(directory) === undefined);
  rmSync(join(directory, FILES.pid), { force: true });
}

/** The process of a machine that runs; undefined when it is off. A file of an earlier boot may name somebody else's process. */
export function pidOf(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(directory, FILES.pid), 'utf8'));
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const ours = program.includes('qemu') && args.includes(definitionOf(directory).name);
    return ours ? pid : undefined;
  } catch {
    return undefined;
  }
}

export const definitionOf = (directory: string): Definition =>
  JSON.parse(readFileSync(join(directory, FILES.definition), 'utf8')) as Definition;

/** The machines below a directory, by name. */
export const machineNames = (parent: string): string[] =>
  existsSync(parent)
    ? readdirSync(parent)
        .filter((name) => existsSync(join(parent, name, FILES.definition)))
        .sort()
    : [];

/** The host key ("TYPE BASE64") that a machine has told on its console since its last start. */
export function hostKeyOf(directory: string): string | undefined {
  const file = join(directory, FILES.console);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const [type, key] = text.split(HOST_KEY)[1]?.split(/\s/) ?? [];
  return type && key && text.split(HOST_KEY)[1]!.includes('\n') ? `${type} ${key}` : undefined;
}
