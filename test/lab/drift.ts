import assert from 'node:assert/strict';
import { expiringCertificate } from '../support/expiring.ts';
import { test } from '../support/group.ts';
import { leaderOf, report, set, type TestLab, Writer } from '../support/lab.ts';
import { milliseconds } from '../support/time.ts';

/** A change on a host without hapg, and everything that plan may then show: `step action`, on that host. */
type Drift = [
  what: string,
  host: string,
  script: string | ((lab: TestLab, host: string) => Promise<string>),
  changes: string[],
];

const DRIFTS: Drift[] = [
  [
    'a file was edited',
    'proxy1',
    'echo "# drift" >> /etc/haproxy/haproxy.cfg',
    ['file /etc/haproxy/haproxy.cfg update', 'reload haproxy.service reload'],
  ],
  ['a file was deleted', 'client', 'rm /etc/hapg/postgres-ca.crt', ['file /etc/hapg/postgres-ca.crt create']],
  [
    'a secret file is readable by others',
    'backup',
    'chmod 0644 /etc/pgbackrest/pgbackrest.conf',
    ['file /etc/pgbackrest/pgbackrest.conf update', 'reload pgbackrest.service reload'],
  ],
  [
    'a file has another owner',
    'db3',
    'chown root:root /etc/patroni/config.yml',
    ['file /etc/patroni/config.yml update', 'reload patroni.service reload'],
  ],
  [
    'a directory stands where a file belongs',
    'client',
    'rm /root/.pgpass; mkdir /root/.pgpass',
    ['file /root/.pgpass update'],
  ],
  [
    'a symbolic link stands where a file belongs',
    'client',
    'mv /etc/issue /etc/issue.real; ln -s issue.real /etc/issue',
    ['file /etc/issue update'],
  ],
  [
    'a directory has another mode',
    'backup',
    'chmod 0777 /var/lib/pgbackrest',
    ['directory /var/lib/pgbackrest update'],
  ],
  ['a unit was stopped', 'proxy2', 'systemctl stop keepalived', ['unit keepalived.service create']],
  ['a unit was disabled', 'backup', 'systemctl disable -q pgbackrest', ['unit pgbackrest.service update']],
  [
    'a unit was masked',
    'backup',
    'systemctl stop pgbackrest-diff.timer; mv /etc/systemd/system/pgbackrest-diff.timer /root/; ln -s /dev/null /etc/systemd/system/pgbackrest-diff.timer; systemctl daemon-reload',
    ['file /etc/systemd/system/pgbackrest-diff.timer update', 'unit pgbackrest-diff.timer create'],
  ],
  [
    'a unit has failed',
    'backup',
    'systemctl kill -s SEGV pgbackrest; sleep 1; systemctl stop pgbackrest; mv /etc/pgbackrest/pki /root/pki; systemctl start pgbackrest; sleep 1; mv /root/pki /etc/pgbackrest/pki',
    ['unit pgbackrest.service create'],
  ],
  [
    'a drop-in of a unit was edited',
    'proxy2',
    'echo "# drift" >> /etc/systemd/system/haproxy.service.d/hapg.conf',
    ['file /etc/systemd/system/haproxy.service.d/hapg.conf update', 'unit haproxy.service update'],
  ],
  [
    'a timer is off',
    'backup',
    'systemctl disable -q --now pgbackrest-full.timer',
    ['unit pgbackrest-full.timer create'],
  ],
  [
    'a package was removed',
    'client',
    'DEBIAN_FRONTEND=noninteractive apt-get -q -y remove needrestart',
    ['packages hardening update'],
  ],
  [
    'a package was removed and held',
    'client',
    'DEBIAN_FRONTEND=noninteractive apt-get -q -y remove debsums; apt-mark hold debsums',
    ['packages hardening update'],
  ],
  [
    'a package is half configured',
    'proxy2',
    'cd /tmp && apt-get -q update >/dev/null && apt-get -q download debsums && dpkg --unpack debsums_*.deb',
    ['packages hardening update'],
  ],
  [
    'a firewall rule is missing',
    'db3',
    "ufw --force delete $(ufw status numbered | grep 8008 | head -n 1 | sed 's/^\\[ *\\([0-9]*\\)\\].*/\\1/')",
    ['firewall ufw update'],
  ],
  ['the firewall is off', 'proxy2', 'ufw disable', ['firewall ufw create']],
  [
    'sshd was set otherwise',
    'client',
    'echo "PermitRootLogin yes" >> /etc/ssh/sshd_config.d/10-hapg.conf',
    ['file /etc/ssh/sshd_config.d/10-hapg.conf update', 'reload ssh.service reload'],
  ],
  [
    'a line of login.defs was changed',
    'db2',
    "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs",
    ['option /etc/login.defs UMASK update'],
  ],
  [
    'the limits of core dumps are gone',
    'db2',
    'rm /etc/security/limits.d/60-hapg.conf',
    ['file /etc/security/limits.d/60-hapg.conf create'],
  ],
  [
    'unattended upgrades may touch the database again',
    'db2',
    'rm /etc/apt/apt.conf.d/52hapg',
    ['file /etc/apt/apt.conf.d/52hapg create'],
  ],
  ['an account is gone', 'proxy2', 'userdel keepalived_script', ['account keepalived_script create']],
  [
    'the dynamic configuration was changed',
    'LEADER',
    'patronictl -c /etc/patroni/config.yml edit-config --force -q -s loop_wait=7',
    ['dcs-config dynamic configuration update'],
  ],
  [
    'pg_hba.conf was opened by hand',
    'db3',
    'sed -i "1i host all all 0.0.0.0/0 trust" /var/lib/postgresql/17/CLUSTER/pg_hba.conf',
    ['member-settings pg_hba and ALTER SYSTEM update'],
  ],
  [
    'a parameter was set by ALTER SYSTEM',
    'db2',
    `runuser -u postgres -- psql -XAtqc "alter system set work_mem = '77MB'" -c 'select pg_reload_conf()'`,
    ['member-settings pg_hba and ALTER SYSTEM update'],
  ],
  [
    'a database is missing',
    'LEADER',
    'runuser -u postgres -- psql -XAtqc "drop database spare"',
    ['sql-objects users and databases create'],
  ],
  [
    'a user is missing',
    'LEADER',
    'runuser -u postgres -- psql -XAtqc "alter database spare owner to postgres" -c "drop role spare"',
    ['sql-objects users and databases create'],
  ],
  [
    'a password was changed by hand',
    'LEADER',
    `runuser -u postgres -- psql -XAtqc "alter role spare password 'changed by hand'"`,
    ['sql-objects users and databases update'],
  ],
  [
    'a user may more than is declared, and its password ends',
    'LEADER',
    `runuser -u postgres -- psql -XAtqc "alter role spare createdb valid until '2030-01-01'"`,
    ['sql-objects users and databases update'],
  ],
  [
    'the password of the replication account was changed by hand',
    'LEADER',
    `runuser -u postgres -- psql -XAtqc "alter role replicator password 'changed by hand'"`,
    ['sql-objects users and databases update'],
  ],
  [
    'a key is readable by others',
    'db3',
    'chmod 0644 /etc/patroni/pki/rest.key',
    ['certificate /etc/patroni/pki/rest update', 'reload patroni.service reload'],
  ],
  [
    'a certificate is in its last third',
    'db3',
    expiringCertificate,
    ['certificate /etc/patroni/pki/rest update', 'reload patroni.service reload'],
  ],
  [
    'a certificate is of a foreign authority',
    'db3',
    'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db3 -keyout /dev/null -out /etc/patroni/pki/server.crt 2>/dev/null',
    ['certificate /etc/patroni/pki/server update', 'reload patroni.service reload'],
  ],
  [
    'a foreign authority is trusted',
    'proxy2',
    'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout /dev/null -out /etc/haproxy/pki/patroni-ca.crt 2>/dev/null',
    ['file /etc/haproxy/pki/patroni-ca.crt update', 'reload haproxy.service reload'],
  ],
  [
    'a stray cluster of postgresql-common was made',
    'db3',
    'pg_createcluster --start-conf=auto 17 main',
    ['stray-clusters of postgresql-common update'],
  ],
  [
    "the distribution's postgresql.service is on",
    'db3',
    'systemctl enable -q postgresql',
    ['unit postgresql.service update'],
  ],
  [
    'etcd would start with another setting',
    'db2',
    "sed -i 's/^ETCD_LOG_LEVEL=.*/ETCD_LOG_LEVEL=debug/' /etc/etcd/etcd.env",
    ['file /etc/etcd/etcd.env update', 'restart etcd.service restart'],
  ],
  [
    'the mark of identity was edited',
    'backup',
    `sed -i 's/"cluster"/ "cluster"/' /etc/hapg/cluster.json`,
    ['file /etc/hapg/cluster.json update'],
  ],
  [
    'pg_hba.conf has a line that PostgreSQL cannot read',
    'db2',
    'echo "hostssl all all 10.9.0.0/33 scram-sha-256" >> /var/lib/postgresql/17/CLUSTER/pg_hba.conf',
    ['member-settings pg_hba and ALTER SYSTEM update'],
  ],
  [
    'PostgreSQL cannot open pg_hba.conf',
    'db3',
    'chown root:root /var/lib/postgresql/17/CLUSTER/pg_hba.conf',
    ['member-settings pg_hba and ALTER SYSTEM update'],
  ],
  [
    'ALTER SYSTEM names another file of rules',
    'db3',
    // The stray cluster of before has become the one that psql asks by itself.
    `runuser -u postgres -- psql -p 5432 -XAtqc "alter system set hba_file = '/tmp/open.conf'"`,
    ['member-settings pg_hba and ALTER SYSTEM update'],
  ],
];

