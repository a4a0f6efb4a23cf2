import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { logLimit, logScript, mergeByTime, readLog, sinceMistake } from '../../src/cluster/host-logs.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { sh } from './sh.ts';

const path = mkdtempSync(join(tmpdir(), 'hapg-test-logs-'));
after(() => rmSync(path, { recursive: true }));

/** A host whose journal is this text. */
function journal(text: string) {
  writeFileSync(join(path, 'text'), text);
  writeFileSync(join(path, 'journalctl'), `#!/bin/sh\ncat ${path}/text\n`, { mode: 0o755 });
  return (limit: number) => readLog(sh(logScript(['patroni'], { since: '-1h' }, limit), { path }).out, limit);
}

test('lines are in the order of time, whatever the zones of the hosts are', () => {
  const merged = mergeByTime([
    { host: 'berlin', lines: ['2026-01-01T13:00:00.000002+0100 a', '2026-01-01T13:00:02.000000+0100 c'] },
    { host: 'utc', lines: ['2026-01-01T12:00:01.000000+00:00 b', '2026-01-01T12:00:03.000000Z d'] },
    { host: 'delhi', lines: ['2026-01-01T17:30:00.000001+0530 first'] },
  ]);
  assert.deepEqual(
    merged.map(({ host, line }) => `${host} ${line.split(' ')[1]}`),
    ['delhi first', 'berlin a', 'utc b', 'berlin c', 'utc d'],
  );
});

test('a message of several lines stays together', () => {
  const merged = mergeByTime([
    { host: 'a', lines: ['2026-01-01T12:00:01.000000Z STATEMENT', '    select', '    1'] },
    { host: 'b', lines: ['2026-01-01T12:00:00.000000Z before', '2026-01-01T12:00:01.000000Z beside'] },
  ]);
  assert.deepEqual(
    merged.map(({ line }) => line.split(' ').at(-1)),
    ['before', 'STATEMENT', 'select', '1', 'beside'],
  );
});

test('of more than the limit the newest whole lines are left, with the place to go on from', () => {
  const lines = Array.from({ length: 1000 }, (_, index) => `2026-01-01T12:00:00.000000Z grün ${index}`);
  const host = journal(`${lines.join('\n')}\n-- cursor: s=1;i=2\n`);
  const whole = host(1e6);
  assert.deepEqual([whole.lines, whole.cursor, whole.cut], [lines, 's=1;i=2', false]);
  const some = host(1000);
  assert.deepEqual([some.cursor, some.cut], ['s=1;i=2', true]);
  assert.ok(some.lines.length > 20 && some.lines.length < 30, String(some.lines.length));
  assert.deepEqual(some.lines, lines.slice(-some.lines.length));
});

test('a journal of exactly the limit is whole, and all hosts together stay within memory', () => {
  const text = '2026-01-01T12:00:00.000000Z a\n';
  assert.equal(journal(text)(text.length).cut, false);
  for (const hosts of [1, 7, 50, 500]) assert.ok(logLimit(hosts) * hosts <= 128 * 1024 * 1024);
});

test('hapg logs shows the hosts of different zones in the order of time, and asks each for so much only', async (context) => {
  const said = (lines: string) => ({ answers: { journalctl: `${lines}\n-- cursor: s=1\n` } });
  const fakes = await fakeHosts({
    db1: said('2026-01-01T02:00:00.000002+01:00 db1 second'),
    db2: said('2026-01-01T01:00:00.000001+00:00 db2 first\n2026-01-01T01:00:00.000003Z db2 third'),
  });
  context.after(() => fakes.close());
  const { code, out } = await inProcess(['logs', 'patroni', '-i', fakes.inventory]);
  assert.equal(code, 0);
  assert.deepEqual(
    [...out.matchAll(/(first|second|third)$/gm)].map(([word]) => word),
    ['first', 'second', 'third'],
  );
  const asked = fakes.scripts.filter(({ script }) => script.includes('journalctl'));
  assert.equal(asked.length, 7);
  for (const { script } of asked) assert.ok(script.includes(`tail -c ${logLimit(7) + 1}`), script);
});

test('times that journalctl takes are taken', () => {
  for (const time of [
    ...['-1h', '-2min', '- 1h 30min', '2 hours ago', '90s ago', 'yesterday', 'now', '@1395716396', '14:05', '14:05:01'],
    ...['2026-01-31', '2026-01-31 14:05', '2026-01-31 14:05:00.5', '2026-01-31T14:05:00Z', 'Fri 2026-01-30 11:12:13'],
    ...['2026-01-31 14:05:00 UTC', '2026-01-31 14:05:00 Europe/Berlin', '2026-01-31 14:05:00+01:00'],
  ])
    assert.equal(sinceMistake(time), undefined, time);
});

test('other times are refused before a host is asked, with the form that was meant', () => {
  assert.match(sinceMistake('2 minutes')!, /: "2 minutes ago" or "-2 minutes"$/);
  assert.match(sinceMistake('1h')!, /"1h ago" or "-1h"/);
  for (const other of ['', 'last week', '31.1.2026', 'x']) assert.match(sinceMistake(other)!, /"2 hours ago"/, other);
});
