import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';

const GOOD = `cluster: main
ssh:
  user: root
  port: 22
postgres:
  version: "17"
  port: 5432
  parameters: {max_connections: 100}
  databases: [{name: app, owner: app}]
  users: [{name: app}]
replication: sync
rto: fast
clients: [10.0.0.0/24]
vip: {address: 10.0.0.100/24, interface: eth0, router_id: 51}
patroni: {port: 8008}
etcd: {client_port: 2379}
haproxy: {ports: {primary: 5000, replica: 5001}}
pgbackrest: {port: 8432}
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
  db2: {address: 10.0.0.2, roles: [etcd, patroni]}
  db3: {address: 10.0.0.3, roles: [etcd, patroni]}
  backup: {address: 10.0.0.4, roles: [pgbackrest]}
  proxy1: {address: 10.0.0.5, roles: [haproxy, keepalived]}
  proxy2: {address: 10.0.0.6, roles: [haproxy, keepalived]}
`;

/** What is wrong, what is written instead (‸ marks the place that the error must point at), what the error must say. */
type Bad = [what: string, from: string, to: string, says: RegExp];

const BAD: Bad[] = [
  // syntax
  ['an unclosed bracket', 'clients: [10.0.0.0/24]\n', 'clients: [10.0.0.0/24\n‸', /the "\[" of line 13 is not closed/],
  [
    'a key given twice',
    'rto: fast',
    'rto: fast\n‸rto: norm',
    /the key rto is given twice: it stands in line 12 already/,
  ],
  ['a brace lost at the beginning', 'db1: {address', 'db1: ‸address', /a "\{" is missing here: \{address: 10\.0\.0\.1/],
  ['a host given twice', '  db2: {', '  ‸db1: {', /the host db1 is given twice: it stands in line 20 already/],
  // types
  [
    'a single value for a list',
    'clients: [10.0.0.0/24]',
    'clients: ‸10.0.0.0/24',
    /a list is needed: clients: \[10\.0\.0\.0\/24\]/,
  ],
  ['a single role', 'roles: [pgbackrest]', 'roles: ‸pgbackrest', /a list is needed: roles: \[pgbackrest\]/],
  [
    'a number for a map',
    '{port: 8432}',
    '{port: 8432, retention: ‸14}',
    /a mapping is needed, such as retention: \{full: 14\}/,
  ],
  [
    'a number with a unit',
    '{port: 8008}',
    '{port: 8008, loop_wait: ‸30s}',
    /a number without a unit is needed: loop_wait: 30/,
  ],
  ['a key that every object has', 'rto: fast', 'rto: fast\n‸constructor: 1', /unknown key "constructor"/],
  // words of elsewhere
  [
    'a password of a user',
    'users: [{name: app}]',
    'users: [{name: app, password: ‸x}]',
    /hapg makes one for each user/,
  ],
  [
    'a role in another word',
    '[etcd, patroni]}\n  db2',
    '[etcd, ‸replica]}\n  db2',
    /there is no role "replica": hapg calls it patroni, and Patroni decides/,
  ],
  ['an owner misspelt', 'owner: app', 'owner: ‸ap', /owner ap is not among postgres\.users \(did you mean "app"\?\)/],
  ['a word with an ending', 'replication: sync', 'replication: ‸synchronous', /did you mean "sync"/],
  // schedules
  [
    'a schedule of cron',
    '{port: 8432}',
    '{port: 8432, schedule: {full: ‸0 3 * * 0}}',
    /"0 3 \* \* 0" is of cron; systemd's form is "Sun 03:00"/,
  ],
  [
    'a day misspelt',
    '{port: 8432}',
    '{port: 8432, schedule: {full: ‸Sunn 03:00}}',
    /Sunn is no day of the week \(did you mean "Sun"\?\)/,
  ],
  ['an hour that is none', '{port: 8432}', '{port: 8432, schedule: {full: ‸"Sun 25:00"}}', /hours end at 23/],
  // keys
  ['an unknown top-level key', 'rto: fast', '‸rtoo: fast', /unknown key "rtoo" \(did you mean "rto"\?\)/],
  ['an unknown key of ssh', '  user: root', '  ‸usr: root', /did you mean "user"/],
  ['an unknown key of postgres', '  port: 5432', '  ‸prot: 5432', /did you mean "port"/],
  [
    'an unknown key of a host',
    '{address: 10.0.0.1,',
    '{address: 10.0.0.1, ‸adress: 10.0.0.1,',
    /did you mean "address"/,
  ],
  ['an unknown key of vip', 'router_id: 51', 'router_id: 51, ‸priority: 1', /unknown key "priority"/],
  ['an unknown balancer port', '{primary: 5000,', '{primary: 5000, ‸primry: 1,', /did you mean "primary"/],
  ['an unknown patroni setting', '{port: 8008}', '{port: 8008, ‸loop_wit: 5}', /did you mean "loop_wait"/],
  [
    'a repository of an unknown kind',
    '{port: 8432}',
    '{port: 8432, repositories: [{kind: ‸tape}]}',
    /host, directory or s3|kind/,
  ],
  ['an unknown DCS', 'rto: fast', 'rto: fast\ndcs: ‸raft', /one of etcd, zookeeper, or \{kind, external/],
  [
    'ZooKeeper wanted, etcd on the hosts',
    'rto: fast',
    'rto: fast\ndcs: zookeeper',
    /the role etcd goes with dcs: etcd, and this cluster has dcs: zookeeper/,
  ],
  [
    'a DCS of somebody else, and members of our own',
    'rto: fast',
    'rto: fast\ndcs: {kind: etcd, external: ["10.0.0.9:2379"]}',
    /the role etcd makes a DCS of this cluster's own/,
  ],
  [
    'a DCS elsewhere without a port',
    'rto: fast',
    'rto: fast\ndcs: {kind: consul, external: [‸consul.example.com]}',
    /expected HOST:PORT/,
  ],
  [
    'an extension named twice',
    'parameters: {max_connections: 100}',
    'extensions: [pgaudit, ‸{name: pgaudit}]',
    /pgaudit is named twice/,
  ],
  [
    'an extension with an unknown key',
    'parameters: {max_connections: 100}',
    'extensions: [{name: pgaudit, ‸libraries: pgaudit}]',
    /unknown key "libraries"|\{name, packages, preload\}/,
  ],
  [
    'Citus without its extension',
    'patroni: {port: 8008}',
    'patroni: {port: 8008, ‸citus: {group: 0, database: app}}',
    /postgres.extensions has no citus/,
  ],
  [
    'a package source without a signing key',
    'rto: fast',
    'rto: fast\napt: {repositories: [‸{name: vendor, uri: "https://packages.example.com"}]}',
    /repositories\.0\.key is missing/,
  ],
  [
    'a bucket without an endpoint',
    '{port: 8432}',
    '{port: 8432, repositories: [‸{kind: s3, bucket: abc}]}',
    /endpoint is missing/,
  ],
  [
    'two repositories on the backup host',
    '{port: 8432}',
    '{port: 8432, repositories: [{kind: host}, ‸{kind: host}]}',
    /one repository of the kind host/,
  ],
  [
    'a drill on a host that has no backups',
    '{port: 8432}',
    '{port: 8432, drill: {host: ‸proxy1}}',
    /proxy1 is no host with the role pgbackrest or patroni/,
  ],
  ['a bandwidth that is none', '{port: 8432}', '{port: 8432, read_bandwidth: ‸fast}', /bytes a second, such as 50M/],
  ['a missing cluster name', 'cluster: main\n', '‸', /cluster is missing/],
  ['no hosts at all', GOOD.slice(GOOD.indexOf('hosts:')), '‸hosts: {}\n', /no hosts/],
  [
    'a host without address',
    '{address: 10.0.0.4, roles: [pgbackrest]}',
    '{roles: [pgbackrest]}',
    /hosts.backup.address is missing/,
  ],
  [
    'a host without roles',
    '{address: 10.0.0.4, roles: [pgbackrest]}',
    '{address: 10.0.0.4}',
    /hosts.backup.roles is missing/,
  ],
  ['a host with an empty list of roles', 'roles: [pgbackrest]', 'roles: ‸[]', /needs a role/],
  // types and traps of YAML
  [
    'a version with a minor number',
    '"17"',
    '‸16.10',
    /a minor release \(read as the number 16\.1\) .* is enough: version: "16"/,
  ],
  ['a version that is not supported', '"17"', '‸"9.6"', /hapg knows PostgreSQL 15 to 18, and this is "9\.6"/],
  ['yes for a boolean', 'rto: fast', 'hardening: ‸yes\nrto: fast', /yes is a text in YAML 1.2; write true or false/],
  [
    'no for a boolean that may be more',
    'rto: fast',
    'ufw: ‸no\nrto: fast',
    /no is a text in YAML 1.2; write true or false/,
  ],
  [
    'a merge key',
    'rto: fast',
    'rto: fast\npgbouncer: &shared {}\nzookeeper: {‸<<: *shared}',
    /merge keys \(<<\) are no part of YAML 1\.2/,
  ],
  ['an octal port', '  port: 5432', '  port: ‸0x1ffff', /port/],
  ['a port out of range', '  port: 5432', '  port: ‸70000', /port number/],
  ['a port as text', '  port: 5432', '  port: ‸"5432"', /port number/],
  ['a negative port', '  port: 5432', '  port: ‸-1', /port number/],
  ['an address as a number', 'address: 10.0.0.1,', 'address: ‸10.0,', /IP address/],
  ['a cluster name as a number', 'cluster: main', 'cluster: ‸17', /quotes/],
  ['a list where a mapping belongs', 'patroni: {port: 8008}', 'patroni: ‸[8008]', /patroni/],
  ['a text where a list belongs', 'clients: [10.0.0.0/24]', 'clients: ‸10.0.0.0/24', /clients/],
  // values
  ['an upper-case cluster name', 'cluster: main', 'cluster: ‸Main', /starts with a letter/],
  ['a shell metacharacter in the cluster name', 'cluster: main', 'cluster: ‸"a;reboot"', /cluster name/],
  ['a host name with an underscore', '  db1:', '  ‸db_1:', /lower-case letters, digits and inner dashes/],
  [
    'an address with a prefix length',
    'address: 10.0.0.1,',
    'address: ‸10.0.0.1/24,',
    /10\.0\.0\.1\/24 has a prefix length: write 10\.0\.0\.1/,
  ],
  [
    'an address out of range',
    'address: 10.0.0.1,',
    'address: ‸10.0.0.256,',
    /10\.0\.0\.256 is no IP address: 256 is more than 255/,
  ],
  [
    'a host name as address',
    'address: 10.0.0.1,',
    'address: ‸db1.example,',
    /db1\.example is a name, .*ssh: \{host: db1\.example\}/,
  ],
  ['an unknown role', 'roles: [pgbackrest]', 'roles: [‸pgbackrset]', /did you mean "pgbackrest"/],
  ['an unknown replication mode', 'replication: sync', 'replication: ‸synchronous', /not one of sync, quorum, async/],
  ['an unknown rto', 'rto: fast', 'rto: ‸quick', /not one of fast, norm, wide/],
  ['a client network without prefix', 'clients: [10.0.0.0/24]', 'clients: [‸10.0.0.0]', /CIDR/],
  ['a router id that is too large', 'router_id: 51', 'router_id: ‸256', /1 to 255/],
  ['a router id of zero', 'router_id: 51', 'router_id: ‸0', /1 to 255/],
  ['a VIP without prefix', '10.0.0.100/24', '‸10.0.0.100', /CIDR/],
  ['a login name with a space', '  user: root', '  user: ‸"a b"', /login name/],
  ['a schedule that is none', 'pgbackrest: {port: 8432}', 'pgbackrest: {schedule: {full: ‸"daily; rm"}}', /calendar/],
  ['a retention of zero', 'pgbackrest: {port: 8432}', 'pgbackrest: {retention: {full: ‸0}}', />=1/],
  [
    'a retention that counts backups and days at once',
    'pgbackrest: {port: 8432}',
    'pgbackrest: {retention: {full: 4, ‸days: 30}}',
    /full is a number of backups and days is an age: write one of them/,
  ],
  ['a relative repository path', 'pgbackrest: {port: 8432}', 'pgbackrest: {path: ‸backup}', /absolute path/],
  ['a database name with a quote', '{name: app, owner: app}', '{name: ‸"a\'b", owner: app}', /lower-case letters/],
  ['an age recipient that is none', 'rto: fast', 'secrets: {recipients: [‸ssh-ed25519]}\nrto: fast', /age1/],
  ['a retry_timeout below the minimum', '{port: 8008}', '{retry_timeout: ‸2}', /at least 3/],
  ['a ttl below the minimum', '{port: 8008}', '{ttl: ‸10}', /at least 20/],
  [
    'a tag that is text',
    'db1: {address: 10.0.0.1,',
    'db1: {address: 10.0.0.1, tags: {nofailover: ‸yes},',
    /write true or false/,
  ],
  ['a network that is cut short', 'clients: [10.0.0.0/24]', 'clients: [‸10/8]', /not a network in CIDR form/],
  ['a network with an octal number', 'clients: [10.0.0.0/24]', 'clients: [‸010.0.0.0/8]', /not a network in CIDR form/],
  ['a network with a zone', 'clients: [10.0.0.0/24]', 'clients: [‸"fe80::1%eth0/64"]', /not a network in CIDR form/],
  // cross-checks
  ['the same address twice', 'address: 10.0.0.2,', 'address: ‸10.0.0.1,', /already used by db1/],
  ['two address families', 'address: 10.0.0.2,', 'address: ‸"fd00::2",', /another address family/],
  ['the VIP on a host', '10.0.0.100/24', '‸10.0.0.5/24', /is the address of host proxy1/],
  ['the VIP outside the network', '10.0.0.100/24', '‸10.9.0.100/24', /not in the network of proxy1/],
  ['a VIP with a host prefix', '10.0.0.100/24', '‸10.0.0.100/32', /prefix length of the VIP/],
  [
    'keepalived without haproxy',
    'proxy1: {address: 10.0.0.5, roles: [haproxy, keepalived]}',
    'proxy1: {address: 10.0.0.5, roles: ‸[keepalived]}',
    /no haproxy to watch/,
  ],
  [
    'keepalived without a VIP',
    'vip: {address: 10.0.0.100/24, interface: eth0, router_id: 51}\n',
    '',
    /keepalived needs a top-level vip/,
  ],
  [
    'loop_wait and retry_timeout above ttl',
    '{port: 8008}',
    '{ttl: 20, loop_wait: ‸10, retry_timeout: 10}',
    /must not exceed ttl/,
  ],
  [
    'an election timeout too near the heartbeat',
    '{client_port: 2379}',
    '{heartbeat_ms: 500, election_ms: ‸1000}',
    /at least 5 times/,
  ],
  [
    'ports that collide on a database host',
    '{port: 8008}',
    '{port: ‸5432}',
    /port 5432 of Patroni collides with PostgreSQL on db1/,
  ],
  [
    'two hosts that watch',
    '  proxy1: {address: 10.0.0.5, roles: [haproxy, keepalived]}\n  proxy2: {address: 10.0.0.6, roles: [haproxy, keepalived]}',
    '  proxy1: {address: 10.0.0.5, roles: [haproxy, keepalived, monitoring]}\n  proxy2: {address: 10.0.0.6, roles: [haproxy, keepalived, ‸monitoring]}',
    /Prometheus is already on proxy1/,
  ],
  [
    'a Prometheus of others beside the own one',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring:\n  ‸external: {from: [10.9.0.0/24]}\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /mon has the role monitoring: keep one of them/,
  ],
  [
    'settings of a monitoring that nobody does',
    'pgbackrest: {port: 8432}',
    'pgbackrest: {port: 8432}\n‸monitoring: {retention: {time: 30d}}',
    /nobody would read the metrics: give a host the role monitoring/,
  ],
  [
    'a retention that is no time',
    'pgbackrest: {port: 8432}',
    'pgbackrest: {port: 8432}\nmonitoring: {retention: {time: ‸fortnight}}',
    /a number of hours, days, weeks or years, such as 12h or 15d/,
  ],
  [
    'a retention of nothing',
    'pgbackrest: {port: 8432}',
    'pgbackrest: {port: 8432}\nmonitoring: {retention: {size: ‸0GB}}',
    /a number of MB, GB or TB, such as 5GB/,
  ],
  [
    'a pace that alerts cannot keep',
    'pgbackrest: {port: 8432}',
    'pgbackrest: {port: 8432}\nmonitoring: {scrape_interval: ‸5m}',
    /from 5s to 60s/,
  ],
  [
    'a route to nobody',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring:\n  alerts:\n    receivers: [{name: ops, webhook: secret}]\n    routes: [{severity: critical, receiver: ‸oncall}]\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /there is no receiver oncall: there are ops/,
  ],
  [
    'a receiver that is told in no way',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring: {alerts: {receivers: [‸{name: ops}]}}\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /ops is told in no way/,
  ],
  [
    'several receivers, and no word on who gets the rest',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring:\n  alerts:\n    ‸receivers: [{name: ops, webhook: secret}, {name: dev, webhook: secret}]\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /say who gets the alerts without a route: monitoring\.alerts\.default, one of ops, dev/,
  ],
  [
    'a mail server without a port',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring:\n  alerts:\n    receivers: [{name: ops, email: {to: a@b.c, from: a@b.c, smarthost: ‸mail.b.c}}]\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /expected HOST:PORT/,
  ],
  [
    'a port that an exporter has on the loopback address',
    'haproxy: {ports: {primary: 5000, replica: 5001}}\npgbackrest: {port: 8432}\nhosts:\n',
    'haproxy: {ports: {primary: ‸9100, replica: 5001}}\npgbackrest: {port: 8432}\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /port 9100 of HAProxy primary collides with the exporter node on proxy1/,
  ],
  [
    'a port of the metrics that is taken',
    'pgbackrest: {port: 8432}\nhosts:\n',
    'pgbackrest: {port: 8432}\nmonitoring: {port: ‸5432}\nhosts:\n  mon: {address: 10.0.0.9, roles: [monitoring]}\n',
    /port 5432 of the exporters collides with PostgreSQL on db1/,
  ],
  ['ports that collide on a balancer', 'replica: 5001', 'replica: ‸5000', /collides with HAProxy primary on proxy1/],
  [
    'two repository hosts',
    'proxy2: {address: 10.0.0.6, roles: [haproxy, keepalived]}',
    'proxy2: {address: 10.0.0.6, roles: ‸[haproxy, keepalived, pgbackrest]}',
    /already on backup/,
  ],
  [
    'the repository on a database host',
    'roles: [pgbackrest]',
    'roles: ‸[pgbackrest, patroni]',
    /lost together with it/,
  ],
  [
    'tags on a host without PostgreSQL',
    'backup: {address: 10.0.0.4,',
    'backup: {address: 10.0.0.4, ‸tags: {nosync: true},',
    /role patroni/,
  ],
  [
    'a role named twice',
    'db1: {address: 10.0.0.1, roles: [etcd, patroni]}',
    'db1: {address: 10.0.0.1, roles: [etcd, patroni, ‸etcd]}',
    /named twice/,
  ],
  ['a setting that is owned', '{max_connections: 100}', '{‸archive_command: "true"}', /cannot be set here/],
  ['a wal_level that breaks replicas', '{max_connections: 100}', '{wal_level: ‸minimal}', /replica or logical/],
  ['an owner that is no user', 'owner: app}', 'owner: ‸web}', /not among postgres.users/],
  ['a reserved user', 'users: [{name: app}]', 'users: [{name: app}, {name: ‸postgres}]', /reserved/],
  ['a user named twice', 'users: [{name: app}]', 'users: [{name: app}, {name: ‸app}]', /named twice/],
  [
    'an hba line with trust',
    '  users: [{name: app}]',
    '  users: [{name: app}]\n  hba: ["hostssl all all 10.0.0.0/24 ‸trust"]',
    /trust is refused/,
  ],
  [
    'an hba line without TLS',
    '  users: [{name: app}]',
    '  users: [{name: app}]\n  hba: ["‸host all all 10.0.0.0/24 scram-sha-256"]',
    /write hostssl/,
  ],
  [
    'an hba line that PostgreSQL cannot read, behind escaped quotes',
    '  users: [{name: app}]',
    '  users: [{name: app}]\n  hba: ["hostssl \\"my app\\" all ‸10.0.0.0/33 scram-sha-256"]',
    /invalid CIDR mask/,
  ],
  [
    'an hba line that PostgreSQL cannot read, in single quotes',
    '  users: [{name: app}]',
    "  users: [{name: app}]\n  hba: ['hostssl /it''s all ‸10.0.0.0/33 scram-sha-256']",
    /invalid CIDR mask/,
  ],
  [
    'an hba line that PostgreSQL cannot read, without quotes',
    '  users: [{name: app}]',
    '  users: [{name: app}]\n  hba:\n    - hostssl all all all md5\n    - hostssl all all ‸10.0.0.0/33 scram-sha-256',
    /invalid CIDR mask/,
  ],
  ['more synchronous standbys than replicas', '{port: 8008}', '{synchronous_node_count: ‸3}', /at most 2/],
  [
    'a host that is its own jump host',
    'db1: {address: 10.0.0.1,',
    'db1: {address: 10.0.0.1, ssh: {jump: ‸db1},',
    /own jump host/,
  ],
  [
    'replicatefrom an unknown host',
    'db1: {address: 10.0.0.1,',
    'db1: {address: 10.0.0.1, tags: {replicatefrom: ‸db9},',
    /no other database host/,
  ],
];

test('the good inventory is accepted', () => {
  assert.equal(parseInventory(GOOD, 'good.yaml').cluster.hosts.length, 6);
});

for (const [what, from, to, says] of BAD)
  test(`refuses ${what}`, () => {
    assert.ok(GOOD.includes(from), `the table replaces what is there: ${from}`);
    const marked = GOOD.replace(from, () => to);
    const at = marked.indexOf('‸');
    const text = marked.replace('‸', '');
    assert.throws(
      () => parseInventory(text, 'bad.yaml'),
      (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.equal(error.exitCode, 5);
        assert.match(error.message, says);
        if (at < 0) return true;
        const before = marked.slice(0, at).split('\n');
        assert.match(
          error.message,
          new RegExp(`^bad\\.yaml:${before.length}:${before.at(-1)!.length + 1}: error: `, 'm'),
          error.message,
        );
        assert.match(error.message, /^ +\| +\^$|^ +\| \^$/m, 'the caret is drawn');
        return true;
      },
    );
  });

test('all problems of an inventory are told at once', () => {
  const text = GOOD.replace('rto: fast', 'rto: quick')
    .replace('10.0.0.2,', '10.0.0.1,')
    .replace('router_id: 51', 'router_id: 0');
  assert.throws(
    () => parseInventory(text, 'bad.yaml'),
    (error: unknown) => ((error as Error).message.match(/: error: /g) ?? []).length === 2,
  );
});

test('an even number of etcd members is a warning', () => {
  const { warnings } = parseInventory(
    GOOD.replace('db3: {address: 10.0.0.3, roles: [etcd, patroni]}', 'db3: {address: 10.0.0.3, roles: [patroni]}'),
    'w.yaml',
  );
  assert.match(warnings.join('\n'), /2 members of etcd survive no more failures than 1/);
});

test('IPv6 inventories are accepted', () => {
  const text = GOOD.replaceAll(/10\.0\.0\.(\d+)(?=,)/g, '"fd00::$1"')
    .replace('10.0.0.100/24', '"fd00::100/64"')
    .replace('10.0.0.0/24', '"fd00::/64"');
  assert.equal(parseInventory(text, 'v6.yaml').cluster.vip?.address, 'fd00::100');
});
