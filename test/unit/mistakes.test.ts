import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { readJournals } from '../../src/engine/journal.ts';
import { recall, remember } from '../../src/engine/last-seen.ts';
import type { Probed } from '../../src/engine/probe.ts';
import { fileTrouble } from '../../src/file-trouble.ts';
import { reportError } from '../../src/run/outcome.ts';
import { programWords } from '../support/bundle.ts';
import { nobodysLab, ownController, withStore } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';
import { EMPTY, FACTS } from './model.ts';

const checkout = process.cwd();
/** The words of the real command: for what it reads from standard input, and for how it is started. */
const CLI = programWords('hapg');
ownController();
const lab = nobodysLab();
const { cluster } = await withStore('lab.yaml');
mkdirSync('directory');
writeFileSync('file', 'some text\n');
writeFileSync('plan', '{"hapg":1,"digest":5}\n');
writeFileSync(
  'circle.yaml',
  lab
    .replace('10.1.1.10, ssh: {', '10.1.1.10, ssh: {jump: db2, ')
    .replace('10.1.1.11, ssh: {', '10.1.1.11, ssh: {jump: db1, '),
);

/** Inventories as people make them by accident, by what they are. */
const INVENTORIES: [what: string, text: string | Buffer, says: RegExp][] = [
  ['an empty file', '', /: the inventory is empty\. "hapg init" writes one/],
  ['comments alone', '# nothing yet\n', /: the inventory is empty/],
  ['a text', 'dear all,\n', /:1:1: error: this is a single value, and an inventory is a map/],
  ['a list', '- db1\n- db2\n', /:1:1: error: this is a list/],
  [
    'a program',
    Buffer.from('\x7fELF\x02\x01\0\0\x1b[31m', 'latin1'),
    /:1:5: error: this is no text: it has a byte 0x02/,
  ],
  ['a tab', lab.replace('  version', '\tversion'), /error: .*[Tt]abs/],
  [
    'a lost brace',
    lab.replace('db1:    {address', 'db1:    address'),
    /error: .*; and \d+ more that may follow from it/,
  ],
  ['two documents', `${lab}---\n${lab}`, /error: a second document begins here; an inventory is one/],
  [
    'an alias of nothing',
    lab.replace('max_connections: 100', 'max_connections: *many'),
    /error: \*many refers to the anchor &many above it, and there is none/,
  ],
  ['a star without quotes', 'cluster: *\n', /error: /],
  [
    'aliases that unfold to a billion',
    `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n`,
    /aliases \(\*name\) cannot be followed/,
  ],
  ['deep brackets', '['.repeat(20_000), /error: this is nested too deeply/],
  [
    'a key twice',
    lab.replace('cluster: pglab\n', 'cluster: pglab\ncluster: other\n'),
    /error: the key cluster is given twice: it stands in line 4 already/,
  ],
  ['another type everywhere', 'cluster: []\nhosts: 5\npostgres: x\n', /error: /],
  [
    'a merge conflict',
    lab.replace('cluster: pglab\n', '<<<<<<< HEAD\ncluster: pglab\n=======\ncluster: other\n>>>>>>> x\n'),
    /error: /,
  ],
  ['one endless line', `cluster: "${'x'.repeat(100_000)}`, /error: /],
];

for (const [what, text, says] of INVENTORIES)
  test(`an inventory that is ${what} is refused in one short message`, async () => {
    writeFileSync('bad.yaml', text);
    for (const command of ['validate', 'plan', 'status']) {
      const { code, out, err } = await inProcess([command, '-i', 'bad.yaml']);
      assert.equal(code, 5, err);
      assert.match(err, says);
      assert.ok(err.trim().split('\n').length <= 10, err);
      assert.ok(err.length < 2000, `${err.length} characters`);
      assert.doesNotMatch(err, /[\0-\x08\x0b-\x1f]|\n {4}at /, 'nothing of it reaches the terminal as it is');
      assert.equal(out, '');
    }
  });

