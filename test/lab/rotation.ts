import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leftovers, type OperationDocument, type TestLab, until } from '../support/lab.ts';
import { Sampler } from '../support/sampler.ts';
import { milliseconds } from '../support/time.ts';

/** Every password and certificate is replaced under load; `deep`: every authority too. */
export function rotating(lab: TestLab, deep = false): void {
  const started = () =>
    ['db1', 'db2', 'db3'].map(
      (host) => lab.on(host, `head -n 3 /var/lib/postgresql/17/${lab.cluster}/postmaster.pid | tail -n 1`).out,
    );

  /**
   * Runs a command with the probe: clients do not notice (at most `mayFail` writes, and reads), and PostgreSQL is not
   * restarted.
   */
  async function unnoticed(args: string[], { mayFail = 0, atLeast = 10, gapMs = 60_000 } = {}): Promise<void> {
    await lab.healthy(60);
    const before = started();
    const { code, stdout, stderr } = await lab.hapg([...args, '--yes', '--probe', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-3000));
    const { writes, reads, duration_ms } = JSON.parse(stdout) as OperationDocument;
    console.log(`${args.join(' ')}: ${duration_ms} ms ${JSON.stringify(writes)} ${JSON.stringify(reads)}`);
    assert.ok(writes!.acked + writes!.failed >= atLeast, 'there were writes to be disturbed');
    assert.ok(Math.max(writes!.failed, reads!.failed) <= mayFail, `failed: ${JSON.stringify({ writes, reads })}`);
    assert.ok(writes!.max_gap_ms <= milliseconds(gapMs), `${writes!.max_gap_ms} ms`);
    assert.equal(writes!.lost, 0);
    assert.deepEqual(started(), before, 'PostgreSQL was not restarted');
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  }

  const passwords = async () =>
    JSON.parse((await lab.hapg(['secrets', 'show', '-o', 'json'])).stdout) as {
      system: Record<string, string>;
      users: Record<string, string>;
    };

  test("the system's passwords are rotated under load, and the new ones are those that work", async () => {
    const before = await passwords();
    const sampler = new Sampler(lab);
    await unnoticed(['secrets', 'rotate', 'superuser', 'replication', 'rewind', 'rest', 'stats']);
    assert.deepEqual(sampler.stop(), [], 'no secret was in an argument list');
    const after = await passwords();
    for (const name of ['superuser', 'replication', 'rewind', 'rest', 'stats'])
      assert.notEqual(after.system[name], before.system[name], name);
    assert.equal(after.system.repository, before.system.repository, 'old backups need it');
    // A fresh connection of each account with the new password, and none with the old one.
    const login = (user: string, database: string, password: string) =>
      lab.on(
        'db1',
        `for h in 10.9.1.10 10.9.1.11 10.9.1.12; do PGPASSWORD='${password}' psql -XAtq "host=$h user=${user} dbname=${database} sslmode=require" -c 'select 1' || exit 1; done`,
      ).code;
    for (const [name, user] of [
      ['superuser', 'postgres'],
      ['rewind', 'rewinder'],
    ] as const) {
      assert.equal(login(user, 'postgres', after.system[name]!), 0, `${user} with the new password`);
      assert.notEqual(login(user, 'postgres', before.system[name]!), 0, `${user} with the old password`);
    }
    const stats = (password: string) =>
      lab.on('proxy1', `curl -s -o /dev/null -w '%{http_code}' -u 'hapg:${password}' http://127.0.0.1:7000/`).out;
    assert.equal(stats(after.system.stats!), '200');
    assert.equal(stats(before.system.stats!), '401');
    // Replication with the new password: a walreceiver that has to log in anew, PostgreSQL starts it after five seconds.
    const receiver = (host: string) => lab.on(host, "pgrep -f '[w]alreceiver'").out;
    const replicas = ['db1', 'db2', 'db3'].map((host) => ({ host, had: receiver(host) })).filter(({ had }) => had);
    assert.equal(replicas.length, 2);
    for (const { host } of replicas) lab.on(host, "pkill -f '[w]alreceiver'");
    for (const { host, had } of replicas)
      await until(`${host} replicates with the new password`, 60, () => !['', had].includes(receiver(host)));
    await lab.healthy(60);
  });

  test("a user's password changes in the server and on the client at the same moment", async () => {
    const before = await passwords();
    // A server knows one password at a time, so a login between the two changes may fail: one of a writer, one of a
    // reader.
    for (let turn = 0; turn < 3; turn++) await unnoticed(['secrets', 'rotate', 'app'], { mayFail: 1, atLeast: 1 });
    assert.notEqual((await passwords()).users.app, before.users.app);
  });

  test('every certificate is renewed under load, and served', async () => {
    const serial = (host: string, port: number, more = '') =>
      lab.on(
        host,
        `echo | openssl s_client -connect $(hostname -I | cut -d' ' -f1):${port} ${more} 2>/dev/null | openssl x509 -noout -serial`,
      ).out;
    const served = () => [
      serial('db1', 8008),
      serial('db1', 5432, '-starttls postgres'),
      serial('db1', 2379),
      serial('db1', 2380),
      serial('db1', 8432),
      serial('backup', 8432),
    ];
    const before = served();
    await unnoticed(['certs', 'renew']);
    const after = served();
    for (const [index, one] of after.entries()) {
      assert.match(one, /^serial=/);
      assert.notEqual(one, before[index], `port ${[8008, 5432, 2379, 2380, 8432, 8432][index]}`);
    }
  });

  test("an authority is replaced end to end: etcd's, with its members restarted one by one", () =>
    // Seen once: 6 writes in half a second, when a balancer took the leader for down.
    unnoticed(['certs', 'renew', '--authority', 'etcd'], { mayFail: 12, gapMs: 5000 }));
  if (!deep) return;
  for (const authority of ['patroni', 'postgres', 'pgbackrest'])
    test(`an authority is replaced end to end: ${authority}`, () =>
      unnoticed(['certs', 'renew', '--authority', authority]));

  test('a rotation of an authority that was stopped half-way goes on where it stopped', async () => {
    await unnoticed(['certs', 'renew', '--authority', 'postgres', '--trust-only']);
    assert.equal(lab.on('client', 'grep -c BEGIN /etc/hapg/postgres-ca.crt').out, '2', 'both are trusted');
    await unnoticed(['certs', 'renew', '--authority', 'postgres']);
    assert.equal(lab.on('client', 'grep -c BEGIN /etc/hapg/postgres-ca.crt').out, '1');
  });
}
