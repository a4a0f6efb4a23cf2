import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { rulesFor } from '../../roles/index.ts';
import { keepalived } from '../../roles/keepalived/keepalived.ts';
import { patroniConfig } from '../../roles/patroni/config.ts';
import { dcsConfig } from '../../roles/patroni/dynamic-config.ts';
import { hbaLines } from '../../roles/patroni/hba.ts';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { holder, lockScript } from '../../src/engine/lock.ts';
import { armLoginUndo } from '../../src/engine/login-undo.ts';
import { allSteps, dueHandlers, type StepDifference, startingUnits } from '../../src/engine/plan.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { startUnit } from '../../src/engine/transient.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { file } from '../../src/steps/file.ts';
import { reload, restart } from '../../src/steps/step.ts';
import { unit } from '../../src/steps/unit.ts';
import { timing } from '../../src/timing.ts';
import { contextFor, healthyLab, labCluster } from './model.ts';

const cluster = labCluster();
const context = await contextFor(cluster);
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };

test('every preset keeps loop_wait + 2 * retry_timeout <= ttl, and checks faster than it fails over', () => {
  for (const rto of ['fast', 'norm', 'wide'] as const) {
    const { patroni, haproxy, etcd, failoverBound } = timing(rto, {}, true);
    assert.ok(patroni.loop_wait + 2 * patroni.retry_timeout <= patroni.ttl, rto);
    assert.ok(etcd.election >= 5 * etcd.heartbeat);
    // Lost together with the etcd leader: an election (up to twice its time-out), the whole lease, one time-out more; then
    // three seconds for promotion and checks.
    assert.ok((3 * etcd.election) / 1000 + patroni.ttl + 3 <= failoverBound, rto);
    assert.ok(
      (haproxy.inter * haproxy.fall) / 1000 + patroni.ttl + patroni.primary_start_timeout <=
        failoverBound + patroni.primary_start_timeout,
      rto,
    );
  }
});

test('every shell script that hapg sends is valid POSIX sh', async () => {
  const living = await contextFor(cluster, healthyLab());
  const scripts = cluster.hosts.flatMap((one) =>
    [context, living].map((seen) =>
      probeScript(
        cluster,
        one,
        allSteps(apply, one, seen, scope).flatMap(({ steps }) => steps),
        'NONCE',
      ),
    ),
  );
  const guarded = allSteps(apply, host('db1'), context, scope)
    .flatMap(({ steps }) => steps)
    .filter((step) => step.guarded);
  scripts.push(
    startUnit('packages', "echo 'a'\nexit 1", 60, 'run'),
    armLoginUndo(guarded),
    lockScript(holder('run', 'apply'), 5),
  );
  for (const script of scripts) {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
    assert.equal(status, 0, `${stderr}\n${script}`);
  }
});

test('no secret is in a probe', () => {
  for (const one of cluster.hosts) {
    const script = probeScript(
      cluster,
      one,
      allSteps(apply, one, context, scope).flatMap(({ steps }) => steps),
      'NONCE',
    );
    for (const secret of context.secrets.all()) assert.ok(!script.includes(secret.reveal()));
  }
});

test('the firewall lets in what the model needs, from whom it needs it, and nothing from anywhere but ssh', () => {
  for (const one of cluster.hosts)
    assert.deepEqual(
      rulesFor(one, cluster, [22])
        .filter((rule) => rule.from === undefined)
        .map((rule) => rule.port),
      [22],
    );
  const said = (name: string) =>
    rulesFor(host(name), cluster, [22])
      .filter((rule) => rule.from)
      .map((rule) => `${rule.port ?? rule.protocol} ${rule.from}`);
  assert.deepEqual(said('client'), []);
  assert.deepEqual(said('backup'), ['8432 10.1.1.10', '8432 10.1.1.11', '8432 10.1.1.12']);
  assert.ok(said('proxy1').includes('vrrp 10.1.1.15'));
  assert.ok(said('db1').includes('5432 10.1.1.14'), 'balancers reach PostgreSQL');
  assert.ok(!said('db1').some((rule) => rule.endsWith('/24')), 'clients do not, where there are balancers');
});

// A standby cluster is one with its source only, which has to let it in: test/unit/standby.test.ts.
for (const name of readdirSync('inventory').filter((one) => one.endsWith('.yaml') && one !== 'standby.yaml'))
  test(`inventory/${name} is valid without a warning, and the steps of every host are each there once`, async () => {
    const { cluster: made, warnings } = parseInventory(readFileSync(`inventory/${name}`, 'utf8'), name);
    assert.deepEqual(warnings, []);
    const all = await contextFor(made);
    for (const one of made.hosts) {
      const stages = allSteps(apply, one, all, { hosts: made.hosts, roles: new Set(ROLE_NAMES) });
      assert.ok(stages.flatMap(({ steps }) => steps).length > 20, one.name);
    }
  });

