/**
 * Proves that a cluster can be made with an etcd or a ZooKeeper of somebody else, outlives its absence, and leaves
 * alone what is not its own there. Takes about 25 minutes.
 */

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { before, test } from '../support/group.ts';
import { leaderOf, leftovers, report, TestLab, until, Writer } from '../support/lab.ts';
import { milliseconds, pause, seconds } from '../support/time.ts';

/** An external DCS, on a host of which hapg knows only the address. */
interface Elsewhere {
  kind: 'etcd' | 'zookeeper';
  port: number;
  install: string;
  unit: string;
  /** sh on its host: writes a key, prints everything below a path (empty where there is nothing), removes a path. */
  put: (path: string, value: string) => string;
  list: (path: string) => string;
  remove: (path: string) => string;
}

const zkCli = (...commands: string[]) =>
  `printf '%s\\n' ${commands.map((one) => `'${one}'`).join(' ')} quit | /usr/share/zookeeper/bin/zkCli.sh -server 127.0.0.1:2181 2>/dev/null`;

const KINDS: Elsewhere[] = [
  {
    kind: 'etcd',
    port: 2379,
    install: `apt-get install -qy etcd-server etcd-client >/dev/null
printf '%s\\n' ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379 ETCD_ADVERTISE_CLIENT_URLS=http://10.9.3.12:2379 > /etc/default/etcd
systemctl enable -q etcd; systemctl restart etcd`,
    unit: 'etcd',
    put: (path, value) => `etcdctl put ${path} ${value}`,
    list: (path) => `etcdctl get --prefix --keys-only ${path}`,
    remove: (path) => `etcdctl del --prefix ${path}`,
  },
  {
    kind: 'zookeeper',
    port: 2181,
    install: `apt-get install -qy --no-install-recommends zookeeper zookeeperd default-jre-headless >/dev/null
systemctl enable -q zookeeper; systemctl restart zookeeper`,
    unit: 'zookeeper',
    put: (path, value) =>
      zkCli(
        ...path
          .split('/')
          .slice(1)
          .map(
            (_, index, all) => `create /${all.slice(0, index + 1).join('/')} ${index === all.length - 1 ? value : ''}`,
          ),
      ),
    list: (path) => `${zkCli(`ls -R ${path.replace(/\/$/, '')}`)} | grep '^${path.replace(/\/$/, '')}' || true`,
    remove: (path) => zkCli(`deleteall ${path.replace(/\/$/, '')}`),
  },
];

for (const dcs of KINDS)
  describe(`${dcs.kind} of somebody else`, () => {
    const lab = new TestLab('pgpair', 'two-node.yaml', { bare: true });
    lab.write((text) =>
      text
        .replace(/^rto:/m, `dcs: {kind: ${dcs.kind}, external: ["10.9.3.12:${dcs.port}"], tls: false}\nrto:`)
        .replaceAll('roles: [etcd, patroni, haproxy]', 'roles: [patroni, haproxy]')
        .replace('roles: [etcd]', 'roles: [client], hardening: false, ufw: false'),
    );
    const there = (script: string) => lab.on('witness', script).out;
    const keys = (path: string) => there(dcs.list(path));

    before(async () => {
      const up = await lab.hapg(['lab', 'up']);
      assert.equal(up.code, 0, up.stderr);
      const { code, out } = lab.on(
        'witness',
        `export DEBIAN_FRONTEND=noninteractive; apt-get update -q >/dev/null; ${dcs.install}`,
        300,
      );
      assert.equal(code, 0, out);
      await until(
        'it listens',
        60,
        () => lab.on('db1', `timeout ${seconds(2)} bash -c 'echo > /dev/tcp/10.9.3.12/${dcs.port}'`).code === 0,
      );
      await until('it answers', 60, () => {
        there(dcs.put('/service/other/initialize', '4711'));
        return keys('/service/other/').includes('/service/other/initialize');
      });
    });
    after(() => lab.down());

    test('a name that somebody else has taken there is refused, and their keys are left alone', async () => {
      there(dcs.put('/service/pgpair/initialize', '7300000000000000001'));
      const { code, stdout } = await lab.hapg(['apply', '--yes', '-o', 'json']);
      assert.equal(code, 2, stdout.slice(-2000));
      assert.match(report(stdout).failed[0]!.message, /should have no cluster pgpair yet/);
      assert.match(keys('/service/pgpair/'), /initialize/);
      assert.equal(lab.on('db1', 'ls -A /var/lib/postgresql/17/pgpair').out, '', 'no database');
      there(dcs.remove('/service/pgpair/'));
    });

    test('a cluster is made with it, has nothing left to do, and none of its own beside it', async () => {
      const { code, stderr } = await lab.hapg(['apply', '--yes']);
      assert.equal(code, 0, stderr.slice(-3000));
      const { dcs: seen } = await lab.healthy(60);
      assert.deepEqual(seen, { kind: dcs.kind, quorum: true, members: [] });
      const plan = await lab.hapg(['plan', '--detailed-exitcode']);
      assert.equal(plan.code, 0, plan.stdout);
      assert.match(keys('/service/pgpair/'), /\/service\/pgpair\/leader/);
      assert.notEqual(lab.on('db1', 'dpkg -s etcd-server zookeeper 2>/dev/null | grep "^Status: install ok"').code, 0);
      await lab.findUri();
      lab.on(lab.client, `psql -XAtq '${lab.uri}' -c 'create table kept as select 1 as n'`);
    });

    test('the leader hands over', async () => {
      const leader = leaderOf(await lab.healthy(60));
      const { code, stderr } = await lab.hapg(['switchover', '--yes']);
      assert.equal(code, 0, stderr);
      assert.notEqual(leaderOf(await lab.healthy(60)), leader);
    });

    test('it is away for a while: writes go on, status says so, and nothing planned begins', async () => {
      const writer = new Writer(lab);
      writer.start(120);
      there(`systemctl stop ${dcs.unit}`);
      await pause(30);
      const { code, status } = await lab.status();
      assert.equal(code, 1);
      assert.ok(
        status.problems.some((problem) => problem.code === 'no_quorum'),
        JSON.stringify(status.problems),
      );
      const refused = await lab.hapg(['switchover', '--yes']);
      assert.equal(refused.code, 1, refused.stderr);
      there(`systemctl start ${dcs.unit}`);
      await lab.healthy(60);
      const result = writer.stop();
      console.log(`${dcs.kind} away for 30 s: ${JSON.stringify(result)}`);
      assert.equal(result.lost, 0);
      assert.ok(result.longestGapMs < milliseconds(2000), `${result.longestGapMs} ms`);
    });

    test('a restore takes out its own keys there, and nobody else’s', async () => {
      const { code, stderr } = await lab.hapg(['restore', '--latest', '--yes', '--confirm', 'pgpair']);
      assert.equal(code, 0, stderr.slice(-3000));
      await lab.healthy(90);
      assert.equal(lab.on(lab.client, `psql -XAtq '${lab.uri}' -c 'select n from kept'`).out, '1');
      assert.match(keys('/service/other/'), /\/service\/other\/initialize/);
      assert.deepEqual(leftovers(lab), {});
      assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
    });

    test('destroy takes out its own keys there, and nobody else’s', async () => {
      const { code, stderr } = await lab.hapg(['destroy', '--yes', '--confirm', 'pgpair']);
      assert.equal(code, 0, stderr.slice(-3000));
      assert.equal(keys('/service/pgpair/').trim(), '');
      assert.match(keys('/service/other/'), /\/service\/other\/initialize/);
    });
  });