/** Command lines with a mistake, their exit code, and what is said. */
const MISTAKES: [words: string, code: number, says: RegExp][] = [
  ['validate -i directory', 5, /^directory: cannot read the inventory: it is a directory \(EISDIR\)/],
  ['validate -i nowhere.yaml', 5, /^nowhere\.yaml: cannot read the inventory \(ENOENT\).*hapg init/],
  [
    'validate -i lab.yaml -e cluster.foo=5',
    5,
    /^-e cluster\.foo=5: cluster is a single value or a list; it has no key "foo"$/m,
  ],
  [
    'validate -i lab.yaml -e hosts.db1.roles.x=5',
    5,
    /^-e hosts\.db1\.roles\.x=5: hosts\.db1\.roles is a single value or a list/,
  ],
  ['validate -i lab.yaml -e postgres.port=*x', 5, /^-e:1:1: error: \*x refers to/],
  ['validate -i lab.yaml -e postgres.port=[', 5, /^-e:1:2: error: /],
  ['validate -i lab.yaml -e postgres.port=lots', 5, /^-e postgres\.port=lots: error: postgres\.port/],
  ['validate -i lab.yaml -e postgres..port=5', 5, /^-e postgres\.\.port=5: expected key=value/],
  ['validate -i lab.yaml -e =5', 5, /expected key=value/],
  ['plan -i lab.yaml -l @nofile', 5, /^--limit @nofile: there is no such file or directory \(ENOENT\)$/m],
  ['plan -i lab.yaml -l @directory', 5, /^--limit @directory: it is a directory/],
  ['plan -i lab.yaml -l [', 5, /^--limit: "\[" is no pattern/],
  ['plan -i lab.yaml --out nowhere/plan', 5, /^nowhere\/plan: there is no such file or directory/],
  ['plan -i lab.yaml --out directory', 5, /^directory: it is a directory/],
  ['apply lab.yaml -i lab.yaml --yes', 5, /^lab\.yaml is an inventory and no saved plan: hapg apply -i lab\.yaml$/m],
  ['apply plan -i lab.yaml --yes', 5, /^plan: this is no plan/],
  ['apply nowhere -i lab.yaml --yes', 5, /^nowhere: there is no such file/],
  ['render file -i lab.yaml', 5, /^file: this is a file, and render writes a directory$/m],
  ['render /proc/nowhere -i lab.yaml', 5, /^\/proc\/nowhere.*there is no such file or directory/],
  ['render file/below -i lab.yaml', 5, /^file\/below\/.*what should be a directory on its way is a file/],
  [
    'init nowhere/inventory.yaml --databases 10.0.0.1',
    5,
    /^nowhere\/inventory\.yaml: the directory nowhere is not there: mkdir -p nowhere$/m,
  ],
  ['init directory --databases 10.0.0.1', 5, /directory/],
  ['init lab.yaml --databases 10.0.0.1', 5, /^lab\.yaml is there already; --force overwrites it$/m],
  [
    'init new.yaml --databases 10.0.0.1,10.0.0.2',
    5,
    /^--databases 10\.0\.0\.1,10\.0\.0\.2: two database hosts need a third vote: --witness ADDRESS/,
  ],
  ['init new.yaml --databases nonsense', 5, /^nothing was written: .*nonsense is a name/],
  [
    'init new.yaml --datacenters 2 --networks 10.1.1.0,10.2.1.0/24',
    5,
    /^--networks 10\.1\.1\.0: not a network such as/,
  ],
  ['init new.yaml --datacenters 30 --max-databases 99', 5, /^--datacenters 30: data centers are named a to z$/m],
  ['init new.yaml --from-ansible directory', 5, /^directory: it is a directory/],
  [
    'secrets show nosuch -i lab.yaml',
    5,
    /^unknown secret nosuch: .*lab\.yaml has superuser, replication, rewind, rest, stats, repository, app$/m,
  ],
  ['secrets show superusr ap -i lab.yaml', 5, /superusr \(did you mean "superuser"\?\), ap \(did you mean "app"\?\)/],
  ['secrets rotate nosuch -i lab.yaml --yes', 5, /^unknown secret nosuch/],
  [
    'secrets rotate repository -i lab.yaml --yes',
    5,
    /^unknown secret repository: .*; the passphrase of backups that are there stays/,
  ],
  ['secrets shwo -i lab.yaml', 5, /^error: hapg secrets shwo: .*\(did you mean "show"\?\)/],
  ['secrets set nosuch -i lab.yaml', 5, /needs no secret that you would have to bring/],
  ['restore -i lab.yaml --yes --confirm pglab --to-time 2026-02-30', 5, /^--to-time 2026-02-30: /],
  ['ssh db1 -i circle.yaml', 5, /^more than four jump hosts to .*go in a circle\?$/m],
  ['plan -i lab.yaml -J db1:99999', 5, /^jump host "db1:99999": \[USER@\]HOST\[:PORT\] is needed/],
  ['plan -i lab.yaml -J ,', 5, /^jump host "": /],
];

