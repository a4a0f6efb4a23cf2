import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { connectionOf } from '../../src/cluster/connect.ts';
import type { ConnectFormat } from '../../src/cluster/connect-choices.ts';
import { uri, writeConnections } from '../../src/cluster/connect-formats.ts';
import type { Connection } from '../../src/cluster/connection.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import { nobodysLab, ownController, withStore } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';

const { timing } = connectionOf(labCluster(), 'any')!;
const here = ownController();
const LAB = nobodysLab();
const PG =
  'postgres: {databases: [{name: app, owner: app}, {name: shop, owner: clerk}, {name: bare}], users: [{name: app}, {name: clerk}, {name: shut, connection_limit: 0}]}';
const withAccounts = (text: string) => `${text.replace(/^postgres:.*\n(?: +.*\n)*/m, '')}${PG}\n`;
writeFileSync('lab.yaml', withAccounts(LAB));
writeFileSync(
  'direct.yaml',
  `cluster: direct\nclients: [10.1.1.0/24]\nreplication: async\n${PG}\nhosts:\n${[1, 2, 3].map((n) => `  db${n}: {address: 10.1.1.${n}, roles: [etcd, patroni]}\n`).join('')}`,
);
const { store } = await withStore('lab.yaml');
const connect = (words: string, file = 'lab.yaml') =>
  inProcess(['connect', '-i', file, ...words.split(' ').filter(Boolean)]);

/** Two members without a balancer, one of them with an IPv6 address. */
const TWO: Connection = {
  ...{ role: 'any', database: 'app', user: 'app', authority: '/a b/ca.crt', balanced: false, spread: true },
  endpoints: [
    { host: '10.1.1.1', port: 5432 },
    { host: 'fd00::2', port: 5433 },
  ],
  timing,
};
const written = (format: ConnectFormat, password?: string, one = TWO) =>
  writeConnections(format, [one], { cluster: 'main', password, ca: 'PEM\n' });

test('plain connect prints the URI for writes first, without a password', async () => {
  const { code, out } = await connect('');
  assert.equal(code, 0);
  const [first, second, ...rest] = out.trimEnd().split('\n');
  assert.match(
    first!,
    /^postgresql:\/\/app@10\.1\.1\.100:5000\/app\?sslmode=verify-full&sslrootcert=\/etc\/hapg\/postgres-ca\.crt&connect_timeout=2&keepalives=1&keepalives_idle=2&keepalives_interval=1&keepalives_count=3&tcp_user_timeout=5000$/,
  );
  assert.match(second!, /^postgresql:\/\/app@10\.1\.1\.100:5001\/app\?/);
  assert.deepEqual(rest, []);
});

test('the JSON document keeps its URIs by role and tells what the first is made of', async () => {
  const { out } = await connect('-o json --database shop');
  const document = JSON.parse(out) as Record<string, string>;
  assert.deepEqual(Object.keys(document), ['primary', 'replica', 'uri', 'database', 'user', 'ca']);
  assert.equal(document.uri, document.primary);
  assert.deepEqual([document.database, document.user, document.ca], ['shop', 'clerk', '/etc/hapg/postgres-ca.crt']);
});

test('a user alone chooses the database that is its own, and any pair of the inventory can be named', async () => {
  assert.match((await connect('--user clerk --role primary')).out, /clerk@[^/]+\/shop\?/);
  assert.match((await connect('--user app --database shop --role primary')).out, /app@[^/]+\/shop\?/);
  assert.match((await connect('--database bare --role primary')).out, /app@[^/]+\/bare\?/);
});

for (const [words, says] of [
  ['--database ap', /--database ap: lab\.yaml has no such database; it has app, shop, bare \(did you mean "app"\?\)/],
  ['--user clrk', /--user clrk: lab\.yaml has no such user; it has app, clerk, shut \(did you mean "clerk"\?\)/],
  ['--user postgres', /has no such user/],
  ['--user shut', /connection_limit is 0/],
  ['--format pgpass', /--format pgpass .*--with-password/],
  ['--format xml', /'xml' is invalid/],
  ['--role leader', /--role leader: one of primary, replica, any/],
] as const)
  test(`a mistake is told before anything is read or written: connect ${words}`, async () => {
    const { code, err } = await connect(words);
    assert.equal(code, 5, err);
    assert.match(err, says);
  });

test('a URI of several members has all of them, and blanks as libpq reads them', () => {
  assert.match(
    uri(TWO, 'p/w:d'),
    /^postgresql:\/\/app:p%2Fw%3Ad@10\.1\.1\.1:5432,\[fd00::2\]:5433\/app\?.*sslrootcert=\/a%20b\/ca\.crt&.*target_session_attrs=prefer-standby&load_balance_hosts=random$/,
  );
});

test('a URL for JDBC has all members and what pgjdbc calls them', () => {
  const url = new URL(written('jdbc').slice('jdbc:'.length).replace('10.1.1.1:5432,', ''));
  assert.match(written('jdbc'), /^jdbc:postgresql:\/\/10\.1\.1\.1:5432,\[fd00::2\]:5433\/app\?/);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    user: 'app',
    sslmode: 'verify-full',
    sslrootcert: '/a b/ca.crt',
    connectTimeout: '2',
    tcpKeepAlive: 'true',
    targetServerType: 'preferSecondary',
    loadBalanceHosts: 'true',
  });
  assert.match(written('jdbc', 'geheim'), /[?&]password=geheim&/);
});

