import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type ExtractOrder, extractScripts } from '../../playbooks/extract.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { partOf } from '../../src/commands/restore-part.ts';
import { mayExtract } from '../../src/decisions/restore.ts';
import { UsageError } from '../../src/errors.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { type FakeHost, healthyHosts, hostsWithBackup } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { healthyLab, its, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const NOW = new Date('2026-01-31T14:05:00Z');
const part = (flags: object) => partOf(flags as Parameters<typeof partOf>[0], NOW);

test('what is brought back gets a name of its own, unless one is given', () => {
  assert.deepEqual(part({ database: 'app' }), {
    database: 'app',
    table: undefined,
    as: 'app_restored_20260131_140500',
  });
  assert.deepEqual(part({ database: 'app', table: 'orders', as: 'back' }), {
    database: 'app',
    table: 'public.orders',
    as: 'back',
  });
  const long = 'a'.repeat(63);
  assert.equal(part({ database: long }).as.length, 63, 'PostgreSQL would cut a longer name');
});

for (const [what, flags, says] of [
  ['a table without its database', { table: 'orders' }, /--table goes with --database/],
  ['a name without a database', { as: 'back' }, /--as goes with --database/],
  ['a name that needs quotes', { database: 'my app' }, /--database my app: a name of/],
  ['a name of PostgreSQL', { database: 'app', as: 'pg_back' }, /PostgreSQL's own/],
  ['a table with its database', { database: 'app', table: 'app.public.orders' }, /SCHEMA\.TABLE; the database is/],
  ['a host of its own', { database: 'app', on: 'db2' }, /--on is for a whole cluster/],
  ['a clone of it', { database: 'app', into: 'copy.yaml' }, /--into is for a whole cluster/],
] as const)
  test(`${what} is refused before any contact`, () => {
    assert.throws(
      () => part(flags),
      (error: Error) => error instanceof UsageError && says.test(error.message),
    );
  });

test('a part is restored only into a cluster with a leader, from backups that reach the target', () => {
  const judge = (change: (all: ReturnType<typeof healthyLab>) => void = () => undefined, now = 0) => {
    const all = healthyLab();
    change(all);
    const snapshot = takeSnapshot(all);
    const facts = { repository: snapshot.repository, lastCommit: undefined, now };
    const result = mayExtract(labCluster(), snapshot, { kind: 'latest' }, undefined, facts);
    return result.ok ? '' : result.reasons.join('; ');
  };
  assert.equal(judge(), '');
  assert.match(
    judge((all) => all.set('backup', { ...all.get('backup')!, repository: undefined })),
    /does not answer/,
  );
  assert.match(
    judge((all) => (its(all.get('backup')!.repository).backups[0]!.damaged = true)),
    /damaged pages/,
  );
  assert.match(
    judge((all) => {
      for (const name of ['db1', 'db2', 'db3']) all.set(name, { ...all.get(name)!, patroni: undefined });
    }),
    /no member leads/,
  );
});

/** A host with programs that write down what they are asked; the paths of the script are in a directory of its own. */
function host(flags: object, { rc = 0, dump = 0, names = '' } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-extract-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const log = `echo "$(basename "$0") $*" >> ${directory}/calls`;
  const path = programs({
    runuser: 'shift 3; exec "$@"',
    install: 'for one; do case $one in /*) mkdir -p "$one" ;; esac; done',
    chown: ':',
    systemctl: ':',
    df: 'echo; echo "x 1 1 99999999 1% /"',
    pgbackrest: `${log}; echo restored`,
    pg_controldata: 'echo "max_prepared_xacts setting: 0"',
    // As PostgreSQL does, it leaves with its directory.
    postgres: `while [ -d ${directory}/scratch ]; do sleep 0.1; done`,
    pg_ctl: ':',
    pg_dump: `${log}; echo dump; exit ${dump}`,
    pg_restore: `${log}; cat > ${directory}/restored; exit ${rc}`,
    psql: `${log}
case "$*" in
  *recovery*) echo f ;;
  *relkind::text*) echo rfalse ;;
  *size*) echo 1000 ;;
  *"create database %I"*|*"format('create database"*) echo "create database made" ;;
  *"pg_database where datname = 'app'"*) echo 1 ;;
  *count*) echo ${names || 0} ;;
  *) cat > /dev/null ;;
esac < /dev/null`,
  });
  const cluster = { ...labCluster(), binDir: path };
  const order = {
    ...part(flags),
    target: { kind: 'latest' },
    timeline: 3,
    backup: { ...its(healthyLab().get('backup')!.repository).backups[0]!, repository: 2 },
  } satisfies ExtractOrder;
  const here = (script: string) =>
    script
      .replaceAll('/var/lib/postgresql/hapg-extract', `${directory}/scratch`)
      .replaceAll('/run/hapg-extract', `${directory}/run`)
      .replaceAll('/etc/pgbackrest/pgbackrest.conf', `${directory}/conf`);
  writeFileSync(join(directory, 'conf'), '[global]\nrepo1-path=/r\narchive-async=y\n[pglab]\npg1-path=/living\n');
  const scripts = extractScripts(cluster, cluster.hosts[0]!, order);
  const calls = () => readFileSync(join(directory, 'calls'), 'utf8');
  return { directory, path, scripts: { work: here(scripts.work), undo: here(scripts.undo) }, calls };
}

for (const flags of [{ database: 'app' }, { database: 'app', table: 'orders' }])
  test(`the work and its undo are scripts that sh understands: ${Object.keys(flags).join(' and ')}`, () => {
    for (const input of Object.values(host(flags).scripts)) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input });
      assert.equal(status, 0, String(stderr));
    }
  });

