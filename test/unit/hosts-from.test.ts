import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hostsOf } from '../../src/inventory/ansible.ts';
import { readAnsible, readAnsibleList } from '../../src/inventory/ansible-forms.ts';
import { addHost } from '../../src/inventory/edit.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { readTerraform } from '../../src/inventory/terraform-outputs.ts';
import { inProcess } from '../support/in-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'hapg-hosts-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const inventory = (hosts: string): string => {
  const file = join(directory, 'cluster.yaml');
  writeFileSync(file, `cluster: cloud\nhosts:\n${hosts}`);
  return file;
};
const fromAnsible = (text: string) => hostsOf(readAnsible(text));
const terraform = (outputs: unknown) => writeFileSync(join(directory, 'terraform.json'), JSON.stringify(outputs));
const BY_OUTPUT = `  from: terraform.json
  outputs:
    database_ips: {prefix: pg, roles: [etcd, patroni, pgbouncer], ssh: {user: admin}}
    backup: {roles: [pgbackrest]}
`;

test('hosts come from what terraform output -json prints: lists of addresses and maps by name', () => {
  terraform({
    database_ips: { sensitive: false, type: ['tuple'], value: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] },
    backup: { value: { store: '10.0.0.9' } },
    other: { value: 7 },
  });
  const { cluster } = loadInventory(inventory(BY_OUTPUT));
  assert.deepEqual(
    cluster.hosts.map(({ name, address }) => `${name} ${address}`),
    ['pg1 10.0.0.1', 'pg2 10.0.0.2', 'pg3 10.0.0.3', 'store 10.0.0.9'],
  );
  assert.equal(cluster.hosts[0]!.ssh.user, 'admin');
  assert.ok(cluster.hosts[3]!.roles.has('pgbackrest'));
});

for (const [what, outputs, hosts, message] of [
  [
    'a file that is not there',
    undefined,
    BY_OUTPUT.replace('terraform.json', 'none.json'),
    /yaml:3:9: error: none\.json cannot be read: ENOENT/,
  ],
  ['a file of something else', { a: 1 }, BY_OUTPUT, /not what "terraform output -json" prints/],
  [
    'an output that is not there',
    { backup: { value: ['10.0.0.9'] } },
    BY_OUTPUT,
    /yaml:5:\d+: error: .* has no output database_ips/,
  ],
  [
    'two hosts of one name',
    { a: { value: ['10.0.0.1'] }, b: { value: ['10.0.0.2'] } },
    '  from: terraform.json\n  outputs: {a: {prefix: x, roles: [patroni]}, b: {prefix: x, roles: [etcd]}}\n',
    /two hosts would have the name x1/,
  ],
  [
    'a host that the schema refuses',
    { a: { value: ['10.0.0.1'] } },
    '  from: terraform.json\n  outputs: {a: {prefix: x, roles: [postgress]}}\n',
    /roles.*postgress/,
  ],
] as const)
  test(`${what} is refused with its place`, () => {
    if (outputs) terraform(outputs);
    assert.throws(() => loadInventory(inventory(hosts)), message);
  });

test('a host cannot be added where hosts come from Terraform', () => {
  assert.throws(
    () => addHost(`cluster: a\nhosts:\n${BY_OUTPUT}`, 'pg4', { address: '10.0.0.4', roles: ['patroni'] }),
    /the hosts come from terraform\.json: change them where that is made/,
  );
});

test('an Ansible inventory becomes hosts with roles by its groups', () => {
  const { hosts, unknown } = fromAnsible(`# the cluster
[etcd_cluster]
10.0.0.1
10.0.0.2
10.0.0.3

[balancers]
lb1.example.org ansible_host=10.0.0.5 ansible_port=2222

[master]
10.0.0.1 hostname=pg01 postgresql_exists=false

[replica]
10.0.0.2 ansible_user=admin
10.0.0.3

[postgres_cluster:children]
master
replica

[pgbackrest]
10.0.0.9 ansible_host="10.1.0.9"

[monitoring]
10.0.0.20

[tape_library]
10.0.0.21

[all:vars]
ansible_user=root
`);
  assert.deepEqual(hosts, [
    { name: 'db1', address: '10.0.0.1', roles: ['etcd', 'patroni'], ssh: { user: 'root' } },
    { name: 'db2', address: '10.0.0.2', roles: ['etcd', 'patroni'], ssh: { user: 'admin' } },
    { name: 'db3', address: '10.0.0.3', roles: ['etcd', 'patroni'], ssh: { user: 'root' } },
    { name: 'lb1', address: '10.0.0.5', roles: ['haproxy'], ssh: { user: 'root', port: 2222 } },
    { name: 'pgbackrest1', address: '10.0.0.9', roles: ['pgbackrest'], ssh: { user: 'root', host: '10.1.0.9' } },
    { name: 'monitoring1', address: '10.0.0.20', roles: ['monitoring'], ssh: { user: 'root' } },
  ]);
  assert.deepEqual(unknown, ['10.0.0.21']);
});

