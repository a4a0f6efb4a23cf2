import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInventory } from '../../src/inventory/load.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { probeScripts } from '../bench/measure.ts';
import { test } from '../support/group.ts';
import type { TestLab } from '../support/lab.ts';
import { PROCESS_LIMITS, processesOf } from '../support/processes.ts';
import { seconds } from '../support/time.ts';

/** Judgements of the programs themselves about their files, on every host of any shape of a cluster. */
export function judged(lab: TestLab): void {
  test('external judges agree', () => {
    const ok = (host: string, script: string, says = /(?:)/) => {
      const { code, out } = lab.on(host, script, 300);
      assert.equal(code, 0, `${host}: ${script}\n${out}`);
      assert.match(out, says);
      return out;
    };
    const databases = lab.with('patroni');
    const list = ok(databases[0]!, 'patronictl -c /etc/patroni/config.yml list -f json');
    const members = JSON.parse(list) as { Member: string; Role: string; State: string }[];
    const leaders = members.filter(({ Role, State }) => Role === 'Leader' && State === 'running');
    assert.equal(leaders.length, 1, list);
    assert.equal(members.filter(({ State }) => State === 'streaming').length, databases.length - 1, list);
    for (const db of databases) {
      ok(db, 'runuser -u postgres -- patroni --validate-config --ignore-listen-port /etc/patroni/config.yml');
      ok(db, `runuser -u postgres -- psql -p ${lab.port} -XAtc 'show data_checksums'`, /on/);
    }
    const voters = lab.with('etcd');
    if (voters.length > 0)
      ok(
        voters[0]!,
        "ETCDCTL_API=3 etcdctl --endpoints=https://$(hostname -I | cut -d' ' -f1):2379 --cacert=/etc/etcd/pki/ca.crt --cert=/etc/etcd/pki/server.crt --key=/etc/etcd/pki/server.key endpoint health --cluster 2>&1 | grep -c 'is healthy'",
        new RegExp(`^${voters.length}$`),
      );
    for (const proxy of lab.with('haproxy')) ok(proxy, 'haproxy -c -q -f /etc/haproxy/haproxy.cfg');
    for (const proxy of lab.with('keepalived')) ok(proxy, 'keepalived -t -f /etc/keepalived/keepalived.conf');
    const archive = lab.with('pgbackrest')[0] ?? leaders[0]!.Member;
    const pgbackrest = `runuser -u postgres -- pgbackrest --stanza=${lab.cluster}`;
    ok(archive, `${pgbackrest} check`, /completed successfully/);
    ok(archive, `${pgbackrest} verify 2>&1 | tail -n 1`, /verify command end: completed successfully/);
    ok(
      lab.client,
      `psql -XAtq '${lab.uri}' -c 'create table if not exists seen (t timestamptz)' -c 'insert into seen values (now())' -c 'select count(*) from seen'`,
      /^[1-9]/,
    );
  });
}

