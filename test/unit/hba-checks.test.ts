import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hbaLines } from '../../roles/patroni/hba.ts';
import { parseHbaLine } from '../../src/inventory/hba.ts';
import { precedingLines } from '../../src/inventory/hba-checks.ts';
import { coversRecord } from '../../src/inventory/hba-order.ts';
import { loadInventory, parseInventory } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/model.ts';

const inventory = (hba: readonly string[], version = '17', more = '') =>
  `cluster: main
postgres:
  version: "${version}"
  hba: ${JSON.stringify(hba)}
${more}clients: [10.0.0.0/24]
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
  db2: {address: 10.0.0.2, roles: [etcd, patroni]}
  db3: {address: 10.0.0.3, roles: [etcd, patroni]}
`;

/** What is said of lines: the errors' text, or warnings about hba. */
function said(hba: readonly string[], version?: string, more?: string): string {
  try {
    return parseInventory(inventory(hba, version, more), 'i.yaml')
      .warnings.filter((text) => text.includes('hba:'))
      .join('\n');
  } catch (cause) {
    return (cause as Error).message;
  }
}

const ACCEPTED = [
  'hostssl all all 10.9.0.0/16 scram-sha-256',
  'hostssl all all 10.9.0.0/16 md5',
  'hostssl all all 10.9.0.0 255.255.0.0 scram-sha-256 # office',
  'hostssl all all fd00:1::/64 scram-sha-256 clientcert=verify-ca',
  'hostssl replication replicator 10.9.0.0/16 scram-sha-256',
  'hostssl "my app",sameuser +staff,/^x samenet cert map=x',
  'hostssl all all .example.com gss krb_realm=EXAMPLE.COM',
  'hostgssenc all all all gss',
  'hostssl all all 10.9.0.0/16 ldap ldapserver=x ldapbasedn=dc=x ldapbinddn=cn=a ldapbindpasswd=my-password',
  'hostssl all all 10.9.0.0/16 ldap ldapserver=x ldapbasedn=dc=x ldapbindpasswd=trust',
  'hostssl all all 10.9.0.0/16 pam pamservice=password',
  'hostssl all all 10.9.0.0/16 radius radiusservers=10.9.0.9 radiussecrets=ident',
  'hostssl trust password 10.9.0.0/16 scram-sha-256',
  'local all all peer',
  'local all app scram-sha-256',
  'host all all 10.9.0.0/16 reject',
  'hostnossl all all all reject',
  '# a comment',
  ' ',
];

for (const line of ACCEPTED) test(`accepted without a word: ${line}`, () => assert.equal(said([line]), ''));

