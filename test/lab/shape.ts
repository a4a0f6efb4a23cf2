import assert from 'node:assert/strict';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, type TestLab, Writer } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';
import { offerUpdates } from '../support/updates.ts';
import { applying } from './apply.ts';
import { judged } from './judges.ts';

/** A host that joins a shape in its test. */
export interface Newcomer {
  name: string;
  address: string;
  roles?: string;
  datacenter?: string;
}

/**
 * The tests of every shape of a cluster, on a lab of its own: it is deployed, a second run changes nothing, its
 * leader's host is lost under load; and with a `newcomer` it is updated host by host, and grows.
 */
export function shape(lab: TestLab, newcomer?: Newcomer): void {
  before(async () => {
    const up = await lab.hapg(['lab', 'up']);
    assert.equal(up.code, 0, up.stderr);
    await lab.findUri();
  });

  applying(lab);
  judged(lab);

  test(`${lab.cluster}: the leader's host is lost; no acknowledged row is lost, and it rejoins by itself`, async () => {
    const leader = leaderOf(await lab.healthy(90));
    const writer = new Writer(lab);
    writer.start(120);
    await pause(3);
    assert.equal((await lab.hapg(['lab', 'kill', leader])).code, 0);
    writer.resumed(60);
    await pause(5);
    const result = writer.stop();
    console.log(`${lab.cluster}, leader host lost: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(30_000), `${result.longestGapMs} ms`);
    assert.equal((await lab.hapg(['lab', 'start', leader])).code, 0);
    assert.notEqual(leaderOf(await lab.healthy(120)), leader);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  if (!newcomer) return;

  test(`${lab.cluster}: update rolls every host with newer packages and reboots`, async () => {
    await lab.healthy(60);
    offerUpdates(lab, 'hapg1');
    const { code, stdout, stderr } = await lab.hapg(['update', '--yes', '--reboot', 'always', '--probe', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`${lab.cluster}, update: ${result.duration_ms} ms ${JSON.stringify(result.writes)}`);
    assert.deepEqual([...result.hosts].sort(), [...lab.hosts].sort());
    assert.equal(result.writes!.lost, 0);
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test(`${lab.cluster}: add-replica brings ${newcomer.name} in`, async () => {
    const { name, address, roles = 'patroni', datacenter } = newcomer;
    const host = await lab.hapg(['lab', 'add', name, '--address', address, '-o', 'json']);
    const { ssh } = JSON.parse(host.stdout) as { ssh: string };
    const place = datacenter ? ['--datacenter', datacenter] : [];
    const words = ['add-replica', name, '--address', address, '--ssh', ssh, '--roles', roles, '--yes', '--probe'];
    const { code, stdout, stderr } = await lab.hapg([...words, ...place, '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument;
    console.log(`${lab.cluster}, add-replica: ${result.duration_ms} ms ${JSON.stringify(result.writes)}`);
    assert.equal(result.writes!.lost, 0);
    const status = await lab.healthy(5);
    assert.ok(status.members.some((member) => member.name === name && member.state === 'streaming'));
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });
}

/** The short test of a shape: it is deployed, has nothing left to do, and accepts clients. */
export function briefly(lab: TestLab): void {
  before(async () => {
    const up = await lab.hapg(['lab', 'up']);
    assert.equal(up.code, 0, up.stderr);
    await lab.findUri();
  });

  test(`${lab.cluster}: from new hosts to a healthy cluster with nothing left to do`, async () => {
    const { code, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 0, stderr.slice(-3000));
    await lab.healthy(60);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test(`${lab.cluster}: a client writes, and reads it on the leader`, () => {
    const client = (uri: string, sql: string) => lab.on(lab.client, `psql -XAtq '${uri}' -c "${sql}"`).out;
    assert.equal(
      client(lab.uri, 'create table seen as select 42 as n; select n, pg_is_in_recovery() from seen'),
      '42|f',
    );
  });
}