test('lines of the environment are words for sh, whatever is in them', () => {
  const script = `${written('env', "it's")}\nfor name in PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSSLMODE PGSSLROOTCERT PGCONNECT_TIMEOUT PGTARGETSESSIONATTRS; do eval "printf '%s\\n' \\"\\$$name\\""; done`;
  const said = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  assert.deepEqual(said, [
    '10.1.1.1,fd00::2',
    '5432,5433',
    'app',
    'app',
    "it's",
    'verify-full',
    '/a b/ca.crt',
    '2',
    'prefer-standby',
  ]);
  assert.match(written('env', undefined, { ...TWO, balanced: true }), /^PGTARGETSESSIONATTRS=any$/m);
});

test('a password file has a line for each endpoint, with colons and backslashes escaped', () => {
  assert.deepEqual(written('pgpass', 'a:b\\c').split('\n'), [
    '10.1.1.1:5432:app:app:a\\:b\\\\c',
    'fd00\\:\\:2:5433:app:app:a\\:b\\\\c',
  ]);
});

test('a service file has a section for each role, without quotes', () => {
  const text = writeConnections(
    'service',
    [
      { ...TWO, role: 'primary' },
      { ...TWO, role: 'replica' },
    ],
    {
      cluster: 'main',
      ca: '',
    },
  );
  assert.deepEqual(text.match(/^\[.*\]$/gm), ['[main]', '[main-replica]']);
  for (const line of ['host=10.1.1.1,fd00::2', 'port=5432,5433', 'dbname=app', 'sslrootcert=/a b/ca.crt'])
    assert.ok(text.split('\n').includes(line), line);
  assert.doesNotMatch(text, /password/);
});

test('a Secret for Kubernetes carries the certificate, and a password only on request', () => {
  const secret = (password?: string) =>
    parse(written('k8s-secret', password, { ...TWO, user: 'my_app' })) as {
      kind: string;
      metadata: { name: string };
      stringData: Record<string, string>;
    };
  assert.deepEqual([secret().kind, secret().metadata.name], ['Secret', 'main-any-my-app']);
  assert.equal(secret().stringData['ca.crt'], 'PEM\n');
  assert.deepEqual(Object.keys(secret().stringData).includes('password'), false);
  assert.equal(secret('0123').stringData.password, '0123');
  assert.match(secret('0123').stringData.uri!, /my_app:0123@/);
});

test('the password is printed on request, and never without', async () => {
  const password = store.userPassword('app').reveal();
  for (const format of ['uri', 'jdbc', 'env', 'service', 'k8s-secret', 'pgpass']) {
    const { out, err, code } = await connect(`--format ${format} --with-password`);
    assert.equal(code, 0, err);
    assert.ok(out.includes(password), format);
    if (format !== 'pgpass') assert.ok(!(await connect(`--format ${format}`)).out.includes(password), format);
  }
  const document = JSON.parse((await connect('-o json --with-password')).out) as { uri: string };
  assert.ok(document.uri.includes(`app:${password}@`));
});

test('a user whom no apply has made yet has no password', async () => {
  writeFileSync('more.yaml', readFileSync('lab.yaml', 'utf8').replace('{name: clerk}', '{name: clerk}, {name: late}'));
  const { code, err } = await connect('--user late --with-password', 'more.yaml');
  assert.equal(code, 1);
  assert.match(err, /has no password of user late yet/);
});

test('--ca-out writes the certificate for everybody to read, and what is printed names that file', async () => {
  const file = join(here, 'ca.crt');
  for (const _again of [1, 2]) {
    const { out, code, err } = await connect('--ca-out ca.crt -o json');
    assert.equal(code, 0, err);
    const document = JSON.parse(out) as { uri: string; ca: string };
    assert.equal(document.ca, file);
    assert.ok(document.uri.includes(`sslrootcert=${file}&`));
    assert.equal(readFileSync(file, 'utf8'), store.trusted('postgres'));
    assert.equal(statSync(file).mode & 0o777, 0o644);
  }
});

test('--ca-out replaces a former certificate of this cluster, and no other file', async () => {
  const former = (await createAuthority('pglab', 'postgres')).certificate;
  const others = {
    'notes.txt': 'my notes\n',
    'other.crt': (await createAuthority('other', 'postgres')).certificate,
    'etcd.crt': (await createAuthority('pglab', 'etcd')).certificate,
    'mixed.pem': `${former}my notes\n`,
    'empty.crt': '',
  };
  writeFileSync('former.crt', former);
  chmodSync('former.crt', 0o600);
  assert.equal((await connect('--ca-out former.crt')).code, 0);
  assert.equal(readFileSync('former.crt', 'utf8'), store.trusted('postgres'));
  assert.equal(statSync('former.crt').mode & 0o777, 0o644);
  for (const [name, text] of Object.entries(others)) {
    writeFileSync(name, text);
    const { code, err } = await connect(`--ca-out ${name}`);
    assert.equal(code, 1, name);
    assert.match(err, /is there already, and is no CA certificate of pglab/);
    assert.equal(readFileSync(name, 'utf8'), text);
  }
});

test('without a balancer the client chooses the member', async () => {
  const [write, read] = (await connect('', 'direct.yaml')).out.trimEnd().split('\n');
  assert.match(write!, /@10\.1\.1\.1:5432,10\.1\.1\.2:5432,10\.1\.1\.3:5432\/app\?.*target_session_attrs=primary$/);
  assert.match(read!, /target_session_attrs=standby&load_balance_hosts=random$/);
  assert.match(
    (await connect('--format jdbc --role replica', 'direct.yaml')).out,
    /targetServerType=secondary&loadBalanceHosts=true/,
  );
});
