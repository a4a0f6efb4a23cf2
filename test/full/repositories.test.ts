/**
 * Proves backups without a host of their own, in a bucket of a real S3 storage with TLS, then in two places at once,
 * and the way back from them alone. Takes about 20 minutes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import { checkVersions } from '../../src/decisions/equipment.ts';
import { backupHosts } from '../../src/inventory/model.ts';
import { judgeConfig } from '../../src/programs/pgbackrest.ts';
import { print } from '../../src/shell/quote.ts';
import { before, test } from '../support/group.ts';
import { leaderOf, TestLab } from '../support/lab.ts';
import { seconds } from '../support/time.ts';
import { contextWithKeys, ENTRIES, withRepositories } from '../unit/repository-kinds.ts';

const lab = new TestLab('pgs3');
const ADDRESS = '10.9.1.70';
const S3 = {
  S3_ADDRESS: ADDRESS,
  S3_KEY: 'lab:backup',
  S3_SECRET: 'a-secret-of-the-bucket',
  S3_BUCKET: 'backups',
  S3_TRIES: String(seconds(60)),
};
let authority = '';
const bucket = (path: string) =>
  `{kind: s3, bucket: backups, endpoint: ${ADDRESS}, port: 9000, uri_style: path, path: ${path}, ca: "${authority.trim().replaceAll('\n', '\\n')}\\n"}`;
const repositories = (paths: string[], more = '') =>
  lab.write((text) =>
    text
      .replace('pgbackrest:\n', `pgbackrest:\n  repositories: [${paths.map(bucket).join(', ')}]\n${more}`)
      .replace(/^ {2}backup:.*(\n {4}.*)*\n/m, ''),
  );

before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  assert.equal((await lab.hapg(['lab', 'add', 's3', '--address', ADDRESS])).code, 0);
  const made = spawnSync(
    'docker',
    ['exec', '-i', ...Object.entries(S3).flatMap(([key, value]) => ['-e', `${key}=${value}`]), 'pgs3-s3', 'sh'],
    { input: readFileSync('test/support/s3.sh'), encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stdout + made.stderr);
  authority = lab.on('s3', 'cat /etc/s3/ca.crt').out;
  lab.docker('rm', '-f', 'pgs3-backup');
  repositories(['/one']);
  await lab.findUri();
});
after(() => lab.down());

const DATABASES = ['db1', 'db2', 'db3'];
interface Listed {
  backups: { label: string; type: string; repository: number }[];
}
const backups = async () => (JSON.parse((await lab.hapg(['backups', '-o', 'json'])).stdout) as Listed).backups;

test('the keys of a bucket have to be brought, and say so before anything is contacted', async () => {
  const refused = await lab.hapg(['apply', '--yes']);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /has no s3-key-backups, s3-secret-backups; bring them with "hapg secrets set s3-key-backups"/,
  );
  for (const [name, value] of [
    ['s3-key-backups', S3.S3_KEY],
    ['s3-secret-backups', S3.S3_SECRET],
  ] as const) {
    const given = spawnSync(
      process.execPath,
      [`${process.cwd()}/dist/hapg.js`, 'secrets', 'set', name, '-i', lab.inventory],
      {
        input: `${value}\n`,
        encoding: 'utf8',
      },
    );
    assert.equal(given.status, 0, given.stderr);
    assert.doesNotMatch(given.stdout + given.stderr, /a-secret-of-the-bucket/);
  }
});

test('apply: every database host archives to the bucket itself, the first backup is there, a second run changes nothing', async () => {
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-3000));
  await lab.healthy(60);
  assert.equal((await backups())[0]!.type, 'full');
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  for (const host of lab.hosts.filter((name) => name !== 'backup'))
    assert.doesNotMatch(
      lab.on(host, 'journalctl -q --no-pager; cat /proc/*/cmdline | tr "\\0" " "').out,
      /a-secret-of/,
    );
});