/** Judgements about the cluster without hapg: by its own programs, a client, a stranger. */
export function judging(lab: TestLab): void {
  judged(lab);

  test('replicas were made from the repository, and reads through the balancer go to them', () => {
    assert.match(
      lab.on('db2', 'cat /var/log/pgbackrest/pgtest-restore.log').out,
      /restore command end: completed successfully/,
    );
    const read = `psql -XAtq '${lab.uri.replace(':5000', ':5001')}' -c 'select count(*), pg_is_in_recovery() from seen'`;
    assert.match(
      lab.on(
        'client',
        `for i in $(seq ${seconds(5)}); do out=$(${read} 2>/dev/null) && break; sleep 1; done; echo "$out"`,
      ).out,
      /^1\|t$/,
    );
  });

  test("Patroni's own validator takes the way to a DCS of somebody else", async () => {
    for (const dcs of [
      '{kind: consul, external: ["127.0.0.1:8500"], tls: false}',
      '{kind: etcd, external: ["127.0.0.1:2379", "10.9.1.11:2379"]}',
      '{kind: zookeeper, external: ["127.0.0.1:2181"], tls: false}',
    ]) {
      const inventory = lab.variant('elsewhere.yaml', (text) =>
        text.replace('cluster: ', `dcs: ${dcs}\ncluster: `).replaceAll('[etcd, patroni]', '[patroni]'),
      );
      const directory = join(lab.directory, 'rendered');
      const { code, stderr } = await lab.hapg(['render', directory, '-i', inventory]);
      assert.equal(code, 0, stderr);
      // "[redacted]" in place of a secret would be a list.
      const text = readFileSync(join(directory, 'db1/etc/patroni/config.yml'), 'utf8').replaceAll(
        '[redacted]',
        'secret',
      );
      const file = Buffer.from(text).toString('base64');
      const { out } = lab.on(
        'db1',
        `echo ${file} | base64 -d > /tmp/elsewhere.yml; chown postgres /tmp/elsewhere.yml; runuser -u postgres -- patroni --validate-config --ignore-listen-port /tmp/elsewhere.yml 2>&1; rm /tmp/elsewhere.yml`,
      );
      // The only acceptable complaint is that nothing listens there.
      const complaints = out
        .split('\n')
        .filter((line) => line && !/not reachable|didn't pass validation:.*(2379|2181|8500)/.test(line));
      assert.deepEqual(complaints, [], dcs);
    }
  });

  test('who may not come in stays out', () => {
    const refused = (script: string, says: RegExp) => {
      const { code, out } = lab.on('client', script);
      assert.notEqual(code, 0, out);
      assert.match(out, says);
    };
    refused(
      `psql '${lab.uri.replace('sslmode=verify-full', 'sslmode=disable')}' -c 'select 1' 2>&1`,
      /pg_hba.conf rejects connection|no encryption/,
    );
    refused(`PGPASSWORD=wrong psql -w '${lab.uri}' -c 'select 1' 2>&1`, /password authentication failed/);
    refused(`psql '${lab.uri.replace('app@', 'postgres@')}' -w -c 'select 1' 2>&1`, /pg_hba.conf rejects connection/);
    refused(`timeout ${seconds(3)} bash -c '</dev/tcp/10.9.1.10/5432'`, /(?:)/);
    assert.notEqual(
      lab.on(
        'db1',
        'curl -sf -X POST --cacert /etc/patroni/pki/rest-ca.crt --cert /etc/patroni/pki/rest.crt --key /etc/patroni/pki/rest.key https://10.9.1.10:8008/restart',
      ).code,
      0,
      'REST writes need a password',
    );
    assert.notEqual(
      lab.on('db2', 'curl -sf --cacert /etc/etcd/pki/ca.crt https://10.9.1.10:2379/health').code,
      0,
      'etcd needs a client certificate',
    );
  });

  test('a probe starts few processes, whatever the machine', async () => {
    const { cluster } = loadInventory(lab.inventory);
    const scripts = await probeScripts(cluster, (await SecretStore.read(cluster))!);
    for (const [role, limit] of PROCESS_LIMITS)
      for (const host of lab.with(role)) {
        const count = processesOf(`${lab.cluster}-${host}`, scripts.get(host)!);
        assert.ok(count <= limit, `${host}: ${count} processes, and ${limit} are allowed`);
      }
  });

  test("a stranger's port scan finds only what the model allows", async () => {
    const added = await lab.hapg(['lab', 'add', 'stranger', '--address', '10.9.1.40', '-o', 'json']);
    assert.equal(added.code, 0, added.stderr);
    const ports = [22, 2379, 2380, 5000, 5001, 5002, 5003, 5432, 7000, 8008, 8432];
    const probe = (host: number, port: number) =>
      `(timeout ${seconds(5)} bash -c '</dev/tcp/10.9.1.${host}/${port}' 2>/dev/null && echo ${host}:${port}) &`;
    const scan = [10, 11, 12, 13, 14, 15, 16].flatMap((host) => ports.map((port) => probe(host, port))).join('\n');
    const open = lab.on('stranger', `${scan}\nwait`, 200).out.split('\n').sort();
    const balancer = (host: number) => [22, 5000, 5001, 5002, 5003, 7000].map((port) => `${host}:${port}`);
    assert.deepEqual(
      open,
      [...[10, 11, 12, 13, 16].map((host) => `${host}:22`), ...balancer(14), ...balancer(15)].sort(),
    );
  });
}