for (const [words, code, says] of MISTAKES)
  test(`hapg ${words} ends with ${code} and one short message`, async () => {
    const ended = await inProcess(words.split(' '));
    assert.match(ended.err, says);
    assert.equal(ended.code, code);
    assert.ok(ended.err.trim().split('\n').length <= 10, ended.err);
    assert.doesNotMatch(ended.err, /this is a bug|\n {4}at /);
    assert.ok(!existsSync('new.yaml'), 'nothing was written');
  });

test('a secret is shown by its name, in one line, and no other', async () => {
  const all = await inProcess(['secrets', 'show', '-i', 'lab.yaml']);
  const one = await inProcess(['secrets', 'show', 'app', '-i', 'lab.yaml']);
  assert.equal(one.code, 0);
  assert.match(one.out, /^user {2}app {2}\w{27}\n$/);
  assert.deepEqual(
    await inProcess(['secrets', '-i', 'lab.yaml', 'show', 'app']),
    one,
    'options may stand before the verb',
  );
  assert.ok(all.out.includes(one.out.trim().split(/\s+/)[2]!), 'it is the one of the whole list');
  assert.equal(all.out.trim().split('\n').length, 7);
  const document = JSON.parse(
    (await inProcess(['secrets', 'show', 'app', 'stats', '-i', 'lab.yaml', '-o', 'json'])).out,
  );
  assert.deepEqual(Object.keys(document.system), ['stats']);
  assert.deepEqual(Object.keys(document.users), ['app']);
  const hidden = await inProcess(['secrets', 'app', '-i', 'lab.yaml']);
  assert.equal(hidden.code, 5, 'a name without "show" is no command');
  const names = await inProcess(['secrets', '-i', 'lab.yaml']);
  assert.doesNotMatch(names.out, /\w{27}/);
});

const BUCKET =
  'pgbackrest:\n  repositories: [{kind: host}, {kind: s3, bucket: backups, endpoint: s3.example.com, uri_style: path}]\n';

test('a key that nobody has brought is told as missing, and one that is too short is refused', async () => {
  writeFileSync('bucket.yaml', lab.replace('cluster: pglab', 'cluster: bucket').replace('pgbackrest:\n', BUCKET));
  await withStore('bucket.yaml').then(({ store }) => store.save());
  const listed = await inProcess(['secrets', '-i', 'bucket.yaml']);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /given +s3-key-backups +missing: bring it with "hapg secrets set s3-key-backups"/);
  const document = JSON.parse((await inProcess(['secrets', '-i', 'bucket.yaml', '-o', 'json'])).out);
  assert.equal(document.given['s3-key-backups'], null);
  assert.equal(document.system.superuser, '[redacted]');
  const give = (name: string, input: string) =>
    spawnSync(CLI[0]!, [...CLI.slice(1), 'secrets', 'set', name, '-i', 'bucket.yaml'], { input, encoding: 'utf8' });
  for (const [value, says] of [
    ['seven77\n', /s3-key-backups: it has fewer than 8 characters/],
    ['two\nlines-of-it\n', /not one line without control characters/],
    ['\n', /nothing was given/],
  ] as const) {
    const { status, stderr, stdout } = give('s3-key-backups', value);
    assert.equal(status, 5, stderr);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr + stdout, /seven77|lines-of-it/);
  }
  assert.equal(give('s3-key-backups', 'pgbackrest\n').status, 0, 'a word of ours does no harm');
  assert.equal(give('s3-secret-backups', 'a;b#c="d" [e]\n').status, 0);
  const rendered = await inProcess(['render', 'rendered', '-i', 'bucket.yaml']);
  assert.equal(rendered.code, 0, rendered.err);
  const config = readFileSync('rendered/backup/etc/pgbackrest/pgbackrest.conf', 'utf8');
  assert.match(config, /^repo2-s3-key=\[redacted\]\nrepo2-s3-key-secret=\[redacted\]$/m);
  assert.match(config, /^repo2-type=s3$/m);
});

