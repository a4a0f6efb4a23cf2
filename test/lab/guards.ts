import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { report, set, type TestLab, until } from '../support/lab.ts';
import { pause } from '../support/time.ts';

/** Drift of the kinds that hurt, the operator's way in, and the agent. */
export function guarding(lab: TestLab): void {
  test('a firewall that would lock the operator out is put back by itself', async () => {
    const { code, stdout } = await lab.hapg([
      'apply',
      '--yes',
      '-l',
      'client',
      '-t',
      'ufw',
      '-e',
      'ufw.ssh_from=[192.0.2.0/24]',
      '-o',
      'json',
    ]);
    assert.equal(code, 2, stdout);
    assert.match(report(stdout).failed[0]!.message, /a new login no longer succeeds .* put back within 90 s/);
    assert.equal((await lab.hapg(['plan', '-l', 'client'])).code, 4, 'nobody gets in now');
    // ufw empties its chains while it reloads the old rules, so SSH works before it is done.
    const plan = () => lab.hapg(['plan', '-l', 'client', '-t', 'ufw', '--detailed-exitcode']);
    await until('the change is put back', 120, async () => (await plan()).code === 0);
    // The undo restores more than the rules, and removes itself at its end.
    await until(
      'nothing is left of the guard',
      30,
      () => !/hapg-undo/.test(lab.on('client', 'systemctl list-units --all; ls /etc/systemd/system').out),
    );
    // The refused setting was another generation of the inventory.
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
  });

  test('another data directory or etcd port than the living cluster has is refused', async () => {
    for (const [setting, says] of [
      ['etcd.client_port=2399', 'etcd.client_port is 2379, and the inventory says 2399'],
      ['postgres.data_dir=/var/lib/postgresql/other', 'postgres.data_dir is /var/lib/postgresql/17/pgtest, and'],
    ] as const) {
      const { code, stderr } = await lab.hapg(['apply', '--yes', '-e', setting]);
      assert.equal(code, 1, stderr);
      assert.ok(stderr.includes(says), stderr);
    }
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0, 'nothing was begun, and nothing noted');
  });

  test('a handler that an interrupted run left due still runs', async () => {
    const started = () => lab.on('proxy1', 'journalctl -q -u haproxy -o cat | grep -c "^Reloaded"').out;
    const before = started();
    lab.on('proxy1', 'touch /var/lib/hapg/pending/reload:haproxy.service');
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    assert.deepEqual(set(planned), ['proxy1 reload haproxy.service reload']);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    assert.equal(Number(started()), Number(before) + 1);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('drift of the DCS, of a certificate, of a password, and a foreign firewall rule', async () => {
    lab.on(
      'db1',
      'patronictl -c /etc/patroni/config.yml edit-config --force -q -s ttl=77 -s postgresql.parameters.work_mem=1MB',
    );
    lab.on('db3', 'rm /etc/patroni/pki/rest.crt');
    lab.on('proxy1', 'ufw allow from 192.0.2.9 to any port 9999 proto tcp comment mine');
    lab.on('proxy1', "echo 'LogLevel INFO' > /etc/ssh/sshd_config.d/05-site.conf");
    const leader = (await lab.status()).status.members.find((member) => member.role === 'leader')!.name;
    lab.on(leader, `runuser -u postgres -- psql -c "alter role app password 'changed by hand'"`);
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    assert.deepEqual(
      set(planned),
      [
        `${leader} dcs-config dynamic configuration update`,
        `${leader} sql-objects users and databases update`,
        'db3 certificate /etc/patroni/pki/rest create',
        'db3 reload patroni.service reload',
      ].sort(),
    );
    assert.match(JSON.stringify(planned.notes), /drift, kept: allow tcp 9999 from 192\.0\.2\.9/);
    assert.match(JSON.stringify(planned.notes), /sshd does not use loglevel VERBOSE of .*, but INFO/);
    lab.on('proxy1', 'rm /etc/ssh/sshd_config.d/05-site.conf');
    const applied = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.equal(applied.code, 0, applied.stderr);
    assert.deepEqual(set(report(applied.stdout)), set(planned));
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
    assert.match(lab.on('proxy1', 'ufw status').out, /9999\/tcp +ALLOW +192\.0\.2\.9 +# mine/);
    const exclusive = await lab.hapg(['apply', '--yes', '-l', 'proxy1', '-t', 'ufw', '-e', 'ufw.exclusive=true']);
    assert.equal(exclusive.code, 0, exclusive.stderr);
    assert.doesNotMatch(lab.on('proxy1', 'ufw status').out, /9999/);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    assert.equal(lab.on('client', `psql -XAtq '${lab.uri}' -c 'select 1'`).out, '1', 'the stored password holds again');
    await lab.healthy(30);
  });

  test('a reload of HAProxy keeps connections, and a start sends nothing to a member that does not lead', async () => {
    const long = `psql -XAtq '${lab.uri}' -c 'select pg_sleep(5)' -c "select 'kept'"`;
    lab.docker('exec', '-d', `${lab.cluster}-client`, 'sh', '-c', `${long} > /tmp/kept 2>&1`);
    const holder = (await lab.status()).status.vip.holders[0]!;
    await pause(1);
    assert.equal(lab.on(holder, 'systemctl reload haproxy').code, 0);
    await until('the session ends', 15, () => /kept|error/.test(lab.on('client', 'cat /tmp/kept').out));
    assert.match(lab.on('client', 'cat /tmp/kept').out, /kept/);
    const spare = holder === 'proxy1' ? 'proxy2' : 'proxy1';
    const look = `echo 'show stat -1 4 -1' | socat - UNIX-CONNECT:/run/haproxy/admin.sock | grep '^primary,'`;
    const states = lab
      .on(spare, `systemctl restart haproxy; for i in $(seq 40); do ${look}; sleep 0.05; done`)
      .out.split('\n');
    const leader = (await lab.status()).status.members.find((member) => member.role === 'leader')!.name;
    for (const line of states)
      if (line.split(',')[1] !== leader) assert.doesNotMatch(line, /,UP/, 'a replica was up for writes');
    await lab.healthy(30);
  });

  test('a reload that comes right behind a start does not end Patroni', async () => {
    const replica = (await lab.healthy(30)).members.find((member) => member.role === 'replica')!.name;
    const { out } = lab.on(
      replica,
      'systemctl restart patroni && systemctl reload patroni; sleep 2; systemctl is-active patroni',
    );
    assert.equal(out, 'active');
    await lab.healthy(60);
  });

  test('a host that is cut off is told, and comes back by itself when it is healed', async () => {
    const replica = (await lab.healthy(30)).members.find((member) => member.role === 'replica')!.name;
    assert.equal((await lab.hapg(['lab', 'cut', replica])).code, 0);
    await until('status tells it', 60, async () =>
      (await lab.status()).status.problems.some((one) => one.host === replica),
    );
    assert.equal((await lab.hapg(['lab', 'heal', replica])).code, 0);
    await lab.healthy(90);
  });
}
