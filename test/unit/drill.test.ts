import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';

const GOOD = {
  ok: true,
  backup: '20260101-000000F',
  started: 1_767_225_600,
  finished: 1_767_225_660,
  newest: 1_767_225_500,
  restore_s: 20,
  recovery_s: 30,
  check_s: 10,
  bytes: 1_000_000,
  counts: [{ database: 'app', table: 'orders', rows: 7 }],
  error: null,
};

/** Runs a drill on fake hosts, of which the backup host's script has left this result. */
async function drill(context: TestContext, result: object | undefined, words: string[] = []) {
  const { backup } = healthyHosts();
  const answers = { '| tail -n 12': '', '/var/lib/hapg/drill.json': result ? JSON.stringify(result) : '' };
  const fakes = await setUp(context, { hosts: { backup: { ...backup, answers } }, stored: true });
  const ended = await inProcess(['drill', 'restore', ...words, '-i', fakes.inventory]);
  return { ...ended, scripts: fakes.scripts };
}

test('a good drill ends with 0 and says what it has proven; the backup host does all of it', async (context) => {
  const { code, out, err, scripts } = await drill(context, GOOD, ['--count', 'app.orders']);
  assert.equal(code, 0, err);
  assert.match(out, /20260101-000000F is good/);
  assert.match(out, /app\.orders: 7 rows/);
  const started = scripts.filter(({ script }) => script.includes('systemd-run -q --unit=hapg-drill'));
  assert.deepEqual(
    started.map(({ host }) => host),
    ['backup'],
  );
  assert.match(started[0]!.script, /drill app\.orders/);
});

test('a drill that finds damage ends with 1, as a document too', async (context) => {
  const bad = { ...GOOD, ok: false, error: 'pg_amcheck found damage' };
  const { code, out } = await drill(context, bad, ['-o', 'json']);
  assert.equal(code, 1);
  const document = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual([document.ok, document.host, document.error], [false, 'backup', 'pg_amcheck found damage']);
});

test('a drill that leaves no result is a failure of its host', async (context) => {
  const { code, err } = await drill(context, undefined);
  assert.equal(code, 2, err);
  assert.match(err, /backup: restore drill: it left no result/);
});
