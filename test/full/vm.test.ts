/**
 * Proves on three virtual machines what containers cannot show: the kernel's settings, its watchdog, its updates, what a
 * boot restores, and the loss of power. Takes about 60 minutes.
 */

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { hasKvm } from '../../src/lab/vm/qemu.ts';
import { group, test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, report, TestLab, until, Writer } from '../support/lab.ts';

/** Without KVM a machine takes five to ten times as long for everything. */
const SLOW = hasKvm() ? 1 : 8;
const lab = new TestLab('pgvm', 'vm.yaml', { vm: true });
const writer = new Writer(lab);
after(() => lab.down());

/** What hosts answer to a question, by host. */
const answers = (hosts: readonly string[], script: string): Record<string, string> =>
  Object.fromEntries(hosts.map((host) => [host, lab.on(host, script).out]));
/** The same answer of every host. */
const all = (hosts: readonly string[], answer: string): Record<string, string> =>
  Object.fromEntries(hosts.map((host) => [host, answer]));
const databases = lab.with('patroni');

const bootId = (host: string): string => lab.on(host, 'cat /proc/sys/kernel/random/boot_id').out;

const findLeader = async (): Promise<string> => leaderOf(await lab.healthy(60 * SLOW));

const nothingToDo = async () => {
  const { code, stdout } = await lab.hapg(['plan', '--detailed-exitcode']);
  assert.equal(code, 0, stdout);
};

group('a cluster of machines', 300 * SLOW, 1, () => {
  test('machines with the packages installed become a cluster', async () => {
    const up = await lab.hapg(['lab', 'up']);
    assert.equal(up.code, 0, up.stderr);
    const applied = await lab.hapg(['apply', '--yes']);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    console.log(`lab up: ${Math.round(up.ms / 1000)} s, apply: ${Math.round(applied.ms / 1000)} s`);
    await lab.findUri();
    await lab.healthy(60 * SLOW);
  });

  test('a second run changes nothing', nothingToDo);

  test('every machine has its own identity', () => {
    assert.equal(new Set(Object.values(answers(lab.hosts, 'cat /etc/machine-id'))).size, 3);
    assert.equal(new Set(lab.hosts.map(bootId)).size, 3);
  });
});

group('hardening and tuning', 120 * SLOW, 1, () => {
  test('no step is left to a machine below', async () => {
    const { stdout } = await lab.hapg(['plan', '-v']);
    assert.doesNotMatch(stdout, /carries this container/);
  });

  test('the kernel has the settings, live', () => {
    const settings = {
      'vm.swappiness': '1',
      'vm.dirty_background_bytes': '67108864',
      'vm.dirty_bytes': '536870912',
      'kernel.kptr_restrict': '2',
      'kernel.dmesg_restrict': '1',
      'kernel.sysrq': '0',
      'fs.suid_dumpable': '0',
    };
    assert.deepEqual(
      answers(databases, `sysctl -n ${Object.keys(settings).join(' ')} | tr '\\n' ' '`),
      all(databases, Object.values(settings).join(' ')),
    );
    assert.deepEqual(
      answers(databases, 'cat /sys/kernel/mm/transparent_hugepage/enabled'),
      all(databases, 'always madvise [never]'),
    );
    assert.deepEqual(answers(databases, 'grep -o "\\[.*\\]" /sys/block/vda/queue/scheduler'), all(databases, '[none]'));
  });

  test('auditd, the clock and AppArmor are at work', () => {
    assert.deepEqual(
      answers(lab.hosts, `auditctl -s | grep '^enabled'; auditctl -l | grep -c . | sed 's/[1-9][0-9]*/rules/'`),
      all(lab.hosts, 'enabled 1\nrules'),
    );
    assert.deepEqual(
      answers(lab.hosts, `timedatectl show -p NTP --value; systemctl is-active chrony`),
      all(lab.hosts, 'yes\nactive'),
    );
    assert.deepEqual(answers(lab.hosts, 'cat /sys/module/apparmor/parameters/enabled'), all(lab.hosts, 'Y'));
  });

  test('PostgreSQL uses huge pages after the restart that they need', async () => {
    lab.write((text) => text.replace('shared_buffers: 128MB', 'shared_buffers: 1GB'));
    const applied = await lab.hapg(['apply', '--yes']);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    await lab.healthy(60 * SLOW);
    assert.deepEqual(
      answers(databases, `runuser -u postgres -- psql -XAtq -c 'show huge_pages_status' -c 'show shared_buffers'`),
      all(databases, 'on\n1GB'),
    );
    await nothingToDo();
  });

  test('lynis gives a machine at least 80', () => {
    const host = lab.hosts[0]!;
    // Unpacked only: installing a package takes minutes, and changes what is measured.
    const script = `apt-get -qq -o Acquire::Languages=none update && cd /tmp && apt-get -qq download lynis && dpkg -x lynis_*.deb lynis && cd lynis/usr/share/lynis && ../../sbin/lynis audit system --quick --no-colors`;
    const { out } = lab.on(host, script, 240 * SLOW);
    const index = Number(/Hardening index : (\d+)/.exec(out)?.[1]);
    console.log(`lynis: ${index}`);
    assert.ok(index >= 80, `lynis: ${index}`);
  });
});