const REFUSED: [line: string, says: RegExp, version?: string][] = [
  // whoever comes gets in
  ['hostssl all all 10.9.0.0/16 trust', /trust is refused: it lets in whoever comes/],
  ['hostssl all all 10.9.0.0/16 trust # monitoring', /trust is refused/],
  ['hostssl all all 10.9.0.0/16 trust#monitoring', /trust is refused/],
  ['hostssl all all 10.9.0.0/16 "trust"', /trust is refused/],
  ['hostssl all all 10.9.0.0/16 tr"us"t', /trust is refused/],
  ['hostssl all all 10.9.0.0 255.255.0.0 trust', /trust is refused/],
  ['hostssl all all 10.9.0.0/16 trust clientcert=verify-ca', /trust is refused: it lets in whoever/],
  ['hostssl all all 10.9.0.0/16 trust clientcert=verify-full', /trust is refused: write cert/],
  ['hostgssenc all all 10.9.0.0/16 trust', /trust is refused/],
  ['local all all trust', /trust is refused/],
  ['hostssl all all 10.9.0.0/16 trust map=x', /cannot read this line: the option map belongs to/],
  ['hostssl all all 10.9.0.0/16 TRUST', /cannot read this line: invalid authentication method/],
  ['hostssl all all 10.9.0.0/16 @method', /@method is refused: hapg does not know what that file/],
  ['@line', /@line is refused/],
  ['hostssl @databases all 10.9.0.0/16 md5', /@databases is refused/],
  ['include more.conf', /include more.conf is refused/],
  ['include_if_exists "more.conf"', /include_if_exists more.conf is refused/],
  ['include_dir conf.d', /include_dir conf.d is refused/],
  ['include more.conf', /cannot read this line: invalid connection type/, '15'],
  // whoever listens gets the password, or decides who it is
  ['hostssl all all 10.9.0.0/16 password', /password is refused: the password is sent in clear text/],
  ['local all all password', /password is refused/],
  ['hostssl all all 10.9.0.0/16 ident', /ident is refused: it believes what the client's own host says/],
  ['hostssl all all 10.9.0.0/16 ident map=x', /ident is refused/],
  ['local all all ident', /write peer/],
  ['host all all 10.9.0.0/16 scram-sha-256', /write hostssl/],
  ['hostnossl all all 10.9.0.0/16 scram-sha-256', /write hostssl/],
  ['hostnogssenc all all 10.9.0.0/16 scram-sha-256', /write hostssl/],
  ['"host" all all 10.9.0.0/16 scram-sha-256', /write hostssl/],
  // PostgreSQL cannot read it
  ['hostssl all all 10.9.0.0/33 scram-sha-256', /invalid CIDR mask/],
  ['hostssl all all 10.9.0.0/16 scram-sha256', /did you mean "scram-sha-256"/],
  ['hostssl all all scram-sha-256', /left out/],
  ['hostssl all all 10.9.0.0/16 scram-sha-256 \\', /backslash/],
  ['hostssl all all 10.9.0.0/16 oauth scope=a issuer=b', /oauth needs oauth_validator_libraries/, '18'],
  // PostgreSQL reads it as something else
  ['hostssl all all 10/8 scram-sha-256', /"10" is 0.0.0.10 to PostgreSQL/],
  ['hostssl all all 010.0.0.0/8 scram-sha-256', /"010.0.0.0" is 8.0.0.0 to PostgreSQL/],
  ['hostssl all all 10.0.0.0 8 scram-sha-256', /"8" is 0.0.0.8 to PostgreSQL/],
  ['hostssl all all 10.0.0.0 255.0.255.0 scram-sha-256', /no netmask/],
  ['hostssl all all 10.0.0.300 scram-sha-256', /is no IP address, and PostgreSQL would take it for the name of a host/],
  ['hostssl all all * scram-sha-256', /"\*" is neither an address nor the name of a host; every address is all/],
  ['hostssl /^app all all scram-sha-256', /regular expressions came with PostgreSQL 16/, '15'],
];

for (const [line, says, version] of REFUSED)
  test(`refused${version ? ` for PostgreSQL ${version}` : ''}: ${line}`, () => {
    const text = said([line], version);
    assert.match(text, /^i\.yaml:4:\d+: error: /);
    assert.match(text, says);
  });

const WARNED: [lines: string[], says: RegExp][] = [
  [['hostssl all all 10.9.0.5/16 scram-sha-256'], /10.9.0.5 with 16 bits stands for all of 10.9.0.0\/16/],
  [['hostssl all all fd00::5/64 scram-sha-256'], /fd00::5 with 64 bits stands for all of fd00::\/64/],
  [['hostssl "all" app 10.9.0.0/16 scram-sha-256'], /"all" in quotes is the name of a database/],
  [['hostssl app ALL 10.9.0.0/16 scram-sha-256'], /ALL is the name of a role to PostgreSQL; the keyword is all/],
  [['hostssl app app SameNet scram-sha-256'], /SameNet is the name of a host/],
  // another line decides
  [
    ['hostssl all bad 10.0.0.7/32 reject'],
    /no effect: hapg writes "hostssl all all 10.0.0.0\/24 scram-sha-256" before it/,
  ],
  [['hostssl all all 10.0.0.0/24 cert'], /no effect/],
  [
    ['hostssl all postgres 10.9.0.0/16 scram-sha-256'],
    /no effect: hapg writes "host all postgres,replicator,rewinder all reject"/,
  ],
  [['host all replicator all reject'], /no effect/],
  [['local all postgres scram-sha-256'], /no effect: hapg writes "local all postgres peer"/],
  [
    ['hostssl all all 10.9.0.0/16 scram-sha-256', 'hostssl app bad 10.9.1.1/32 reject'],
    /no effect: postgres.hba.0 comes first/,
  ],
];

for (const [lines, says] of WARNED)
  test(`a warning: ${lines.at(-1)}`, () => {
    const text = said(lines);
    assert.match(text, /^i\.yaml:4:\d+: warning: /);
    assert.match(text, says);
  });

test('oauth is accepted with a validator that PostgreSQL is told of', () => {
  const of = (library: string, options = '') =>
    said(
      [`hostssl all all 10.9.0.0/16 oauth scope=a issuer=b ${options}`],
      '18',
      `  parameters: {oauth_validator_libraries: "${library}"}\n`,
    );
  assert.equal(of('mine'), '');
  assert.equal(of('mine,other', 'validator=other'), '');
  assert.match(of('mine,other'), /needs validator=/);
  assert.match(of('mine', 'validator=other'), /"other" is not in oauth_validator_libraries/);
});

test('all that is wrong with a line is told', () => {
  assert.equal((said(['host all all 10/8 trust']).match(/: error: /g) ?? []).length, 3);
});

/** The example inventories as clusters; a copy's source lets it in. */
const directory = examplesDirectory();
const examples = new Map(readdirSync(directory).map((name) => [name, loadInventory(join(directory, name)).cluster]));

function examplesDirectory(): string {
  const made = mkdtempSync(join(tmpdir(), 'hapg-hba-'));
  after(() => rmSync(made, { recursive: true, force: true }));
  for (const name of readdirSync('inventory').filter((one) => one.endsWith('.yaml')))
    writeFileSync(
      join(made, name),
      readFileSync(`inventory/${name}`, 'utf8').replace(
        /^hosts:/m,
        name === 'multi-dc.yaml' ? 'standbys: {pgfar: [10.1.14.0/24]}\nhosts:' : 'hosts:',
      ),
    );
  return made;
}

/** The cluster with other settings of PostgreSQL. */
const withPostgres = (cluster: Cluster, postgres: Partial<Cluster['settings']['postgres']>): Cluster => ({
  ...cluster,
  settings: { ...cluster.settings, postgres: { ...cluster.settings.postgres, ...postgres } },
});

for (const [name, cluster] of examples) {
  test(`every line that hapg writes for ${name} is one that PostgreSQL reads, in every version`, () => {
    const lines = hbaLines(withPostgres(cluster, { version: '17', parameters: { sync_replication_slots: 'on' } }));
    for (const major of [15, 16, 17, 18])
      for (const line of lines) assert.equal(parseHbaLine(line, major).kind, 'record', line);
    for (const line of precedingLines(cluster.settings)) assert.ok(lines.includes(line), line);
  });

  test(`no line of postgres.hba takes anything from the cluster's own accounts in ${name}`, () => {
    const hba = ['local', 'host'].flatMap((type) =>
      ['all', 'replication', 'postgres'].map(
        (database) => `${type} ${database} all ${type === 'local' ? '' : 'all '}reject`,
      ),
    );
    const lines = hbaLines(withPostgres(cluster, { hba }));
    const decides = (line: string) => {
      const wanted = parseHbaLine(line, 17);
      return lines.find((other) => {
        const parsed = parseHbaLine(other, 17);
        return wanted.kind === 'record' && parsed.kind === 'record' && coversRecord(parsed, wanted);
      });
    };
    for (const line of hbaLines(cluster).filter((one) => !/reject$/.test(one)))
      assert.match(decides(line) ?? '', /(scram-sha-256|cert|peer)$/, line);
  });
}

const SYNCHRONIZES: [version: string, value: string | boolean | number | undefined, yes: boolean][] = [
  ['17', 'on', true],
  ['18', true, true],
  ['17', 1, true],
  ['17', 'TRUE', true],
  ['17', 'off', false],
  ['17', 'o', false],
  ['17', false, false],
  ['17', undefined, false],
  ['16', 'on', false],
];

for (const [version, value, yes] of SYNCHRONIZES)
  test(`standbys of PostgreSQL ${version} with sync_replication_slots ${value} ${yes ? 'log in' : 'have no line'} for their slots`, () => {
    const cluster = examples.get('multi-dc.yaml')!;
    const lines = hbaLines(
      withPostgres(cluster, { version, parameters: value === undefined ? {} : { sync_replication_slots: value } }),
    );
    const own = lines.filter((line) => line.startsWith('hostssl postgres replicator '));
    assert.equal(own.length, yes ? 7 : 0, 'six members and the network of a copy');
    const rejected = lines.findIndex((line) => /replicator.* reject$/.test(line));
    for (const line of own) assert.ok(lines.indexOf(line) < rejected, line);
  });
