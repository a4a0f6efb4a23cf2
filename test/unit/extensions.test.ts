import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apply, install } from '../../playbooks/apply.ts';
import { dcsConfig } from '../../roles/patroni/dynamic-config.ts';
import { packageSources } from '../../roles/patroni/package-sources.ts';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import { patroniExtensions, patroniPackages } from '../../roles/patroni/patroni.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { patroniScope } from '../../src/inventory/model.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { contextFor, labCluster } from './model.ts';

const EXTENSIONS = 'parameters:\n    max_connections: 100';
const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n=def\n-----END PGP PUBLIC KEY BLOCK-----';
const withExtensions = (list: string, parameters = '') =>
  labCluster(
    [EXTENSIONS, `extensions: ${list}\n  ${EXTENSIONS}${parameters}`],
    ['{name: app, owner: app}', '{name: app, owner: app, extensions: [vector, citext]}'],
  );

test('an extension brings its packages; what comes with PostgreSQL brings none', () => {
  const packages = patroniPackages(
    withExtensions('[pgaudit, pg_stat_statements, {name: mine, packages: [postgresql-17-mine]}]'),
  );
  for (const name of ['postgresql-17-pgaudit', 'postgresql-17-mine', 'postgresql-17-pgvector'])
    assert.ok(packages.includes(name), name);
  assert.ok(!packages.some((name) => /citext|statements/.test(name)));
});

for (const [what, list, byHand, libraries] of [
  ['in the order of the inventory', '[pgaudit, pg_cron]', '', 'pgaudit,pg_cron'],
  ['Citus before all others', '[pg_stat_statements, pgaudit, citus]', '', 'citus,pg_stat_statements,pgaudit'],
  ['with a library of its own', '[{name: mine, preload: mine_worker}]', '', 'mine_worker'],
  [
    'those named by hand behind them, none twice',
    '[pgaudit]',
    '\n    shared_preload_libraries: "auto_explain, pgaudit"',
    'pgaudit,auto_explain',
  ],
] as const)
  test(`libraries are loaded ${what}`, async () => {
    const cluster = withExtensions(list, byHand);
    assert.equal(memberParameters(cluster.hosts[0]!, await contextFor(cluster)).shared_preload_libraries, libraries);
  });

test('without a library to load nothing is said of any', async () => {
  const cluster = labCluster();
  assert.ok(!('shared_preload_libraries' in memberParameters(cluster.hosts[0]!, await contextFor(cluster))));
});

test('an extension is made in the databases that ask for it, and only where it is missing', async () => {
  const cluster = withExtensions('[pgaudit]');
  const [step, ...others] = patroniExtensions(cluster.hosts[0]!, await contextFor(cluster));
  assert.deepEqual(others, []);
  assert.equal(step!.kind.diff(step!, ['plpgsql', 'citext'])?.summary, 'create extension vector in app');
  assert.equal(step!.kind.diff(step!, undefined)?.summary, 'create extension vector, citext in app');
  assert.equal(step!.kind.diff(step!, ['citext', 'vector']), undefined);
});

test("a package source stands in a file of its own, signed by the inventory's key alone", async () => {
  const cluster = labCluster([
    'cluster: pglab\n',
    `cluster: pglab\napt:\n  repositories:\n    - name: vendor\n      uri: https://packages.example.com/debian\n      key: |\n        ${KEY.replaceAll('\n', '\n        ')}\n`,
  ]);
  const context = await contextFor(cluster);
  const step = packageSources('patroni', cluster.hosts[0]!, context).find((one) => one.id.endsWith('/hapg.sources'))!;
  assert.equal(step.id, 'file /etc/apt/sources.list.d/hapg.sources');
  assert.equal(
    step.want.content,
    '# Managed by hapg\nX-Name: vendor\nTypes: deb\nURIs: https://packages.example.com/debian\nSuites: trixie\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n =def\n -----END PGP PUBLIC KEY BLOCK-----\n',
  );
  assert.ok(!packageSources('client', cluster.hosts[6]!, context).some((one) => one.id.endsWith('/hapg.sources')));
});

test('the host of the repository, where drills start the server, has what members have: packages of extensions and their sources', async () => {
  const cluster = labCluster(
    [EXTENSIONS, `extensions: [pg_cron]\n  ${EXTENSIONS}`],
    [
      'cluster: pglab\n',
      `cluster: pglab\napt:\n  repositories:\n    - name: vendor\n      uri: https://packages.example.com/debian\n      key: |\n        ${KEY.replaceAll('\n', '\n        ')}\n`,
    ],
  );
  const host = cluster.hosts.find((one) => one.roles.has('pgbackrest'))!;
  const context = await contextFor(cluster);
  const there = install.steps(host, context).flatMap((one) => (one.want as { names?: string[] }).names ?? []);
  const wanted = patroniPackages(cluster).filter((name) => name.startsWith('postgresql-'));
  assert.ok(wanted.includes('postgresql-17-cron'));
  assert.deepEqual(
    wanted.filter((name) => !there.includes(name)),
    [],
  );
  const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
  const ids = allSteps(apply, host, context, scope).flatMap(({ steps }) => steps.map(({ id }) => id));
  const source = ids.indexOf('file /etc/apt/sources.list.d/hapg.sources');
  assert.ok(source >= 0 && source < ids.indexOf('packages pgbackrest'), ids.join(' '));
});

test('a group of Citus has keys of its own, and patronictl is told which group', () => {
  const cluster = labCluster(
    [EXTENSIONS, `extensions: [citus]\n  ${EXTENSIONS}`],
    ['rto: fast', 'rto: fast\npatroni: {scope: sharded, citus: {group: 1, database: app}}'],
  );
  assert.equal(cluster.dcsPath, '/service/sharded/1/');
  assert.deepEqual(patroniScope(cluster), ['sharded', '--group', '1']);
  assert.equal(labCluster().dcsPath, '/service/pglab/');
});

test('preloaded libraries are a setting of the member, so that packages are there before it is read', async () => {
  const cluster = withExtensions('[pgaudit]');
  assert.ok(!JSON.stringify(dcsConfig(await contextFor(cluster))).includes('shared_preload_libraries'));
});