test('the old names of variables are understood, and the nearest of groups and host wins', () => {
  const { hosts } = fromAnsible(`[db]
a ansible_ssh_host=10.0.0.1
b ansible_ssh_host=10.0.0.2 ansible_ssh_user=own ansible_ssh_port=2200
[lb]
c ansible_host=10.0.0.3
[site:children]
db
lb
[db:vars]
ansible_user=databases
[site:vars]
ansible_user = site
ansible_port = "2222"
[all:vars]
ansible_user=all
postgresql_version=17
`);
  assert.deepEqual(
    hosts.map(({ name, address, ssh }) => ({ name, address, ...ssh })),
    [
      { name: 'a', address: '10.0.0.1', user: 'databases', port: 2222 },
      { name: 'b', address: '10.0.0.2', user: 'own', port: 2200 },
      { name: 'c', address: '10.0.0.3', user: 'site', port: 2222 },
    ],
  );
});

for (const [what, text, message] of [
  [
    'two hosts that would get one name',
    '[db]\ndb1.east.example.org\ndb1.west.example.org\n',
    /^Error: db1\.east\.example\.org and db1\.west\.example\.org would both be named db1/,
  ],
  [
    'a host whose name another one gets by its role',
    '[db]\ndb1 ansible_host=10.0.0.1\n10.0.0.2\n',
    /^Error: db1 and 10\.0\.0\.2 would both be named db1/,
  ],
  [
    'a jump host in arguments',
    `[db]\na\n[all:vars]\nansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p gate"'\n`,
    /^Error: a: ansible_ssh_common_args is not taken over: .*ssh\.jump/,
  ],
  ['a key', '[db]\na ansible_ssh_private_key_file=k\n', /^Error: a: ansible_ssh_private_key_file is not taken over/],
  ['a connection that is not SSH', '[db]\na ansible_connection=local\n', /hapg reaches hosts over SSH only/],
  ['a template', '[db]\na ansible_host={{address}}\n', /a template is not understood/],
  ['a port that is none', '[db]\na ansible_port=ssh\n', /^Error: a: ssh is no port/],
] as const)
  test(`of an Ansible inventory ${what} is refused by name`, () => {
    assert.throws(() => fromAnsible(text), message);
  });

test('without a group for etcd the database hosts vote; without database hosts nothing is made', () => {
  assert.deepEqual(fromAnsible('[patroni]\na ansible_host=10.0.0.1\n').hosts[0]!.roles, ['etcd', 'patroni']);
  assert.throws(() => fromAnsible('[web]\na ansible_host=10.0.0.1\n'), /no group looks like database hosts/);
});

test('the address in the network of the cluster and the way in are told apart', () => {
  const ways = (line: string) => fromAnsible(`[db]\n${line}\n`).hosts.map(({ address, ssh }) => [address, ssh?.host]);
  assert.deepEqual(ways('10.0.1.1 ansible_host=5.161.228.76'), [['10.0.1.1', '5.161.228.76']]);
  assert.deepEqual(ways('db1 ansible_host=5.161.228.76 private_ip=10.0.1.1'), [['10.0.1.1', '5.161.228.76']]);
  assert.deepEqual(ways('db1 ansible_host=db1.example.com bind_address=10.0.1.1'), [['10.0.1.1', 'db1.example.com']]);
  assert.deepEqual(ways('db1 ansible_host=10.0.1.1'), [['10.0.1.1', undefined]]);
  assert.deepEqual(ways('10.0.1.1'), [['10.0.1.1', undefined]]);
});

test('hosts come in every form that Ansible takes', () => {
  const seen = (text: string) =>
    fromAnsible(text).hosts.map(({ name, address, ssh }) =>
      [name, address, ssh?.user, ssh?.port].filter((one) => one !== undefined).join(' '),
    );
  assert.deepEqual(
    seen('a ansible_host=10.0.0.1 ansible_user=deploy ansible_port=2222\n[db]\na\n'),
    ['a 10.0.0.1 deploy 2222'],
    'named first, then in a group',
  );
  assert.deepEqual(seen('[db]\n10.0.0.1:2222\n[fd00::1]:23\n'), ['db1 10.0.0.1 2222', 'db2 fd00::1 23'], 'with a port');
  assert.deepEqual(
    seen('[db]\npg[01:03] ansible_user=me\n').map((one) => one.split(' ')[0]),
    ['pg01', 'pg02', 'pg03'],
  );
  assert.deepEqual(
    seen('[db]\npg-[a:c]\n').map((one) => one.split(' ')[0]),
    ['pg-a', 'pg-b', 'pg-c'],
  );
  assert.deepEqual(
    seen('[site.east]\nx\n[db:children]\nsite.west\n[site.west]\na ansible_host=10.0.0.1 # first\n'),
    ['a 10.0.0.1'],
    'a dot in a group, a comment',
  );
  assert.deepEqual(
    seen('[db]\na foo="b ansible_user=evil c" ansible_host=10.0.0.1\n'),
    ['a 10.0.0.1'],
    'what is quoted is one value',
  );
  assert.deepEqual(
    seen(
      'all:\n  vars: {ansible_user: all}\n  children:\n    db:\n      hosts:\n        a: {ansible_host: 10.0.0.1, ansible_port: 2222}\n        b:\n      vars: {ansible_user: db}\n',
    ),
    ['a 10.0.0.1 db 2222', 'b b db'],
    'YAML',
  );
  assert.throws(() => fromAnsible('[db]\na b c\n'), /line 2: "b" is no variable/);
  assert.throws(
    () => fromAnsible('[db]\na ansible_ssh_pass=x\n'),
    /ansible_ssh_pass is not taken over: hapg logs in with keys only/,
  );
});