test('a key file is brought as it is, kept with its lines, and shown by no other command', async () => {
  const entry =
    'kind: sftp, host: s.example, user: b, path: /b, fingerprint: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"';
  writeFileSync(
    'sftp.yaml',
    lab
      .replace('cluster: pglab', 'cluster: sftp')
      .replace('pgbackrest:\n', `pgbackrest:\n  repositories: [{${entry}}]\n`),
  );
  const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const give = (input: string) =>
    spawnSync(CLI[0]!, [...CLI.slice(1), 'secrets', 'set', 'sftp-key-s.example', '-i', 'sftp.yaml'], {
      input,
      encoding: 'utf8',
    });
  const refused = give('no key at all\n');
  assert.equal(refused.status, 5);
  assert.match(refused.stderr, /sftp-key-s\.example: it is no private SSH key/);
  assert.equal(give(key).status, 0);
  const shown = await inProcess(['secrets', 'show', 'sftp-key-s.example', '-i', 'sftp.yaml', '-o', 'json']);
  assert.equal(JSON.parse(shown.out).given['sftp-key-s.example'], key);
  const rendered = await inProcess(['render', 'rendered-sftp', '-i', 'sftp.yaml']);
  assert.equal(rendered.code, 0, rendered.err);
  assert.equal(readFileSync('rendered-sftp/backup/etc/pgbackrest/pki/repo1-sftp.key', 'utf8').trim(), '[redacted]');
});

test('a short secret that an older version has taken is not in what render writes, and plan asks for another', async () => {
  writeFileSync(
    'dcs.yaml',
    lab
      .replace('cluster: pglab', 'cluster: foreign\ndcs: {kind: etcd, external: ["10.1.1.90:2379"], user: patroni}')
      .replaceAll('[etcd, patroni]', '[patroni]'),
  );
  const { store } = await withStore('dcs.yaml');
  const stored = (store as unknown as { stored: { given?: Record<string, string> } }).stored;
  const { Secret } = await import('../../src/secret.ts');
  await store.setExternalSecret('dcs-password', new Secret('seven77'));
  assert.equal(stored.given!['dcs-password'], 'seven77');
  const rendered = await inProcess(['render', 'foreign', '-i', 'dcs.yaml']);
  assert.equal(rendered.code, 0, rendered.err);
  const found = spawnSync('grep', ['-rl', 'seven77', 'foreign'], { encoding: 'utf8' });
  assert.equal(found.stdout, '');
  assert.match(
    readFileSync('foreign/db1/etc/patroni/config.yml', 'utf8'),
    /username: patroni\n {2}password: \[redacted\]/,
  );
  const planned = await inProcess(['plan', '-i', 'dcs.yaml']);
  assert.equal(planned.code, 1);
  assert.match(planned.err, /^dcs-password: it has fewer than 8 characters.*"hapg secrets set dcs-password"$/m);
});

