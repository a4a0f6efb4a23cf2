import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import ssh2 from 'ssh2';
import { apply } from '../../playbooks/apply.ts';
import { pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import { repositoryPlace } from '../../src/commands/backup.ts';
import { checkVersions } from '../../src/decisions/equipment.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { privateKey } from '../../src/inventory/given-secret.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Host } from '../../src/inventory/model.ts';
import { parseFingerprint } from '../../src/inventory/repositories/fingerprint.ts';
import type { Context } from '../../src/playbook.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { Secret } from '../../src/secret.ts';
import { externalSecrets, givenSecrets } from '../../src/secrets/external-secrets.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { contextWithKeys, ENTRIES, factsWith, GIVEN, withRepositories } from './repository-kinds.ts';

const entry = (name: string): string => ENTRIES[name]!;
const host = ({ cluster }: Context, name: string): Host => cluster.hosts.find((one) => one.name === name)!;
const config = (context: Context, name = 'backup'): string => pgbackrestConfig(host(context, name), context).reveal();
function files(context: Context, name: string): Map<string, FileWant> {
  const steps = allSteps(apply, host(context, name), context, {
    hosts: context.cluster.hosts,
    roles: new Set(ROLE_NAMES),
  }).flatMap((one) => one.steps);
  return new Map(
    steps.filter(({ kind }) => kind.name === 'file').map((one) => [(one.want as FileWant).path, one.want as FileWant]),
  );
}

test('every secret that a kind needs is asked for by its name, each once', () => {
  assert.deepEqual(externalSecrets(withRepositories([entry('gcs'), entry('azure')])), [
    'gcs-key-backups_of.ours',
    'azure-key-ours',
  ]);
  const twice = withRepositories([entry('azure'), `${entry('azure')}, path: /other`]);
  assert.deepEqual(externalSecrets(twice), ['azure-key-ours']);
  assert.deepEqual(externalSecrets(withRepositories([entry('azure, as the machine')])), []);
  assert.deepEqual(externalSecrets(withRepositories([entry('sftp')])), ['sftp-key-sftp.example.com']);
});

test('the key of a service account is a file of postgres, which the configuration names', async () => {
  const context = await contextWithKeys(withRepositories([entry('host'), entry('gcs')]));
  const path = '/etc/pgbackrest/pki/repo2-key.json';
  const { content, owner, mode } = files(context, 'backup').get(path)!;
  assert.deepEqual([owner, mode], ['postgres', '0600']);
  assert.ok(content instanceof Secret && content.reveal() === GIVEN['gcs-key-backups_of.ours']);
  assert.match(config(context), /^repo2-gcs-key=\/etc\/pgbackrest\/pki\/repo2-key\.json$/m);
  assert.doesNotMatch(config(context), /PRIVATE KEY/);
  assert.equal(files(context, 'db1').has(path), false, 'behind a backup host no other one has it');
});

test('without a backup host every database host has the keys of the repositories', async () => {
  const context = await contextWithKeys(withRepositories([entry('sftp')], false));
  for (const name of ['db1', 'db2', 'db3']) {
    assert.equal(files(context, name).get('/etc/pgbackrest/pki/repo1-sftp.key')!.mode, '0600');
    assert.match(config(context, name), /^repo1-sftp-private-key-file=\/etc\/pgbackrest\/pki\/repo1-sftp\.key$/m);
  }
});

test('an SFTP server is known by its fingerprint alone', async () => {
  const context = await contextWithKeys(withRepositories([entry('sftp')]));
  assert.match(config(context), /^repo1-sftp-host-key-hash-type=sha256$/m);
  assert.match(
    config(context),
    /^repo1-sftp-host-fingerprint=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855$/m,
  );
  assert.match(config(context), /^repo1-sftp-host-key-check-type=fingerprint$/m);
  const older = await contextWithKeys(withRepositories([entry('sftp')]), '2.46');
  assert.doesNotMatch(config(older), /check-type/);
});

test('a fingerprint is read in the forms of ssh-keygen and in digits', () => {
  assert.deepEqual(parseFingerprint(`MD5:${Array(16).fill('AB').join(':')}`), { hash: 'md5', hex: 'ab'.repeat(16) });
  assert.equal(parseFingerprint('ab'.repeat(20))!.hash, 'sha1');
  for (const none of ['', 'SHA256:short', 'ab'.repeat(17), 'zz'.repeat(20)])
    assert.equal(parseFingerprint(none), undefined);
});

