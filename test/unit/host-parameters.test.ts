import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { contextFor, labCluster } from './model.ts';

const DB3 = 'db3:    {address: 10.1.1.12, ssh: {host: 127.0.0.1, port: 3003}';
const withOwn = (parameters: string, host = DB3) =>
  labCluster([host, `${host}, postgres: {parameters: ${parameters}}`]);

test("a member's own settings lie over those of all, and no other member has them", async () => {
  const cluster = withOwn('{work_mem: 64MB, log_min_duration_statement: 250}');
  const context = await contextFor(cluster);
  const of = (name: string) => memberParameters(cluster.hosts.find((host) => host.name === name)!, context);
  assert.equal(of('db3').work_mem, '64MB');
  assert.equal(of('db3').log_min_duration_statement, 250);
  assert.notEqual(of('db1').work_mem, '64MB');
  assert.equal(of('db1').log_min_duration_statement, undefined);
});

for (const [what, parameters, says] of [
  ['a name that is none', '{wrok_mem: 64MB}', /inventory\/lab\.yaml:\d+:\d+: error: .*no setting wrok_mem/],
  ['a value that is none', '{work_mem: lots}', /error: work_mem cannot be "lots"/],
  [
    'a setting that all members share',
    '{max_connections: 10}',
    /max_connections must be the same on all members, each of which may lead: write it under postgres\.parameters/,
  ],
  ['libraries that all members load', '{shared_preload_libraries: pgaudit}', /must be the same on all members/],
  ['a setting of hapg itself', '{ssl: off}', /ssl cannot be set here/],
] as const)
  test(`${what} is refused for one member too, with its place`, () => {
    assert.throws(() => withOwn(parameters), says);
  });

test('a host without PostgreSQL has no settings of it', () => {
  const proxy = 'proxy1: {address: 10.1.1.14, ssh: {host: 127.0.0.1, port: 3005}';
  assert.throws(() => withOwn('{work_mem: 64MB}', proxy), /proxy1 has no PostgreSQL: its roles lack patroni/);
});