test("the table of traffic in docs/security.md is the firewall's", () => {
  const page = readFileSync('docs/security.md', 'utf8');
  const pooled = parseInventory(readFileSync('inventory/pgbouncer.yaml', 'utf8'), 'pgbouncer.yaml').cluster;
  const watched = parseInventory(readFileSync('inventory/monitored.yaml', 'utf8'), 'monitored.yaml').cluster;
  const purposes = new Set(
    [cluster, pooled, watched].flatMap((made) =>
      made.hosts.flatMap((one) => rulesFor(one, made, [22]).map((rule) => `${rule.port ?? 112}`)),
    ),
  );
  const table = page.slice(page.indexOf('\n## Traffic'), page.indexOf('\n## Secrets'));
  assert.ok(table.length > 500, 'the table was not found');
  for (const port of purposes) assert.match(table, new RegExp(`\\b${port}\\b`), `port ${port}`);
});

test('pg_hba allows TLS and SCRAM only, and ends with a reject', () => {
  const lines = hbaLines(cluster);
  assert.equal(lines.at(-1), 'host all all all reject');
  for (const line of lines)
    assert.match(line, /^(local all postgres peer|hostssl .* scram-sha-256|(local|host) .* reject)$/);
});

test('memory is sized from the host, and the inventory wins', () => {
  const parameters = memberParameters(host('db1'), context);
  assert.equal(parameters.effective_cache_size, '12288MB');
  assert.equal(parameters.shared_buffers, '128MB', 'from lab.yaml');
  assert.equal(parameters.max_connections, undefined, 'what must be equal everywhere is in the DCS');
});

test("Patroni's file says on, yes and numbers so that YAML 1.1 reads them the same", () => {
  const text = patroniConfig(host('db1'), context).reveal();
  const seen = parse(text, { version: '1.1' }) as { postgresql: { parameters: Record<string, unknown> } };
  assert.equal(seen.postgresql.parameters.ssl, 'on');
  assert.deepEqual(parse(text, { version: '1.1' }), parse(text, { version: '1.2' }));
});

test('replication modes become Patroni settings', async () => {
  for (const [mode, setting] of [
    ['sync', true],
    ['quorum', 'quorum'],
    ['async', false],
  ] as const)
    assert.equal(
      dcsConfig(await contextFor(labCluster(['replication: sync', `replication: ${mode}`]))).synchronous_mode,
      setting,
    );
});

const changed = (...steps: ReturnType<typeof file>[]): StepDifference[] =>
  steps.map((step) => ({ step, state: undefined, difference: { action: 'update' as const, summary: '' } }));
const configured = file('haproxy', '/etc/haproxy/haproxy.cfg', '', { notify: [reload('haproxy.service')] });

test('a handler is due when a change calls for it, and when an interrupted run has left its mark', () => {
  const due = (pending: string[], differ: StepDifference[], starting: string[] = []) =>
    dueHandlers([configured], differ, pending, new Set(starting)).map(({ action, unit: name }) => `${action} ${name}`);
  assert.deepEqual(due([], []), []);
  assert.deepEqual(due([], changed(configured)), ['reload haproxy.service']);
  assert.deepEqual(due(['reload:haproxy.service'], []), ['reload haproxy.service']);
  assert.deepEqual(due(['reload:etcd.service'], []), []);
  assert.deepEqual(due([], changed(configured), ['haproxy.service']), [], 'a unit that is started anyway needs none');
});

test('a restart covers a reload', () => {
  const both = file('etcd', '/etc/etcd/etcd.env', '', { notify: [restart('etcd.service'), reload('etcd.service')] });
  assert.deepEqual(
    dueHandlers([both], changed(both), [], new Set()).map(({ action }) => action),
    ['restart'],
  );
});

test('units that do not run yet are known as starting', () => {
  const step = unit('haproxy', 'haproxy.service');
  assert.deepEqual(
    [...startingUnits([{ step, state: undefined, difference: { action: 'create', summary: '' } }])],
    ['haproxy.service'],
  );
});

test('a balancer that is left alone has nobody to send its adverts to, and says nothing of one', async () => {
  const lab = labCluster();
  const conf = async (cluster: typeof lab) =>
    String(
      keepalived(cluster.hosts.find(({ name }) => name === 'proxy1')!, await contextFor(cluster)).find(
        (one) => one.id === 'file /etc/keepalived/keepalived.conf',
      )!.want.content,
    );
  assert.match(await conf(lab), /unicast_src_ip 10\.1\.1\.14\n {4}unicast_peer \{\n {8}10\.1\.1\.15\n {4}\}/);
  assert.doesNotMatch(await conf({ ...lab, hosts: lab.hosts.filter(({ name }) => name !== 'proxy2') }), /unicast/);
});