test('a pgBackRest that is too old for a kind is refused with the reason and the cure', () => {
  const reasons = (name: string, version: string): string => {
    const cluster = withRepositories([entry('host'), entry(name)]);
    const result = checkVersions(cluster, () => factsWith(version), cluster.hosts);
    return result.ok ? '' : result.reasons.join('\n');
  };
  assert.equal(
    reasons('sftp', '2.45'),
    'backup: repository 2 with kind: sftp needs pgBackRest 2.46, here is 2.45; write postgres: {repository: pgdg}',
  );
  assert.equal(reasons('sftp', '2.46'), '');
  assert.match(reasons('azure, as the machine', '2.55.1'), /key_type: auto needs pgBackRest 2\.58, here is 2\.55\.1/);
  for (const name of ['azure', 'gcs', 's3, in the path']) assert.equal(reasons(name, '2.45'), '');
});

test('an entry that lacks something or does not fit is refused at its place', () => {
  const refused = (repository: string): string => {
    const text = `cluster: a\npostgres: {version: "17"}\npgbackrest:\n  repositories:\n    - {${repository}}\nhosts:\n  db1: {address: 10.0.0.1, roles: [etcd, patroni]}\n`;
    try {
      parseInventory(text, 'bad.yaml');
      return '';
    } catch (cause) {
      return (cause as Error).message;
    }
  };
  assert.match(refused('kind: ftp'), /^bad\.yaml:5:\d+: error: .*host, directory, s3, gcs, azure or sftp/);
  assert.match(
    refused('kind: azure, account: Ours, container: backups'),
    /^bad\.yaml:5:30: error: .*lower-case letters/,
  );
  assert.match(refused('kind: sftp, host: a, user: b, path: /c, fingerprint: d'), /ssh-keygen -l -f/);
  assert.match(refused('kind: sftp, host: a, user: b, path: /c'), /fingerprint/);
});

test('what an operator brings is judged before it is stored', () => {
  const form = (kind: string) => givenSecrets(withRepositories([entry(kind)]))[0]!;
  const judge = (kind: string, value: unknown) => form(kind).weakness(new Secret(String(value)));
  for (const kind of ['gcs', 'azure', 'azure, with a signature', 'sftp']) {
    const { name, weakness, stored } = form(kind);
    const given = new Secret(GIVEN[name]!.trim());
    assert.equal(weakness(given), undefined, kind);
    assert.equal(weakness(stored(given)), undefined, `${kind}: what is stored is accepted again`);
  }
  assert.match(judge('gcs', '{"type": "authorized_user"}')!, /no client_email, private_key, token_uri/);
  assert.match(judge('gcs', 'not json at all')!, /not the JSON file/);
  assert.match(judge('azure', GIVEN['azure-key-theirs'])!, /no base64/);
});

test('a private key is one that needs no passphrase', () => {
  const { weakness } = privateKey('sftp-key-a');
  const judge = (value: unknown) => weakness(new Secret(String(value)));
  const pair = ssh2.utils.generateKeyPairSync('ed25519');
  assert.equal(judge(pair.private), undefined);
  assert.match(judge(pair.public)!, /public key/);
  const locked = ssh2.utils.generateKeyPairSync('ed25519', {
    passphrase: 'long enough',
    cipher: 'aes256-cbc',
    rounds: 2,
  });
  assert.match(judge(locked.private)!, /passphrase/);
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  assert.equal(judge(rsa.export({ type: 'pkcs8', format: 'pem' })), undefined);
  const closed = rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'long enough' });
  assert.match(judge(closed)!, /passphrase/);
  const words = ['PRIVATE', 'KEY'].join(' ');
  for (const none of ['', 'hello', `-----BEGIN ${words}-----\nAAAA\n-----END ${words}-----`])
    assert.match(judge(none)!, /no private SSH key/);
});

test('an operator recognizes each repository', () => {
  const places = Object.entries(ENTRIES).map(([name, text]) => {
    const cluster = withRepositories([text]);
    return [name, repositoryPlace(cluster, cluster.repositories[0]!)];
  });
  assert.deepEqual(Object.fromEntries(places).host, '/var/lib/pgbackrest on backup');
  assert.deepEqual(
    Object.fromEntries(places).azure,
    'the container backups of ours at blob.core.windows.net, path /pglab',
  );
  assert.deepEqual(Object.fromEntries(places).sftp, '/srv/backups on sftp.example.com, as backup');
});
