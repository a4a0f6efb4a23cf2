import assert from 'node:assert/strict';
import { settingNames, settingOf } from '../../src/postgres/settings.ts';
import { PG_SETTINGS, rowsOf } from '../../src/postgres/table-text.ts';
import { quote } from '../../src/shell/quote.ts';
import { test } from '../support/group.ts';
import { report, set, type TestLab } from '../support/lab.ts';

const asPostgres = (command: string) => `runuser -u postgres -- ${command}`;

/** Settings of PostgreSQL: checked before any host is contacted, in effect afterwards. */
export function settling(lab: TestLab): void {
  const members = lab.with('patroni');
  const ask = (host: string, statement: string) => lab.on(host, asPostgres(`psql -XAtqc ${quote(statement)}`)).out;
  const everywhere = (name: string, value: string) => {
    for (const host of members) assert.equal(ask(host, `show ${name}`), value, `${name} of ${host}`);
  };
  const edit = (...words: string[]) => lab.hapg(['config', 'edit', '--yes', ...words]);

  test("the table of settings is what the hosts' own PostgreSQL says of itself", () => {
    const [host] = members;
    const major = Number(ask(host!, 'show server_version_num').slice(0, -4));
    const described = lab.on(host!, `/usr/lib/postgresql/${major}/bin/postgres --describe-config`).out;
    const real = rowsOf(ask(host!, PG_SETTINGS), described);
    const differences = [...new Set([...real.keys(), ...settingNames(major)])].flatMap((name) => {
      const [shipped, there] = [settingOf(major, name), real.get(name)];
      const text = (one: object | undefined) => JSON.stringify(one && { ...one, name });
      return text(shipped) === text(there) ? [] : [`${name}: ${text(shipped)} → ${text(there)}`];
    });
    assert.deepEqual(differences, [], 'npm run settings');
  });

  test('a setting that Patroni takes from the dynamic configuration only takes effect on every member', async () => {
    const { code, stderr } = await edit('--set', 'postgres.parameters.wal_keep_size=2GB');
    assert.equal(code, 0, stderr.slice(-2000));
    everywhere('wal_keep_size', '2GB');
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('what would be thrown away silently is refused before anything changes', async () => {
    for (const wrong of ['shared_bufers=1GB', 'max_connections=20', 'max_connections=abc', 'wal_keep_segments=100']) {
      const { code, stderr } = await edit('--set', `postgres.parameters.${wrong}`);
      assert.equal(code, 5, `${wrong}: ${stderr}`);
    }
    everywhere('max_connections', '100');
    everywhere('wal_keep_size', '2GB');
  });

  test('what only the hosts can tell, PostgreSQL there refuses before the file is replaced', async () => {
    const { code, stdout } = await lab.hapg([
      'apply',
      '--yes',
      '-o',
      'json',
      '-e',
      'postgres.parameters.lc_messages=xx_XX.UTF-8',
    ]);
    assert.equal(code, 2, stdout.slice(-2000));
    assert.match(report(stdout).failed[0]!.message, /PostgreSQL refuses these settings[\s\S]*"lc_messages": "xx_XX/);
    for (const host of members)
      assert.notEqual(lab.on(host, 'grep -q xx_XX /etc/patroni/config.yml').code, 0, `${host} has the file`);
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0, 'what was marked as due is done');
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('postgresql.conf was edited by hand: plan names what is not in effect, and apply mends it', async () => {
    const host = members.at(-1)!;
    const conf = ask(host, 'show config_file');
    const before = ask(host, 'show max_wal_size');
    lab.on(host, `sed -i "s/^max_wal_size = .*/max_wal_size = '3GB'/" ${quote(conf)}`);
    ask(host, 'select pg_reload_conf()');
    const planned = report((await lab.hapg(['plan', '-o', 'json'])).stdout);
    assert.deepEqual(set(planned), [`${host} settings-in-effect of PostgreSQL reload`]);
    const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-2000));
    assert.deepEqual(set(report(stdout)), set(planned));
    assert.equal(ask(host, 'show max_wal_size'), before);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('a setting is taken back, and all is as it was', async () => {
    const { code, stderr } = await edit('--unset', 'postgres.parameters.wal_keep_size');
    assert.equal(code, 0, stderr.slice(-2000));
    everywhere('wal_keep_size', '128MB');
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });
}
