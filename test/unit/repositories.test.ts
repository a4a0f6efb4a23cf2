import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { parse } from 'ini';
import { apply } from '../../playbooks/apply.ts';
import { cloneSourceConfig, pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { capabilities } from '../../src/cluster/versions.ts';
import { mayClone } from '../../src/decisions/restore.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { parseRepository } from '../../src/observe/repository.ts';
import type { Context } from '../../src/playbook.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { Secret } from '../../src/secret.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { stanza } from '../../src/steps/stanza.ts';
import type { Remote } from '../../src/steps/step.ts';
import { contextFor, EMPTY, FACTS, healthyLab, labCluster } from './model.ts';

const BUCKET = 'kind: s3, bucket: backups, endpoint: s3.example.com, uri_style: path';
/** The lab with these repositories, with or without its backup host. */
function withRepositories(repositories: string, dedicated = true): Cluster {
  const cluster = labCluster(['pgbackrest:\n', `pgbackrest:\n  repositories: [${repositories}]\n`]);
  if (dedicated) return cluster;
  return labCluster(
    ['pgbackrest:\n', `pgbackrest:\n  repositories: [${repositories}]\n`],
    ['roles: [pgbackrest]', 'roles: [client]'],
  );
}
async function contextWithKeys(cluster: Cluster): Promise<Context> {
  const context = await contextFor(cluster);
  // Kept in memory: nothing is written for a store that is not saved.
  Object.assign(context.secrets, { save: async () => undefined });
  await context.secrets.setExternalSecret('s3-key-backups', new Secret('the-key-of-the-bucket'));
  await context.secrets.setExternalSecret('s3-secret-backups', new Secret('the-secret-of-the-bucket'));
  return context;
}
const host = (cluster: Cluster, name: string) => cluster.hosts.find((one) => one.name === name)!;
const config = (context: Context, name: string) =>
  parse(pgbackrestConfig(host(context.cluster, name), context).reveal(), { bracketedArray: false }).global as Record<
    string,
    string
  >;

test('behind a backup host, only that host knows the keys of a bucket', async () => {
  const context = await contextWithKeys(withRepositories(`{kind: host}, {${BUCKET}}`));
  const backup = config(context, 'backup');
  assert.equal(backup['repo1-path'], '/var/lib/pgbackrest');
  assert.equal(backup['repo2-type'], 's3');
  assert.equal(backup['repo2-path'], '/pglab');
  assert.equal(backup['repo2-s3-key-secret'], 'the-secret-of-the-bucket');
  const db1 = config(context, 'db1');
  assert.deepEqual([db1['repo1-host'], db1['repo2-host']], ['10.1.1.13', '10.1.1.13']);
  assert.doesNotMatch(JSON.stringify(db1), /s3|cipher/);
});

test('without a backup host, every database host reaches the repositories, and none listens for another', async () => {
  const context = await contextWithKeys(withRepositories(`{${BUCKET}}`, false));
  const db1 = config(context, 'db1');
  assert.equal(db1['repo1-s3-endpoint'], 's3.example.com');
  assert.equal(db1['repo1-cipher-type'], 'aes-256-cbc');
  assert.equal(db1['tls-server-address'], undefined);
  const steps = allSteps(apply, host(context.cluster, 'db1'), context, {
    hosts: context.cluster.hosts,
    roles: new Set(ROLE_NAMES),
  }).flatMap((one) => one.steps);
  assert.ok(!steps.some((one) => one.id === 'unit pgbackrest.service'));
  const service = steps.find((one) => one.id.includes('pgbackrest-full.service'))!;
  assert.match(String((service.want as FileWant).content), /ExecCondition=.*https:\/\/10\.1\.1\.10:8008\/primary\n/);
});

/** The options of retention that the backup host gets for this `retention:`. */
async function retention(wanted: string): Promise<[name: string, value: string][]> {
  const cluster = labCluster(['retention: {full: 2}', `retention: ${wanted}`]);
  return Object.entries(config(await contextFor(cluster), 'backup')).filter(([name]) => name.includes('retention'));
}

test('full backups are kept by their number, or until a newer one is old enough; differential ones by their number', async () => {
  assert.deepEqual(await retention('{}'), [['repo1-retention-full', '2']]);
  assert.deepEqual(await retention('{full: 5}'), [['repo1-retention-full', '5']]);
  assert.deepEqual(await retention('{days: 30, diff: 6}'), [
    ['repo1-retention-full-type', 'time'],
    ['repo1-retention-full', '30'],
    ['repo1-retention-diff', '6'],
  ]);
});

test('a clone reads with the keys of its source and has its own stanza to write to', async () => {
  const context = await contextFor(labCluster());
  const source = parse(
    cloneSourceConfig(context.cluster, context.secrets, '/data', '/keys', capabilities(FACTS)).reveal(),
    {
      bracketedArray: false,
    },
  );
  assert.equal(source.pglab['pg1-path'], '/data');
  assert.equal(source.global['repo1-host-cert-file'], '/keys/pgbackrest.crt');
});

test('a clone is refused on hosts that are not empty, of another version, and where archives would mix', () => {
  const source = withRepositories('{kind: directory, path: /mnt/backups}', false);
  const clone = (version: string, path: string) =>
    parseInventory(
      `cluster: copy\npostgres: {version: "${version}"}\npgbackrest: {stanza: pglab, repositories: [{kind: directory, path: ${path}}]}\nhosts:\n  db1: {address: 10.1.1.50, roles: [etcd, patroni]}\n`,
      'copy.yaml',
    ).cluster;
  const empty = takeSnapshot(new Map([['db1', { ...EMPTY, dataDirectory: { said: { state: 'empty' as const } } }]]));
  const reasons = (...args: Parameters<typeof mayClone>) => {
    const verdict = mayClone(...args);
    return verdict.ok ? '' : verdict.reasons.join('; ');
  };
  assert.equal(reasons(source, clone('17', '/mnt/other'), empty), '');
  assert.match(reasons(source, clone('16', '/mnt/other'), empty), /pglab has PostgreSQL 17, copy would have 16/);
  assert.match(reasons(source, clone('17', '/mnt/backups'), empty), /both would archive to \/mnt\/backups pglab/);
  assert.match(reasons(source, clone('17', '/mnt/other'), takeSnapshot(healthyLab())), /db1: .* is not empty/);
  assert.match(reasons(source, source, empty), /an inventory of its own/);
});

/** What pgBackRest prints for two repositories, shortened. */
const INFO = JSON.stringify([
  {
    name: 'pglab',
    status: {
      code: 4,
      message: 'different across repos',
      lock: { backup: { held: true, size: 1000, 'size-cplt': 250 } },
    },
    repo: [
      { key: 1, status: { code: 0, message: 'ok' } },
      { key: 2, status: { code: 2, message: 'no valid backups' } },
    ],
    db: [{ id: 1, version: '17', 'system-id': 7 }],
    archive: [{ min: '000000010000000000000001', max: '00000002000000000000000A', database: { 'repo-key': 1 } }],
    backup: [
      {
        label: '20260101-000000F',
        type: 'full',
        database: { 'repo-key': 1 },
        timestamp: { start: 1, stop: 2 },
        info: { size: 1000, repository: { delta: 10 } },
      },
    ],
  },
]);

test('each repository is judged by itself, and the stanza step says which one lacks what', () => {
  const seen = parseRepository(INFO, 'pglab')!;
  assert.deepEqual(seen.progress, { doneBytes: 250, totalBytes: 1000 });
  assert.equal(seen.backups[0]!.repository, 1);
  const step = stanza('pgbackrest', { name: 'pglab', repositories: [1, 2], version: '17' });
  assert.equal(step.kind.diff(step, seen)!.summary, 'first full backup (repository 2)');
  const upgraded = stanza('pgbackrest', { name: 'pglab', repositories: [1], version: '18' });
  assert.match(upgraded.kind.diff(upgraded, seen)!.summary, /stanza upgrade from PostgreSQL 17 to 18/);
  const enough = stanza('pgbackrest', { name: 'pglab', repositories: [1], version: '17' });
  assert.equal(enough.kind.diff(enough, seen), undefined);
  assert.equal(parseRepository('no json', 'pglab'), undefined);
  assert.equal(parseRepository('[]', 'pglab')!.status, 1);
});

/** Changes a stanza whose probe was silent, on a host that answers like this; returns what was run there, and the outcome. */
async function changed(answer: string): Promise<{ ran: string[]; outcome: string }> {
  const step = stanza('pgbackrest', { name: 'pglab', repositories: [1, 2], version: '17' });
  const ran: string[] = [];
  const remote = {
    doing: () => undefined,
    run: async (script: string) =>
      script.includes(' info ') ? answer : void ran.push(script.includes('stanza-create') ? 'stanza' : script),
    unit: async (_name: string, script: string, _seconds: number, progress?: { stuckSeconds?: number }) =>
      void ran.push(`${/--repo=\d/.exec(script)?.[0]}, until it stands still for ${progress?.stuckSeconds} s`),
  } as unknown as Remote;
  const outcome = await step.kind.change(step, undefined, remote).then(
    () => 'done',
    (cause: Error) => cause.message,
  );
  return { ran, outcome };
}

test('a pgBackRest that did not answer in time is asked again before a backup is made, which could expire the oldest one', async () => {
  const step = stanza('pgbackrest', { name: 'pglab', repositories: [1], version: '17' });
  const { want } = step;
  const silent = step.kind.parse('code 124\n--\n', [{ ...step, want }]).get(step.id);
  assert.equal(silent, undefined);
  assert.equal(step.kind.diff(step, silent)!.knownAfterApply, true);
  const known = await changed(`${INFO}\ncode 0\n.\n`);
  assert.deepEqual(known, { ran: ['stanza', '--repo=2, until it stands still for 600 s'], outcome: 'done' });
  for (const answer of ['\ncode 124\n.\n', 'ERROR: [028]: the bucket is away\ncode 28\n.\n', '']) {
    const { ran, outcome } = await changed(answer);
    assert.deepEqual(ran, []);
    assert.match(outcome, /^pgBackRest does not report which backups there are: /);
  }
});

test('the drill is a script that sh understands', async () => {
  const context = await contextFor(labCluster());
  const steps = allSteps(apply, host(context.cluster, 'backup'), context, {
    hosts: context.cluster.hosts,
    roles: new Set(ROLE_NAMES),
  }).flatMap((one) => one.steps);
  const script = steps.find((one) => one.id === 'file /usr/local/lib/hapg/drill')!;
  const { status, stderr } = spawnSync('sh', ['-n'], { input: String((script.want as FileWant).content) });
  assert.equal(status, 0, String(stderr));
});