test('a database is copied from a scratch server into a new one, and nothing is left of the scratch server', () => {
  const { scripts, path, calls, directory } = host({ database: 'app', as: 'back' });
  const { code, out } = sh(scripts.work, { path });
  assert.equal(code, 0, out);
  assert.match(calls(), /^pgbackrest .*--db-include=app --repo=2 --set=20260101-000000F --type=default restore$/m);
  assert.match(calls(), /^psql .*-p 5432 .*create database made$/m);
  assert.match(calls(), /^pg_restore --exit-on-error .*-p 5432 -d back$/m);
  assert.equal(readFileSync(join(directory, 'restored'), 'utf8'), 'dump\n');
  assert.doesNotMatch(calls(), /drop database/);
  assert.equal(existsSync(join(directory, 'scratch')), false);
});

for (const [what, broken] of [
  ['the copy', { rc: 1 }],
  ['the dump', { dump: 1 }],
] as const)
  test(`when ${what} fails, the new database is dropped and nothing is left`, () => {
    const { scripts, path, calls, directory } = host({ database: 'app', as: 'back' }, broken);
    const { code, out } = sh(scripts.work, { path });
    assert.equal(code, 1);
    assert.match(out, new RegExp(`${what} failed`));
    assert.match(calls(), /drop database if exists back with \(force\)/);
    assert.equal(existsSync(join(directory, 'scratch')), false);
  });

test('a database that was there before is never dropped', () => {
  const { scripts, path, calls } = host({ database: 'app', as: 'back' }, { names: '1' });
  const { code, out } = sh(scripts.work, { path });
  assert.equal(code, 1);
  assert.match(out, /the database back exists by now/);
  assert.doesNotMatch(calls(), /drop database|create database made/);
});

test('a table comes back in a schema of its own, all or nothing', () => {
  const { scripts, path, calls } = host({ database: 'app', table: 'sales.orders', as: 'back' });
  const { code, out } = sh(scripts.work, { path });
  assert.equal(code, 0, out);
  assert.match(calls(), /^psql .*-v name=sales\.orders -v target=back$/m);
  assert.match(calls(), /^pg_dump .* -d app -n back$/m);
  assert.match(calls(), /^pg_restore --single-transaction .*-d app$/m);
});

/** Runs the command against a healthy cluster whose leader answers the question about names like this. */
async function command(context: TestContext, words: string[], names: string) {
  const { backup, ...members } = healthyHosts();
  const repository = hostsWithBackup().backup!.sections!;
  const hosts: Record<string, FakeHost> = {
    ...members,
    db1: { ...members.db1, answers: { 'select datname from pg_database': names, nspname: '' } },
    backup: { sections: { ...backup!.sections, ...repository } },
  };
  const fakes = await setUp(context, { hosts, stored: true });
  const ended = await inProcess(['restore', ...words, '--yes', '-i', fakes.inventory]);
  const on = fakes.scripts.filter(({ script }) => script.includes('systemd-run -q --unit=hapg-extract'));
  return { ...ended, on: on.map(({ host: name }) => name) };
}

test('the leader does it, beside its own database', async (context) => {
  const { on, err, out } = await command(context, ['--database', 'app', '--as', 'back', '--latest'], '');
  assert.deepEqual(on, ['db1'], `${out}${err}`);
  assert.match(out, /database app as it was at the newest archived transaction, .* as the new database back/);
});

test('a name that is taken is refused before anything is restored', async (context) => {
  const { code, on, err } = await command(context, ['--database', 'app', '--as', 'back', '--latest'], 'back\n');
  assert.equal(code, 1, err);
  assert.match(err, /there is a database back already: name another one with --as/);
  assert.deepEqual(on, []);
});

test('a table of a database that is gone comes back with the whole of it', async (context) => {
  const { code, err } = await command(context, ['--database', 'app', '--table', 'orders', '--latest'], '');
  assert.equal(code, 1, err);
  assert.match(err, /the cluster has no database app: restore all of it, without --table/);
});

test('a restore of a part has to say to when', async () => {
  const { code, err } = await inProcess(['restore', '--database', 'app', '-i', 'inventory/lab.yaml']);
  assert.equal(code, 5);
  assert.match(err, /to when\? --latest/);
});
