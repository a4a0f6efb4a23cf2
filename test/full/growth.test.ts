import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { report, TestLab } from '../support/lab.ts';

/** A cluster that grows: the etcd member first as a learner, PostgreSQL from the repository. */
const lab = new TestLab('pggrow');
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
});
after(() => lab.down());

test('a fourth host joins etcd as a learner, becomes a voter, and its PostgreSQL comes from the repository', async () => {
  const added = await lab.hapg(['lab', 'add', 'db4', '--address', '10.1.2.17', '-o', 'json']);
  const { ssh } = JSON.parse(added.stdout) as { ssh: string };
  lab.write(
    (text) =>
      `${text}  db4: {address: 10.1.2.17, ssh: {host: 127.0.0.1, port: ${ssh.split(':')[1]}}, roles: [etcd, patroni]}\n`,
  );
  const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0, `${stderr.slice(-3000)}${stdout.slice(-1000)}`);
  assert.ok(report(stdout).changes.some((one) => one.step === 'etcd-join db4'));
  const status = await lab.healthy(30);
  assert.equal(status.members.length, 4);
  assert.equal(status.dcs.members.length, 4);
  assert.match(
    lab.on('db4', 'cat /var/log/pgbackrest/*-restore.log').out,
    /restore command end: completed successfully/,
  );
  assert.match(lab.on('db4', 'ls /var/lib/hapg/etcd').out, /before-join-\d+\.db/, 'a snapshot was kept first');
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});
