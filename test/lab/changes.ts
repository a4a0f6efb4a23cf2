import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quote } from '../../src/shell/quote.ts';
import { test } from '../support/group.ts';
import { leaderOf, report, set, type TestLab, Writer } from '../support/lab.ts';
import { milliseconds, seconds } from '../support/time.ts';
import { offerExtension } from '../support/vendor.ts';

/** Changed settings and drift: what plan shows is what apply does. */
export function changing(lab: TestLab): void {
  test('a saved plan is done as shown, and refused when it is stale', async () => {
    const saved = join(lab.directory, 'saved.plan');
    lab.on('proxy1', 'echo "# drift" >> /etc/issue');
    assert.equal((await lab.hapg(['plan', '--out', saved])).code, 0);
    lab.on('proxy1', 'echo "# more drift" >> /etc/issue');
    const stale = await lab.hapg(['apply', saved]);
    assert.equal(stale.code, 1);
    assert.match(stale.stderr, /is stale/);
    assert.equal((await lab.hapg(['plan', '--out', saved])).code, 0);
    const done = await lab.hapg(['apply', saved, '-o', 'json']);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(set(report(done.stdout)), ['proxy1 file /etc/issue update']);
  });

  test('a changed setting: plan shows exactly what apply does, and only that', async () => {
    lab.write((text) => text.replace('max_connections: 100', 'max_connections: 100\n    work_mem: 6MB'));
    const started = lab.on('db1', 'systemctl show -p ExecMainStartTimestampMonotonic patroni etcd').out;
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    const applied = report((await lab.hapg(['apply', '--yes', '-o', 'json'])).stdout);
    assert.deepEqual(set(applied), set(planned));
    assert.deepEqual(
      set(planned).filter((line) => !line.includes('/etc/hapg/cluster.json')),
      ['db1', 'db2', 'db3']
        .flatMap((db) => [`${db} file /etc/patroni/config.yml update`, `${db} reload patroni.service reload`])
        .sort(),
    );
    assert.equal(
      lab.on(
        'db3',
        `for i in $(seq ${seconds(20)}); do runuser -u postgres -- psql -XAtc 'show work_mem' | grep -qx 6MB && exit 0; sleep 0.5; done; exit 1`,
      ).code,
      0,
    );
    assert.equal(lab.on('db1', 'systemctl show -p ExecMainStartTimestampMonotonic patroni etcd').out, started);
  });

  test('config edit changes the cluster and the inventory at once; what it does not know is refused', async () => {
    const live = () => lab.hapg(['config', 'show', '-o', 'json']).then(({ stdout }) => JSON.parse(stdout));
    const before = readFileSync(lab.inventory, 'utf8');
    for (const wrong of ['postgres.version=16', 'patroni.ttl=5', 'patroni.tll=30']) {
      const { code, stderr } = await lab.hapg(['config', 'edit', '--yes', '--set', wrong]);
      assert.equal(code, 5, stderr);
    }
    assert.equal(readFileSync(lab.inventory, 'utf8'), before);
    const named = await lab.hapg(['config', 'edit', '--yes', '--set', 'patroni.maximum_lag_on_failover=2097152']);
    assert.equal(named.code, 0, named.stderr);
    assert.match(named.stdout, /\+.*maximum_lag_on_failover: 2097152/);
    assert.equal((await live()).maximum_lag_on_failover, 2097152);
    // Edited by hand, in an editor on a terminal.
    const byHand = `EDITOR='sed -i s/2097152/3145728/' '${process.execPath}' '${resolve('dist/hapg.js')}' config edit --yes -i '${lab.inventory}'`;
    const edited = spawnSync('script', ['-qec', byHand, '/dev/null'], { encoding: 'utf8' });
    assert.equal(edited.status, 0, edited.stdout);
    assert.equal((await live()).maximum_lag_on_failover, 3145728);
    const back = await lab.hapg(['config', 'edit', '--yes', '--unset', 'patroni.maximum_lag_on_failover']);
    assert.equal(back.code, 0, back.stderr);
    assert.equal((await live()).maximum_lag_on_failover, 1048576);
    assert.equal(readFileSync(lab.inventory, 'utf8'), before);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('a stopped unit, an edited file and a wrong mode are named and repaired, and nothing else', async () => {
    lab.on(
      'proxy2',
      'systemctl stop haproxy; echo "# edited" >> /etc/keepalived/keepalived.conf; chmod 644 /etc/haproxy/haproxy.cfg',
    );
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    const applied = report((await lab.hapg(['apply', '--yes', '-o', 'json'])).stdout);
    assert.deepEqual(set(applied), set(planned));
    const steps = set(planned).filter((line) => !line.includes(' ready '));
    assert.deepEqual(steps, [
      'proxy2 file /etc/haproxy/haproxy.cfg update',
      'proxy2 file /etc/keepalived/keepalived.conf update',
      'proxy2 reload keepalived.service reload',
      'proxy2 unit haproxy.service create',
    ]);
    await lab.healthy(30);
  });

  /** Applies an inventory under write load; returns the members that restarted, in order. */
  async function rolled(change: (text: string) => string): Promise<string[]> {
    const leader = leaderOf(await lab.healthy(60));
    lab.write(change);
    const writer = new Writer(lab);
    writer.start(120);
    const restarts = (text: string) => report(text).changes.filter((one) => one.step.startsWith('restart-pending'));
    const planned = restarts((await lab.hapg(['plan', '-o', 'json'])).stdout);
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-2000));
    const result = writer.stop();
    console.log(`rolling restart: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    assert.ok(result.acked > 20);
    await lab.healthy(60);
    const restarted = restarts(stdout).map((one) => one.host);
    assert.deepEqual([...restarted].sort(), ['db1', 'db2', 'db3']);
    assert.deepEqual(planned.map((one) => one.host).sort(), [...restarted].sort(), 'the plan has said so');
    return restarted.map((host) => (host === leader ? 'leader' : 'replica'));
  }
  const everywhere = (value: string) => {
    for (const db of ['db1', 'db2', 'db3'])
      assert.equal(lab.on(db, "runuser -u postgres -- psql -XAtc 'show max_connections'").out, value);
  };

  test('max_connections grows and extensions are asked for, one of a vendor, one to be preloaded: replicas restart first, then the leader hands over; no acknowledged row is lost', async () => {
    const key = offerExtension(lab).replaceAll('\n', '\n        ');
    const source = `apt:\n  repositories:\n    - name: vendor\n      uri: file:/opt/vendor\n      suite: ./\n      components: []\n      key: |\n        ${key}`;
    const extensions = 'extensions: [pgaudit, {name: lab_note, packages: [postgresql-17-lab-note]}]';
    const asked = (text: string) =>
      text
        .replace('cluster: ', `${source}\ncluster: `)
        .replace('parameters:', `${extensions}\n  parameters:`)
        .replace('{name: app, owner: app}', '{name: app, owner: app, extensions: [pgaudit, lab_note]}')
        .replace('max_connections: 100', 'max_connections: 120');
    assert.deepEqual(await rolled(asked), ['replica', 'replica', 'leader']);
    everywhere('120');
    const leader = leaderOf(await lab.healthy(30));
    const sql = (text: string) => lab.on(leader, `runuser -u postgres -- psql -XAtq app -c ${quote(text)}`).out;
    assert.equal(sql('show shared_preload_libraries'), 'pgaudit');
    assert.equal(sql('select lab_note()'), 'from the vendor');
    assert.equal(sql("select count(*) from pg_extension where extname = 'pgaudit'"), '1');
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
    // The lab is restored to its former state: hapg itself never drops an extension.
    sql('drop extension pgaudit; drop extension lab_note');
  });

  test('max_connections shrinks: the leader restarts first, then its replicas; no acknowledged row is lost', async () => {
    assert.deepEqual(await rolled((text) => text), ['leader', 'replica', 'replica']);
    everywhere('100');
  });

  test('a changed setting of etcd: members restart one at a time, and writes go on', async () => {
    lab.write((text) =>
      text.replace('replication: sync', 'etcd: {heartbeat_ms: 200, election_ms: 2000}\nreplication: sync'),
    );
    const writer = new Writer(lab);
    writer.start(60);
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-2000));
    const result = writer.stop();
    console.log(`etcd restarts: ${JSON.stringify(result)}`);
    assert.deepEqual(
      set(report(stdout)).filter((line) => line.includes('etcd')),
      ['db1', 'db2', 'db3'].flatMap((db) => [
        `${db} file /etc/etcd/etcd.env update`,
        `${db} restart etcd.service restart`,
      ]),
    );
    const span = (db: string) =>
      lab
        .on(db, 'systemctl show -p InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic --value etcd')
        .out.split('\n')
        .map(Number)
        .sort((a, b) => a - b);
    const spans = ['db1', 'db2', 'db3'].map(span).sort((a, b) => a[0]! - b[0]!);
    for (const [index, one] of spans.slice(1).entries())
      assert.ok(one[0]! > spans[index]![1]!, 'two members were away at once');
    assert.equal(result.lost, 0);
    assert.ok(result.longestGapMs < milliseconds(5000), `${result.longestGapMs} ms`);
    lab.write((text) => text);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    await lab.healthy(30);
  });
}