for (const [what, error, code, says] of [
  [
    'a full disk',
    { code: 'ENOSPC', syscall: 'write', path: '/x/journal/1.ndjson' },
    2,
    /^\/x\/journal\/1\.ndjson: no space is left on the disk \(ENOSPC\)\n$/,
  ],
  [
    'a state directory that is read-only',
    { code: 'EROFS', syscall: 'mkdir', path: '/x/.hapg' },
    2,
    /^\/x\/.hapg: it is on a file system that is read-only \(EROFS\)\n$/,
  ],
  [
    'a file that may not be written',
    { code: 'EACCES', syscall: 'open', path: '/x/y' },
    2,
    /^\/x\/y: permission denied \(EACCES\)\n$/,
  ],
  [
    'a template that is not there',
    { code: 'ENOENT', syscall: 'open', path: join(checkout, 'templates/x.eta') },
    250,
    /this is a bug/,
  ],
  ['a bug', {}, 250, /^hapg: this is a bug; please report it:\nError: oops\n/],
] as const)
  test(`${what} is told as what it is`, async () => {
    const { screen } = await import('../../src/view/screen.ts');
    const streams = screen as unknown as { messages: unknown };
    const own = streams.messages;
    let said = '';
    streams.messages = { write: (text: string) => (said += text) };
    try {
      assert.equal(reportError(Object.assign(new Error('oops'), error)), code);
    } finally {
      streams.messages = own;
    }
    assert.match(said, says);
    assert.equal(fileTrouble(new Error('x')), undefined);
  });

test('a file in the place of the state directory is told by its name', async () => {
  writeFileSync('blocked.yaml', lab.replace('cluster: pglab', 'cluster: blocked'));
  writeFileSync('.hapg/blocked', 'a file');
  const { code, err } = await inProcess(['secrets', 'show', '-i', 'blocked.yaml']);
  assert.ok(code === 1 || code === 2, `${code} ${err}`);
  assert.match(err, /\.hapg\/blocked/);
  rmSync('.hapg/blocked');
});

test('what was seen last counts only as it was written, and a disk that cannot take it is no failure', () => {
  const file = join(cluster.stateDir, 'last-seen.json');
  remember(cluster, new Map([['db1', { facts: FACTS, observation: EMPTY } as Probed]]));
  assert.deepEqual(recall(cluster).facts.db1, JSON.parse(JSON.stringify(FACTS)));
  const written = readFileSync(file, 'utf8');
  for (const other of [
    '',
    'null',
    '5',
    '{',
    '{"facts":{},"observations":{}}',
    written.replace('trixie', 'bookwrm'),
    written.slice(0, -9),
  ]) {
    writeFileSync(file, other);
    assert.deepEqual(recall(cluster), { facts: {}, observations: {} }, other.slice(0, 40));
  }
  rmSync(file);
  mkdirSync(file);
  remember(cluster, new Map([['db1', { facts: FACTS, observation: EMPTY } as Probed]]));
  rmSync(file, { recursive: true });
});

test('lines of a journal that are no entries are left out', async () => {
  mkdirSync(join(cluster.stateDir, 'journal'), { recursive: true });
  const file = join(cluster.stateDir, 'journal', '20260101T000000-abcd.ndjson');
  writeFileSync(
    file,
    'null\n5\n"x"\n[]\n{"type":5}\n{"time":{},"type":"start"}\n{"time":"t","type":"start","by":{}}\n{"ti',
  );
  assert.deepEqual(readJournals(cluster)[0]!.entries, [{ time: 't', type: 'start', by: {} }]);
  assert.equal((await inProcess(['audit', '-i', 'lab.yaml'])).code, 0);
  rmSync(file);
});

test('the program is the same behind a link, and its exit code is that of the command', () => {
  const link = resolve('hapg-link');
  symlinkSync(CLI.at(-1)!, link);
  const ran = (words: string[]) => spawnSync(CLI[0]!, [link, ...words], { encoding: 'utf8' });
  assert.match(ran(['--version']).stdout, /^\d+\.\d+\.\d+\n$/);
  const refused = ran(['validate', '-i', 'nowhere.yaml']);
  assert.equal(refused.status, 5);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /^nowhere\.yaml: /);
});