group('failures of machines', 240 * SLOW, 1, () => {
  test('a frozen Patroni resets its host by the watchdog, and no acknowledged row is lost', async () => {
    const leader = await findLeader();
    assert.match(lab.on(leader, 'cat /sys/class/watchdog/watchdog*/identity').out, /\S/);
    const before = bootId(leader);
    writer.start(120 * SLOW);
    lab.on(leader, 'kill -STOP $(systemctl show -p MainPID --value patroni)');
    writer.resumed(60 * SLOW);
    await until(`${leader} has booted again`, 120 * SLOW, () => {
      const now = bootId(leader);
      return /^[0-9a-f-]{36}$/.test(now) && now !== before;
    });
    const { lost, acked, longestGapMs } = writer.stop();
    console.log(`watchdog: ${JSON.stringify({ acked, lost, longestGapMs })}`);
    assert.equal(lost, 0);
    assert.notEqual(leaderOf(await lab.healthy(120 * SLOW)), leader);
  });

  test('the loss of power of the leader loses no acknowledged row', async () => {
    const leader = await findLeader();
    writer.start(120 * SLOW);
    lab.on(lab.client, 'sleep 5');
    assert.equal((await lab.hapg(['lab', 'kill', leader])).code, 0);
    writer.resumed(60 * SLOW);
    const { lost, acked, longestGapMs } = writer.stop();
    console.log(`power cut: ${JSON.stringify({ acked, lost, longestGapMs })}`);
    assert.equal(lost, 0);
    const started = await lab.hapg(['lab', 'start', leader]);
    assert.equal(started.code, 0, started.stderr);
    await lab.healthy(120 * SLOW);
  });

  test('the loss of power of all machines at once loses no acknowledged row', async () => {
    await findLeader();
    writer.start(60 * SLOW);
    lab.on(lab.client, 'sleep 10');
    const acked = lab.on(lab.client, `awk '$2 == "ok" { print $3 }' /tmp/rows.log`).out.split('\n');
    assert.ok(acked.length > 1, 'rows were written');
    await Promise.all(lab.hosts.map((host) => lab.hapg(['lab', 'kill', host])));
    await Promise.all(lab.hosts.map((host) => lab.hapg(['lab', 'start', host])));
    await lab.healthy(120 * SLOW);
    const there = new Set(lab.on(lab.client, `psql -XAtq '${lab.uri}' -c 'select n from rows'`).out.split('\n'));
    assert.deepEqual(
      acked.filter((row) => !there.has(row)),
      [],
    );
    await nothingToDo();
  });

  test('a boot restores the firewall before the network, and one machine has the virtual address', () => {
    assert.deepEqual(
      answers(
        lab.hosts,
        `iptables -S INPUT 1 | cut -d ' ' -f 3-; systemctl show -p Before --value ufw | grep -ow network-pre.target`,
      ),
      all(lab.hosts, 'DROP\nnetwork-pre.target'),
    );
    const holders = lab
      .with('keepalived')
      .filter((host) => lab.on(host, 'ip -o addr show eth1').out.includes('10.9.5.100/'));
    assert.equal(holders.length, 1);
  });
});

group('updates of machines', 240 * SLOW, 1, () => {
  /** Offers, in a package source of the host itself, a kernel of another name as the newer one. */
  const offerKernel = `set -e
cd /tmp; rm -rf meta /opt/newer; mkdir -p meta/DEBIAN /opt/newer
apt-get -qq update
printf '%s\\n' 'Package: linux-image-cloud-amd64' 'Version: 99' 'Architecture: amd64' 'Maintainer: test' 'Depends: linux-image-amd64' 'Description: newer kernel' > meta/DEBIAN/control
dpkg-deb -b --root-owner-group meta /opt/newer/meta.deb > /dev/null
cd /opt/newer
{ dpkg-deb -f meta.deb; echo 'Filename: ./meta.deb'; echo "Size: $(stat -c %s meta.deb)"; echo "SHA256: $(sha256sum meta.deb | cut -c1-64)"; } > Packages
chmod -R a+rX .
echo 'deb [trusted=yes] file:/opt/newer ./' > /etc/apt/sources.list.d/newer.list
echo MODULES=dep > /etc/initramfs-tools/conf.d/modules`;

  test('update boots every machine with a new kernel, one after another, and no acknowledged row is lost', async () => {
    await findLeader();
    for (const host of lab.hosts) {
      const { code, out } = lab.on(host, offerKernel, 30 * SLOW);
      assert.equal(code, 0, out);
    }
    const updated = await lab.hapg(['update', '--yes', '--reboot', 'always', '--probe', '-o', 'json']);
    assert.equal(updated.code, 0, updated.stdout.slice(-2000) + updated.stderr);
    const { writes } = JSON.parse(updated.stdout) as OperationDocument;
    console.log(`update: ${Math.round(updated.ms / 1000)} s, ${JSON.stringify(writes)}`);
    assert.equal(writes?.lost, 0);
    assert.deepEqual(answers(lab.hosts, `uname -r | grep -c cloud; true`), all(lab.hosts, '0'));
    await lab.healthy(60 * SLOW);
    assert.deepEqual(leftovers(lab), {});
    assert.deepEqual(report((await lab.hapg(['plan', '-o', 'json'])).stdout).changes, []);
  });
});