test('whoever leads takes the scheduled backup, after a switchover as well', async () => {
  const taken = (await backups()).length;
  assert.equal((await lab.hapg(['switchover', '--yes'])).code, 0);
  for (const host of DATABASES) lab.on(host, 'systemctl start pgbackrest-diff.service');
  assert.equal((await backups()).length, taken + 1, 'one of three');
  await lab.healthy(60);
});

test('a drill on a named host, and a restore, from the bucket', async () => {
  const drill = await lab.hapg(['drill', 'restore', '--on', 'db2', '-o', 'json']);
  assert.equal(drill.code, 0, drill.stdout + drill.stderr);
  const status = await lab.healthy(60);
  lab.on(
    leaderOf(status),
    "runuser -u postgres -- psql -XAtqd app -c 'create table kept as select generate_series(1, 7) n'",
  );
  const { code, stderr } = await lab.hapg(['restore', '--latest', '--yes', '--confirm', lab.cluster]);
  assert.equal(code, 0, stderr.slice(-3000));
  await lab.healthy(60);
  for (const host of DATABASES)
    assert.equal(lab.on(host, "runuser -u postgres -- psql -XAtqd app -c 'select count(*) from kept'").out, '7', host);
});

test('a second repository: it gets the stanza, a full backup and every segment; backups go to both', async () => {
  repositories(
    ['/one', '/two'],
    '  drill: {host: db2, schedule: "Mon 05:00", count: [{database: app, table: kept}]}\n  read_bandwidth: 200M\n',
  );
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-3000));
  await lab.healthy(60);
  assert.equal((await backups()).filter((one) => one.repository === 2 && one.type === 'full').length, 1);
  const made = await lab.hapg(['backup', '--type', 'incr', '--yes', '-o', 'json']);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(
    (JSON.parse(made.stdout) as Listed).backups.map((one) => one.repository),
    [1, 2],
  );
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  // Started as its timer does.
  assert.equal(
    lab.on('db2', 'systemctl start pgbackrest-drill.service; systemctl is-active pgbackrest-drill.timer').out,
    'active',
  );
  const { drill } = (await lab.healthy(10)).backup as unknown as { drill: { host: string; ok: boolean } };
  assert.deepEqual([drill.host, drill.ok], ['db2', true]);
  const restored = await lab.hapg(['restore', '--latest', '--yes', '--confirm', lab.cluster]);
  assert.equal(restored.code, 0, restored.stderr.slice(-3000));
  await lab.healthy(60);
});

test('all database hosts are lost: empty ones are set up as far as the bucket, and the cluster comes back from it alone', async () => {
  await lab.healthy(60);
  assert.equal((await lab.hapg(['backup', '--type', 'incr', '--yes'])).code, 0);
  for (const host of DATABASES) lab.docker('rm', '-f', `pgs3-${host}`);
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['restore', '--latest', '--yes', '--confirm', lab.cluster]);
  assert.equal(code, 0, stderr.slice(-3000));
  await lab.healthy(60);
  for (const host of DATABASES)
    assert.equal(lab.on(host, "runuser -u postgres -- psql -XAtqd app -c 'select count(*) from kept'").out, '7', host);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
});

test('pgBackRest on the hosts accepts the configuration of every kind of repository', async () => {
  const version = /\d+(\.\d+)+/.exec(lab.on('db1', 'pgbackrest version').out)![0];
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const cluster = withRepositories([entry], entry === 'kind: host');
    const context = await contextWithKeys(cluster, version);
    const host = backupHosts(cluster)[0]!;
    // What a version cannot do is refused by plan.
    if (!checkVersions(cluster, context.facts, [host]).ok) continue;
    const has = { database: host.roles.has('patroni'), repositories: true };
    const { code, out } = lab.on(
      'db1',
      `${print(pgbackrestConfig(host, context).reveal())} > /tmp/judged.conf; chown postgres /tmp/judged.conf
${judgeConfig('/tmp/judged.conf', cluster.stanza, has)}`,
    );
    assert.equal(code, 0, `${name}: ${out}`);
  }
  lab.on('db1', 'rm /tmp/judged.conf');
});