test('what ansible-inventory lists is taken as it is', () => {
  const list = {
    _meta: {
      hostvars: {
        a: { ansible_host: '10.0.0.1', ansible_user: 'from group_vars' },
        b: { ansible_port: 22, tags: ['x'] },
      },
    },
    all: { children: ['ungrouped', 'db'] },
    db: { children: ['master'], hosts: ['b'] },
    master: { hosts: ['a'] },
  };
  const { hosts, groups } = readAnsibleList(JSON.stringify(list));
  assert.deepEqual(groups.get('db'), ['b', 'a']);
  assert.deepEqual(hosts.get('b'), { ansible_port: '22' });
  assert.equal(hostsOf({ hosts, groups }).hosts.find(({ name }) => name === 'a')!.ssh!.user, 'from group_vars');
});

const fromOutputs = (outputs: Record<string, unknown>) => {
  const values = Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, { sensitive: false, value }]),
  );
  const { inventory: groups, unused } = readTerraform(JSON.stringify(values));
  return { ...hostsOf(groups), unused };
};

test('outputs of Terraform become hosts with roles by the names of the outputs; what holds no addresses is named', () => {
  const { hosts, unknown, unused } = fromOutputs({
    database_private_ips: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    database_public_ips: ['203.0.113.1', '203.0.113.2', '203.0.113.3'],
    backup_ip: '10.0.0.9',
    haproxy_servers: { lb1: '10.0.0.5', lb2: '10.0.0.6' },
    bastion_ip: '203.0.113.9',
    vpc_id: 'vpc-1',
  });
  assert.deepEqual(
    hosts.map(({ name, address, roles, ssh }) => [name, address, roles.join('+'), ssh?.host ?? '']),
    [
      ['db1', '10.0.0.1', 'etcd+patroni', '203.0.113.1'],
      ['db2', '10.0.0.2', 'etcd+patroni', '203.0.113.2'],
      ['db3', '10.0.0.3', 'etcd+patroni', '203.0.113.3'],
      ['pgbackrest1', '10.0.0.9', 'pgbackrest', ''],
      ['lb1', '10.0.0.5', 'haproxy', ''],
      ['lb2', '10.0.0.6', 'haproxy', ''],
    ],
  );
  assert.deepEqual(unknown, ['203.0.113.9']);
  assert.deepEqual(unused, ['vpc_id']);
});

for (const [what, outputs, says] of [
  [
    'as many public addresses as private ones',
    { db_private_ips: ['10.0.0.1', '10.0.0.2'], db_public_ips: ['192.0.2.1'] },
    /db has 2 private addresses and 1 public/,
  ],
  [
    'one output for a subject',
    { db_ips: ['10.0.0.1'], db_private_ips: ['10.0.0.2'] },
    /would both be the addresses of db/,
  ],
  ['a database', { web_ips: ['10.0.0.1'] }, /no group looks like database hosts/],
] as const)
  test(`outputs of Terraform need ${what}`, () => {
    assert.throws(() => fromOutputs(outputs), says);
  });

test('a text that Terraform has not printed is refused', () => {
  for (const text of ['', '{', '[]', '{"a": 1}'])
    assert.throws(() => readTerraform(text), /not what "terraform output -json" prints/);
});

test('init --from-terraform writes an inventory, and says what it leaves out', async () => {
  const from = join(directory, 'outputs.json');
  writeFileSync(
    from,
    JSON.stringify({ db_ips: { value: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] }, region: { value: 'x' } }),
  );
  const made = join(directory, 'made.yaml');
  const { code, err } = await inProcess(['init', made, '--from-terraform', from, '--clients', '10.0.0.0/24']);
  assert.equal(code, 0, err);
  assert.match(err, /outputs\.json: region holds no addresses; it is left out/);
  assert.deepEqual(
    loadInventory(made).cluster.hosts.map(({ name, address }) => `${name} ${address}`),
    ['db1 10.0.0.1', 'db2 10.0.0.2', 'db3 10.0.0.3'],
  );
  const both = await inProcess(['init', join(directory, 'x.yaml'), '--from-terraform', from, '--from-ansible', 'y']);
  assert.deepEqual([both.code, /does not go with --from-ansible/.test(both.err)], [5, true]);
  const flags = await inProcess(['init', join(directory, 'x.yaml'), '--from-terraform', from, '--lab']);
  assert.match(flags.err, /--lab does not go with --from-terraform/);
});
