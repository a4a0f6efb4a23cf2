import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { program } from '../../src/cli.ts';
import { ownController, withStore } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

ownController();
await withStore('lab.yaml');
writeFileSync('cluster.plan', '{"hapg":1,"digest":"x"}\n');
writeFileSync('hosts.ini', '[master]\n10.0.0.1\n[replica]\n10.0.0.2\n10.0.0.3\n[etcd_cluster]\n10.0.0.1\n');
const LAB = 'lab.yaml';
const ADD = `add-replica db9 -i ${LAB} --yes --address 10.1.1.19`;

/** Command lines with a flag that could not be kept, each with what is said about it. */
const REFUSED: [words: string, says: RegExp][] = [
  [`apply --check cluster.plan -i ${LAB}`, /--check .* cluster\.plan: "hapg apply cluster\.plan" .*refuses/],
  [`apply --check --probe -i ${LAB}`, /--check changes nothing, so there is nothing to measure: without --probe/],
  ['init new.yaml --databases 10.0.0.1 --vip 10.0.0.9/24', /--vip goes with --balancers/],
  ['init new.yaml --databases 10.0.0.1 --nodes 3', /--nodes goes with --datacenters/],
  ['init new.yaml --databases 10.0.0.1 --nodes 2', /--nodes goes with --datacenters/],
  ['init new.yaml --databases 10.0.0.1 --networks 10.1.0.0/24', /--networks goes with --datacenters/],
  ['init new.yaml --databases 10.0.0.1 --prefix x', /--prefix goes with --datacenters/],
  ['init new.yaml --databases 10.0.0.1 --max-databases 3', /--max-databases goes with --datacenters/],
  ['init new.yaml --from-ansible hosts.ini --lab', /--lab does not go with --from-ansible/],
  ['init new.yaml --from-ansible hosts.ini --databases 10.0.0.1', /--databases does not go with --from-ansible/],
  ['init new.yaml --from-ansible hosts.ini --datacenters 2', /--datacenters does not go with --from-ansible/],
  ['init new.yaml --from-ansible hosts.ini --balancers 10.0.0.5', /--balancers does not go with --from-ansible/],
  ['init new.yaml --from-ansible hosts.ini --backup 10.0.0.5', /--backup does not go with --from-ansible/],
  ['init new.yaml --from-ansible hosts.ini --vip 10.0.0.9/24', /--vip: hosts\.ini has no balancer/],
  ['init new.yaml --from-ansible hosts.ini --prefix x', /--prefix goes with --datacenters/],
  [`validate -i ${LAB} -o xml`, /'xml' is invalid\. Allowed choices are text, json/],
  [`status -i ${LAB} -o xml`, /'xml' is invalid/],
  [`lab status -i ${LAB} -o xml`, /'xml' is invalid/],
  [`logs -i ${LAB} -f -o json`, /-f has no end, and one document has: without -o json/],
  [`ssh db1 -i ${LAB} -o json`, /unknown option '-o'/],
  [`psql -i ${LAB} -o json`, /unknown option '-o'/],
  [
    `config edit -i ${LAB} --yes --set patroni.watchdog=off`,
    /patroni\.watchdog stands in each member's own file: change it in the inventory and run "hapg apply"/,
  ],
  [
    `config edit -i ${LAB} --yes --unset patroni.port`,
    /patroni\.port stands in each member's own file: change it in the inventory and run "hapg apply"/,
  ],
  [
    `config edit -i ${LAB} --yes --set patroni.scope=other`,
    /patroni\.scope is the cluster's name in the DCS and cannot change/,
  ],
];

for (const [words, says] of REFUSED)
  test(`a flag that could not be kept is refused: hapg ${words}`, async () => {
    const { code, err } = await inProcess(words.split(' '));
    assert.equal(code, 5, err);
    assert.match(err, says);
    assert.ok(!existsSync('new.yaml'));
  });

test('init takes the flags that go together', async () => {
  for (const words of [
    'init a.yaml --databases 10.0.0.1,10.0.0.2,10.0.0.3 --balancers 10.0.0.4,10.0.0.5 --vip 10.0.0.9/24',
    'init b.yaml --from-ansible hosts.ini --user admin --clients 10.0.0.0/24 --postgres 16 --cluster other',
    'init c.yaml --datacenters 3 --nodes 2 --prefix x --networks 10.1.0.0/24,10.2.0.0/24,10.3.0.0/24',
  ]) {
    const { code, err } = await inProcess(words.split(' '));
    assert.equal(code, 0, err);
  }
});

test('two clusters that init writes have two router ids, and the same one always has its own', async () => {
  const idOf = async (cluster: string) => {
    const words = `init vip.yaml --force --cluster ${cluster} --databases 10.0.0.1 --balancers 10.0.0.4 --vip 10.0.0.9/24`;
    assert.equal((await inProcess(words.split(' '))).code, 0);
    return Number(/router_id: (\d+)/.exec(readFileSync('vip.yaml', 'utf8'))?.[1]);
  };
  const ids = [await idOf('main'), await idOf('billing'), await idOf('main')];
  assert.equal(ids[0], ids[2]);
  assert.notEqual(ids[0], ids[1]);
  for (const id of ids) assert.ok(id >= 1 && id <= 255, String(id));
});

for (const [flags, wrong] of [
  ['--ssh 10.9.9.9:22', 'ssh'],
  ['--roles etcd,patroni', 'roles'],
  ['--datacenter b', 'datacenter'],
  ['', 'nothing'],
] as const)
  test(`add-replica run again with other flags is refused with the line: ${wrong}`, async () => {
    const line = '  db9: {address: 10.1.1.19, ssh: {host: 127.0.0.1, port: 9}, roles: [patroni]}\n';
    const text = `${readFileSync(LAB, 'utf8')}${line}`;
    writeFileSync('added.yaml', text);
    await withStore('added.yaml').catch(() => undefined);
    const { code, err } = await inProcess(`${ADD} ${flags}`.replace(LAB, 'added.yaml').trim().split(' '));
    if (wrong === 'nothing') assert.notEqual(code, 5, err);
    else {
      assert.equal(code, 5, err);
      const number = text.split('\n').findIndex((one) => one.includes('db9')) + 1;
      assert.match(err, new RegExp(`the name db9 is in use, on line ${number}: .*port: 9.*; correct that line`));
    }
  });

test('every command that takes -o json writes one document', async () => {
  const directory = ['render', 'rendered', '-i', LAB, '-o', 'json'];
  const { code, out } = await inProcess(directory);
  assert.equal(code, 0);
  const document = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual(Object.keys(document), ['directory', 'files', 'hosts']);
  assert.ok(Number(document.files) > 10);
  assert.deepEqual((document.hosts as string[]).includes('db1'), true);
  const without = program.commands
    .filter((one) => one.commands.length === 0 && !one.options.some(({ long }) => long === '--output'))
    .map((one) => one.name());
  assert.deepEqual(without, ['init', 'schema', 'ssh', 'psql', 'completion']);
});