/** Start time by unit: a unit that no drift concerns must not have been restarted. */
const services = (lab: TestLab) =>
  ['db1', 'db2', 'db3', 'backup', 'proxy1', 'proxy2'].map(
    (host) =>
      `${host} ${lab.on(host, 'for u in etcd patroni haproxy keepalived; do systemctl show -p MainPID --value $u; done; pgrep -o -u postgres -f "/postgres -D"').out.replaceAll('\n', ' ')}`,
  );

/** Kinds of drift: shown exactly, repaired exactly, without an interruption. `deep`: all of them, else every fifth. */
export function drifting(lab: TestLab, deep = false): void {
  let leader = '';
  const writer = new Writer(lab);
  const change = (text: string) =>
    text
      .replace('    - {name: app, owner: app}', '    - {name: app, owner: app}\n    - {name: spare, owner: spare}')
      .replace('    - {name: app}  ', '    - {name: spare}\n    - {name: app}  ');

  test('drift: a second database and user to lose', async () => {
    await lab.healthy(60);
    lab.write(change);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    leader = leaderOf(await lab.healthy(60));
    writer.start(900);
  });

  for (const [what, where, spoil, changes] of DRIFTS.filter((_one, index) => deep || index % 5 === 0))
    test(`drift: ${what}`, async () => {
      const host = where === 'LEADER' ? leader : where;
      const before = services(lab);
      const script = typeof spoil === 'string' ? spoil.replaceAll('CLUSTER', lab.cluster) : await spoil(lab, host);
      const done = lab.on(host, script);
      const planned = await lab.hapg(['plan', '-o', 'json']);
      assert.equal(planned.code, 0, planned.stderr);
      const seen = set(report(planned.stdout));
      // Repaired before it is judged, so that one wrong expectation does not affect the following ones.
      const applied = await lab.hapg(['apply', '--yes', '-o', 'json']);
      assert.equal(applied.code, 0, applied.stderr.slice(-2000));
      // Waiting for a service that is started is the consequence of its start.
      assert.deepEqual(
        seen.filter((line) => !/ ready .* run$/.test(line)),
        changes.map((line) => `${host} ${line}`).sort(),
        `after: ${done.out}`,
      );
      assert.deepEqual(set(report(applied.stdout)), seen, 'apply did what plan showed');
      const expected = changes.some((line) => /^restart|^unit .* create/.test(line)) || /stop|kill/.test(script);
      if (!expected) assert.deepEqual(services(lab), before, 'nothing was restarted');
      const again = await lab.hapg(['plan', '--detailed-exitcode']);
      assert.equal(again.code, 0, again.stdout);
    });

  test('drift: through all of this writes went on', async () => {
    const result = writer.stop();
    console.log(`drift: ${JSON.stringify(result)}`);
    assert.equal(result.lost, 0);
    // Whatever is judged, what follows finds the hosts as they were.
    lab.on('client', 'apt-mark unhold debsums; rm -rf /root/.pgpass.hapg-aside-* /etc/issue.real');
    lab.on('db3', 'pg_dropcluster --stop 17 main');
    lab.write((text) => text);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    await lab.healthy(30);
    assert.ok(result.longestGapMs < milliseconds(8000), `${result.longestGapMs} ms`);
  });
}
