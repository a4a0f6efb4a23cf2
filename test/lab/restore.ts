import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '../support/group.ts';
import { leaderOf, leftovers, type OperationDocument, type TestLab } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';

/** SQL as the application user, through the client endpoint. */
export const sql = (lab: TestLab, text: string): string => lab.on('client', `psql -XAtq "${lab.uri}" -c "${text}"`).out;

/** The rows of the test's table on every member, in the order of the hosts. */
export const rowsOn = (lab: TestLab, host: string): string =>
  lab.on(host, `runuser -u postgres -- psql -XAtq -d app -c "select string_agg(n::text, ' ' order by n) from moments"`)
    .out;

/**
 * Backups, and restores to a point in time; `deep`: in every way, with the controller killed, and from nothing but the
 * backup.
 */
export function restoring(lab: TestLab, deep = false): void {
  const restore = (...args: string[]) =>
    lab.hapg(['restore', ...args, '--yes', '--confirm', lab.cluster, '-o', 'json']);

  /** Everything that must hold after a restore. */
  async function restored(rows: string, timelineBefore: number): Promise<void> {
    const status = await lab.healthy(30);
    assert.ok(status.timeline > timelineBefore, 'a new timeline');
    for (const host of ['db1', 'db2', 'db3']) assert.equal(rowsOn(lab, host), rows, host);
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0, 'the plan is empty');
    assert.ok(!readdirSync(join(lab.directory, '.hapg', lab.cluster)).includes('restore.json'));
    sql(lab, 'insert into moments values (1000)');
  }

  test('a backup is taken now, and backups are listed with the window of a restore', async () => {
    await lab.healthy(60);
    assert.equal((await lab.hapg(['backup', '--type', 'weekly', '--yes'])).code, 5);
    const { code, stdout, stderr } = await lab.hapg(['backup', '--type', 'incr', '--yes', '-o', 'json']);
    assert.equal(code, 0, stderr.slice(-2000));
    const { backup } = JSON.parse(stdout) as { backup: { label: string; type: string } };
    assert.equal(backup.type, 'incr');
    const list = JSON.parse((await lab.hapg(['backups', '-o', 'json'])).stdout) as {
      window: { from: string };
      backups: { label: string; type: string; repository_bytes: number }[];
    };
    assert.equal(list.backups.at(-1)!.label, backup.label);
    assert.equal(list.backups[0]!.type, 'full');
    assert.ok(list.backups.every((one) => one.repository_bytes > 0));
    assert.ok(Date.parse(list.window.from) < Date.now());
  });

  test('a restore outside the window, to the wrong name or without one is refused, and nothing is touched', async () => {
    const before = await lab.healthy(60);
    for (const [args, code, says] of [
      [['--latest', '--yes'], 5, /--yes --confirm \w+ is needed/],
      [['--latest', '--yes', '--confirm', 'other'], 1, /not confirmed; nothing was changed/],
      [['--to-time', '2020-01-01T00:00:00Z', '--yes', '--confirm', lab.cluster], 1, /is before the first backup's end/],
      [['--to-time', '2099-01-01T00:00:00Z', '--yes', '--confirm', lab.cluster], 1, /is in the future/],
      [['--to-lsn', '0/1', '--yes', '--confirm', lab.cluster], 1, /is before the first backup's end/],
      [['--latest', '--backup', 'none', '--yes', '--confirm', lab.cluster], 1, /there is no backup none/],
      [['--to-time', 'yesterday', '--yes', '--confirm', lab.cluster], 5, /not a time such as/],
      [['--yes', '--confirm', lab.cluster], 5, /where to\?/],
    ] as const) {
      const refused = await lab.hapg(['restore', ...args]);
      assert.equal(refused.code, code, `${args.join(' ')}: ${refused.stderr}`);
      assert.match(refused.stderr, says);
    }
    const after = await lab.healthy(10);
    assert.equal(after.timeline, before.timeline);
  });

  test('to a time: exactly the rows until then, on every member; the data of before is kept; a new backup is there', async () => {
    const before = await lab.healthy(60);
    sql(
      lab,
      'drop table if exists moments; create table moments (n int primary key, at timestamptz default clock_timestamp())',
    );
    for (let n = 1; n <= 10; n++) sql(lab, `insert into moments (n) values (${n})`);
    const moment = sql(
      lab,
      "select to_char((max(at) + interval '100 ms') at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') from moments",
    );
    await pause(0.5);
    for (let n = 11; n <= 20; n++) sql(lab, `insert into moments (n) values (${n})`);
    const { code, stdout, stderr } = await restore('--to-time', `${moment}Z`);
    assert.equal(code, 0, stderr.slice(-3000));
    const result = JSON.parse(stdout) as OperationDocument & { kept: string; backup: string };
    console.log(`restore to a time: ${result.duration_ms} ms`);
    await restored('1 2 3 4 5 6 7 8 9 10', before.timeline);
    const leader = leaderOf(await lab.healthy(10));
    assert.match(lab.on(leader, `ls ${result.kept}/PG_VERSION`).out, /PG_VERSION/);
    assert.match(lab.on('db1', 'ls /var/lib/hapg/etcd').out, /scope-before-restore-.*\.json/);
    const { backups } = JSON.parse((await lab.hapg(['backups', '-o', 'json'])).stdout) as {
      backups: { type: string; label: string }[];
    };
    assert.equal(backups.at(-1)!.type, 'full');
    assert.notEqual(backups.at(-1)!.label, result.backup);
  });

  if (!deep) return;

  test('to a restore point', async () => {
    const before = await lab.healthy(60);
    for (let n = 21; n <= 25; n++) sql(lab, `insert into moments (n) values (${n})`);
    lab.on(
      leaderOf(before),
      `runuser -u postgres -- psql -XAtqc "select pg_create_restore_point('before the change')"`,
    );
    const refused = await restore('--to-name', 'before the change');
    assert.equal(refused.code, 5, 'spaces are not for names of restore points');
    lab.on(leaderOf(before), `runuser -u postgres -- psql -XAtqc "select pg_create_restore_point('before-change')"`);
    for (let n = 31; n <= 35; n++) sql(lab, `insert into moments (n) values (${n})`);
    const { backups } = JSON.parse((await lab.hapg(['backups', '-o', 'json'])).stdout) as {
      backups: { label: string }[];
    };
    const { code, stdout, stderr } = await restore('--to-name', 'before-change', '--backup', backups.at(-1)!.label);
    assert.equal(code, 0, stderr.slice(-3000));
    console.log(`restore to a name: ${(JSON.parse(stdout) as OperationDocument).duration_ms} ms`);
    await restored('1 2 3 4 5 6 7 8 9 10 21 22 23 24 25 1000', before.timeline);
  });

  test('to an LSN', async () => {
    const before = await lab.healthy(60);
    const here = sql(lab, 'select pg_current_wal_lsn()');
    for (let n = 41; n <= 45; n++) sql(lab, `insert into moments (n) values (${n})`);
    const rows = rowsOn(lab, 'db1')
      .split(' ')
      .filter((n) => Number(n) < 41 || Number(n) > 45)
      .join(' ');
    const { code, stderr } = await restore('--to-lsn', here);
    assert.equal(code, 0, stderr.slice(-3000));
    await restored(rows, before.timeline);
  });

  test('the controller is killed in every phase: the same command goes on, and never is a cluster of two times seen', {
    seconds: 3600,
  }, async () => {
    const before = await lab.healthy(60);
    sql(lab, 'insert into moments (n) values (2000)');
    const rows = rowsOn(lab, leaderOf(before));
    let kills = 0;
    for (;;) {
      // Until the order is saved, the target has to be given.
      const order = join(lab.directory, '.hapg', lab.cluster, 'restore.json');
      const words = existsSync(order) ? [] : ['--latest'];
      const run = lab.start(['restore', ...words, '--yes', '--confirm', lab.cluster]);
      const timer = setTimeout(() => run.kill('SIGKILL'), milliseconds(5000 + kills * 1500));
      const { code, stderr } = await run.done;
      clearTimeout(timer);
      if (code === 0) break;
      console.log(`killed at: ${stderr.trim().split('\n').at(-1)}`);
      assert.equal(code, null, stderr.slice(-2000));
      assert.ok(++kills < 25, 'it comes to its end');
      const { status } = await lab.status();
      const timelines = new Set(
        status.members.filter((member) => member.state === 'streaming').map((member) => member.timeline),
      );
      assert.ok(timelines.size <= 1, 'replicas of one time only');
      await pause(2);
    }
    assert.ok(kills > 2, `${kills} kills`);
    await restored(rows, before.timeline);
  });

  test('all database hosts are lost with their disks: the cluster comes back from the repository alone', async () => {
    const before = await lab.healthy(60);
    sql(lab, 'insert into moments (n) values (3000)');
    const rows = rowsOn(lab, leaderOf(before));
    const archived = await lab.hapg(['backup', '--type', 'incr', '--yes']);
    assert.equal(archived.code, 0, archived.stderr);
    for (const host of ['db1', 'db2', 'db3']) lab.docker('rm', '-f', `${lab.cluster}-${host}`);
    assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
    const refused = await lab.hapg(['apply', '--yes']);
    assert.equal(refused.code, 1, 'no new, empty cluster beside the backups');
    assert.match(refused.stderr, /there are backups of .* "hapg restore --latest" brings it back/);
    const { code, stderr } = await restore('--latest');
    assert.equal(code, 0, stderr.slice(-3000));
    await restored(rows, before.timeline);
  });
}
