import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, type TestLab } from '../support/lab.ts';
import { milliseconds } from '../support/time.ts';
import { offerUpdates, versionOn } from '../support/updates.ts';

/** The rolling update of every host, with real newer packages and a reboot of each, while clients go on. */
export function updating(lab: TestLab): void {
  test('update rolls every host with newer packages and reboots; clients hardly notice; nothing is left over', async () => {
    const before = await lab.healthy(60);
    offerUpdates(lab, 'hapg1');
    const { code, stdout, stderr } = await lab.hapg([
      'update',
      '--yes',
      '--reboot',
      'always',
      '--switch-back',
      '--probe',
      '-o',
      'json',
    ]);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`update: ${result.duration_ms} ms ${JSON.stringify(result.writes)} ${JSON.stringify(result.reads)}`);
    assert.deepEqual([...result.hosts].sort(), [...lab.hosts].sort());
    assert.equal(result.switchovers.length, 2, 'away from the leader, and back');
    assert.equal(result.writes!.lost, 0);
    assert.ok(result.writes!.max_gap_ms < milliseconds(5000), `${result.writes!.max_gap_ms} ms without a write`);
    assert.ok(result.reads!.max_gap_ms < milliseconds(5000), `${result.reads!.max_gap_ms} ms without a read`);
    assert.equal(leaderOf(await lab.healthy(5)), leaderOf(before), '--switch-back');
    for (const host of lab.hosts) assert.match(versionOn(lab, host, 'iproute2'), /hapg1$/, host);
    for (const host of ['db1', 'db2', 'db3'])
      for (const name of ['patroni', 'etcd-server', 'postgresql-17', 'pgbackrest'])
        assert.match(versionOn(lab, host, name), /hapg1$/, `${host} ${name}`);
    assert.match(versionOn(lab, 'backup', 'pgbackrest'), /hapg1$/);
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0, 'the plan is empty');
  });

  test('update has nothing to do on hosts that are up to date', async () => {
    const { code, stdout } = await lab.hapg(['update', '--yes', '-o', 'json']);
    assert.equal(code, 0);
    assert.deepEqual((JSON.parse(stdout) as OperationDocument).hosts, []);
  });
}
