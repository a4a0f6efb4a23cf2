import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type TestLab } from '../support/lab.ts';

/** The odd host: no other test depends on it. */
const ODD = 'db3';
/** The WAL directory of all members; on the odd host it is a disk of its own. */
const WAL = '/pgwal';

/** The lab's inventory with WAL in a directory of its own. */
export const withOddities = (text: string): string =>
  text.replace(/^postgres:\n/m, (line) => `${line}  wal_dir: ${WAL}/main\n`);

/**
 * Makes one bare host differ from the others in every way that login files, environment, locale and disks allow, so
 * that all following tests cover it.
 */
export function makeOdd(lab: TestLab): void {
  const data = `/var/lib/postgresql/17/${lab.cluster}`;
  const { code, out } = lab.on(
    ODD,
    `set -e
printf '%s\\n' 'echo "Welcome to the host, locked since today"' 'echo 0' 'umask 077' 'alias ls="ls --color=always" systemctl=false' 'export LC_ALL=de_DE.UTF-8' > /root/.bashrc
printf '%s\\n' https_proxy=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 PGHOST=nowhere PGOPTIONS=-cx=y PGUSER=nobody PYTHONPATH=/nowhere LANG=de_DE.UTF-8 LANGUAGE=de ETCDCTL_ENDPOINTS=nowhere PGBACKREST_STANZA=nowhere >> /etc/environment
printf '%s\\n' 'proxy = "http://127.0.0.1:9"' 'fail-early' > /root/.curlrc
printf '%s\\n' '\\echo psqlrc' '\\pset format aligned' > /root/.psqlrc
printf '%s\\n' '*:*:*:*:wrong' > /root/.pgpass; chmod 600 /root/.pgpass
sed -i 's/^UMASK.*/UMASK 077/' /etc/login.defs
export DEBIAN_FRONTEND=noninteractive
apt-get -q update >/dev/null; apt-get -qq -y --no-install-recommends install locales >/dev/null
localedef -i de_DE -f UTF-8 de_DE.UTF-8
echo LANG=de_DE.UTF-8 | tee /etc/default/locale > /etc/locale.conf
systemctl set-environment LANG=de_DE.UTF-8 https_proxy=http://127.0.0.1:9
for one in ${data} ${WAL} /var/lib/etcd/${lab.cluster}; do
  disk=/disks/$(echo $one | tr / _)
  mkdir -p $disk $one
  echo "$disk $one none bind 0 0" >> /etc/fstab
  mount $one
done
systemctl daemon-reload`,
    300,
  );
  assert.equal(code, 0, out);
}

/** Properties of real database hosts that a lab of equal hosts never has. */
export function beingOdd(lab: TestLab): void {
  const data = `/var/lib/postgresql/17/${lab.cluster}`;
  const members = lab.with('patroni');
  const sql = (host: string, statement: string) =>
    lab.on(host, `runuser -u postgres -- psql -XAtqc "${statement}"`).out;

  test('the odd host is a member like the others, its data on a mount and its WAL on another', async () => {
    const status = await lab.healthy(60);
    assert.equal(status.members.find(({ name }) => name === ODD)?.state, 'streaming');
    assert.equal(
      lab.on(ODD, `mountpoint -q ${data} && mountpoint -q ${WAL} && readlink ${data}/pg_wal`).out,
      `${WAL}/main`,
    );
    for (const host of members) assert.equal(lab.on(host, `readlink ${data}/pg_wal`).out, `${WAL}/main`, host);
  });

  test('with a tablespace a backup is taken, and drilled', async () => {
    for (const host of members)
      lab.on(host, 'install -d -m 0755 /tablespaces && install -d -o postgres -g postgres -m 0700 /tablespaces/one');
    const leader = leaderOf(await lab.healthy(30));
    sql(leader, "create tablespace one location '/tablespaces/one'");
    sql(leader, 'create table kept_elsewhere tablespace one as select generate_series(1, 1000) n');
    const backup = await lab.hapg(['backup', '--type', 'full', '--yes']);
    assert.equal(backup.code, 0, backup.stderr);
    const drill = await lab.hapg(['drill', 'restore']);
    assert.equal(drill.code, 0, drill.stdout + drill.stderr);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('the odd host is built anew: the whole of its data is kept, and it streams again', async () => {
    await lab.healthy(60);
    const { code, stdout, stderr } = await lab.hapg(['reinit', ODD, '--yes']);
    assert.equal(code, 0, `${stdout}${stderr}`);
    const kept = lab.on(
      ODD,
      `cd ${data}.replaced-* && cat PG_VERSION && ls pg_tblspc/*/ pg_wal/ | grep -cE '^PG_17|^0000'`,
    );
    assert.match(kept.out, /^17\n[1-9]/);
    assert.equal(lab.on(ODD, `mountpoint -q ${data} && readlink ${data}/pg_wal`).out, `${WAL}/main`);
    assert.equal(sql(ODD, 'select count(*) from kept_elsewhere'), '1000');
    assert.deepEqual(leftovers(lab), {});
    lab.on(ODD, `rm -rf ${data}.replaced-* /tablespaces/one.replaced-* ${WAL}/main.replaced-*`);
  });

  for (const [what, break_] of [
    [
      'a line of pg_hba.conf',
      `sed -i 's|^  pg_hba:$|&\\n    - hostssl all all 10.9.0.0/33 scram-sha-256|' /etc/patroni/config.yml`,
    ],
    ['a setting', `sed -i 's/^    shared_buffers: .*/    shared_buffers: 900GB/' /etc/patroni/config.yml`],
    ['a setting by ALTER SYSTEM', `echo "shared_buffers = '900GB'" >> ${data}/postgresql.auto.conf`],
    [
      'a key that is not that of the certificate',
      'openssl ecparam -name prime256v1 -genkey -noout -out /etc/patroni/pki/server.key; chown postgres: /etc/patroni/pki/server.key; chmod 600 /etc/patroni/pki/server.key',
    ],
  ] as const)
    test(`a member that ${what} keeps from starting is brought back by apply`, async () => {
      const status = await lab.healthy(60);
      const host = members.find((name) => name !== ODD && name !== leaderOf(status))!;
      lab.on(host, `${break_}; systemctl restart patroni; sleep 6`);
      assert.equal((await lab.status()).code, 1);
      const { code, stdout, stderr } = await lab.hapg(['apply', '--yes']);
      assert.equal(code, 0, `${stdout.slice(-1500)}${stderr.slice(-2000)}`);
      await lab.healthy(60);
      assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
    });

  test('what PostgreSQL would not take is refused, or changes nothing', async () => {
    const wrong = await lab.hapg([
      'apply',
      '--yes',
      '-e',
      'postgres.hba=["hostssl all all 10.9.0.0/33 scram-sha-256"]',
    ]);
    assert.equal(wrong.code, 5, wrong.stderr);
    const silent = await lab.hapg(['apply', '--yes', '-e', 'postgres.parameters.shared_bufers=1GB']);
    assert.equal(silent.code, 5, silent.stderr);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });
}
