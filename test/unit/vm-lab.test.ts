import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { loadInventory } from '../../src/inventory/load.ts';
import { labKill } from '../../src/lab/faults.ts';
import { platformOf } from '../../src/lab/platforms.ts';
import { vms } from '../../src/lab/vm/platform.ts';
import { hostKeyOf, lanOf, machineNames, pidOf, qemuArguments } from '../../src/lab/vm/qemu.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hapg-vm-'));
after(() => rmSync(scratch, { recursive: true }));

const MACHINE = {
  name: 'db1',
  address: '10.1.5.10',
  sshPort: 3041,
  database: true,
  publicKey: 'ssh-ed25519 AAAA lab',
  lan: '239.255.1.2:20001',
};
/** The values of an option of QEMU. */
const values = (args: readonly string[], option: string) =>
  args.flatMap((one, index) => (args[index - 1] === option ? [one] : []));
const credential = (args: readonly string[], name: string) => {
  const one = values(args, '-smbios').find((value) => value.includes(`:${name}=`))!;
  const value = one.slice(one.indexOf(`:${name}=`) + name.length + 2);
  return one.includes('credential.binary:') ? Buffer.from(value, 'base64').toString() : value;
};

describe('a virtual machine', () => {
  const args = qemuArguments(MACHINE, false);

  test('gets its name, its address and the key from outside, so that all of them share an image', () => {
    assert.equal(credential(args, 'system.hostname'), 'db1');
    assert.equal(credential(args, 'ssh.authorized_keys.root'), 'ssh-ed25519 AAAA lab\n');
    assert.match(credential(args, 'network.network.20-cluster'), /^Address=10\.1\.5\.10\/24$/m);
  });

  test('of IPv6 has a network of 64 bits', () => {
    const six = qemuArguments({ ...MACHINE, address: 'fd00:1::10' }, false);
    assert.match(credential(six, 'network.network.20-cluster'), /^Address=fd00:1::10\/64$/m);
  });

  test('is reached at ports of 127.0.0.1 only', () => {
    const forwarded = values(qemuArguments({ ...MACHINE, clients: { port: 5041, to: 5432 } }, false), '-netdev')[0];
    assert.equal(forwarded, 'user,id=uplink,hostfwd=tcp:127.0.0.1:3041-:22,hostfwd=tcp:127.0.0.1:5041-:5432');
  });

  test('sends to the others on the loopback interface', () => {
    assert.equal(values(args, '-netdev')[1], 'socket,id=cluster,mcast=239.255.1.2:20001,localaddr=127.0.0.1');
  });

  test('has two addresses of hardware, which no other one has', () => {
    const macs = (address: string) =>
      values(qemuArguments({ ...MACHINE, address }, false), '-device').flatMap(
        (one) => /mac=(.*)/.exec(one)?.[1] ?? [],
      );
    assert.equal(new Set([...macs('10.1.5.10'), ...macs('10.1.5.11')]).size, 4);
    assert.deepEqual(macs('10.1.5.10'), macs('10.1.5.10'));
  });

  test('loses what it has not flushed', () => assert.match(values(args, '-drive')[0]!, /cache=none/));

  test('uses KVM where there is one', () => {
    assert.deepEqual(values(args, '-accel'), ['tcg,thread=multi,tb-size=256']);
    assert.deepEqual(values(qemuArguments(MACHINE, true), '-accel'), ['kvm']);
  });
});

test("a lab's network is a scoped multicast address of its own", () => {
  fc.assert(
    fc.property(fc.string(), (inventory) => {
      const [, port] = /^239\.255\.\d{1,3}\.\d{1,3}:(\d+)$/.exec(lanOf(inventory))!;
      assert.ok(Number(port) >= 20_000 && Number(port) < 30_000);
    }),
  );
  assert.notEqual(lanOf('/a/lab.yaml'), lanOf('/b/lab.yaml'));
});

describe('the files of a machine', () => {
  const directory = join(scratch, 'vm', 'db1');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'machine.json'), JSON.stringify(MACHINE));
  const consoleSays = (text: string) => writeFileSync(join(directory, 'console'), text);

  test('tell the host key once the whole line is there', () => {
    assert.equal(hostKeyOf(directory), undefined);
    consoleSays('[  1.2] booting\r\nhapg host key: ssh-ed25519 AAAAC3');
    assert.equal(hostKeyOf(directory), undefined);
    consoleSays('[  1.2] booting\r\nhapg host key: ssh-ed25519 AAAAC3Nz root@db1\r\nlogin:');
    assert.equal(hostKeyOf(directory), 'ssh-ed25519 AAAAC3Nz');
  });

  test('name a process of an earlier boot that is another program now: the machine is off', () => {
    assert.equal(pidOf(directory), undefined);
    writeFileSync(join(directory, 'pid'), `${process.pid}\n`);
    assert.equal(pidOf(directory), undefined);
  });

  test('are what makes a machine', () => {
    mkdirSync(join(scratch, 'vm', 'begun'));
    assert.deepEqual(machineNames(join(scratch, 'vm')), ['db1']);
    assert.deepEqual(machineNames(join(scratch, 'nothing')), []);
  });
});

describe('a lab of virtual machines', () => {
  const { cluster: own } = loadInventory('inventory/vm.yaml');
  const shared = { kind: 'directory' } as (typeof own.repositories)[number];
  for (const [what, cluster, says] of [
    [
      'several networks',
      loadInventory('inventory/multi-dc.yaml').cluster,
      /in one network, and .* has 10\.1\.\d+\.0\/24, 10/,
    ],
    ['a standby cluster', { ...own, upstream: own }, /do not reach another lab/],
    ['a directory that hosts share', { ...own, repositories: [shared] }, /share no directory/],
  ] as const)
    test(`is refused for ${what}`, async () => {
      await assert.rejects(
        vms(cluster).prepare(undefined, () => {}),
        says,
      );
    });

  test('is known by its directory', async () => {
    const { cluster } = loadInventory('inventory/vm.yaml');
    assert.equal((await platformOf({ ...cluster, stateDir: scratch })).machine, 'virtual machine');
    assert.equal((await platformOf({ ...cluster, stateDir: join(scratch, 'nothing') })).machine, 'container');
    assert.equal(
      (await platformOf({ ...cluster, stateDir: join(scratch, 'nothing') }, true)).machine,
      'virtual machine',
    );
  });

  test('has no host that nobody has made', async () => {
    const { cluster } = loadInventory('inventory/vm.yaml');
    const platform = vms({ ...cluster, stateDir: scratch });
    assert.throws(() => platform.shell('db9', 'true'), /no virtual machine db9/);
    await assert.rejects(
      labKill({ ...cluster, stateDir: scratch }, 'db9'),
      /^UsageError: db9: the lab of pgvm has no such host; it has db1 \(did you mean "db1"\?\)$/,
    );
    assert.deepEqual(await platform.machines(), [{ name: 'db1', state: 'stopped', sshPort: 3041 }]);
  });
});
