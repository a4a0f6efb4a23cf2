import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { RestoreOrder } from '../../playbooks/recover.ts';
import { describeMoment, epochMs, type OffsetAt, parseMoment, postgresTime } from '../../src/cluster/moment.ts';
import { targetArguments } from '../../src/cluster/restore-target.ts';
import { readOrder, targetOf, writeOrder } from '../../src/commands/restore-order.ts';
import { Refused } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';

/** A zone whose clocks are one hour ahead of UTC, and two between two instants: Berlin in 2026. */
const berlin: OffsetAt = (ms) => (ms >= Date.UTC(2026, 2, 29, 1) && ms < Date.UTC(2026, 9, 25, 1) ? 2 * 3600 : 3600);
/** A zone that has gone from 10 hours behind to 14 ahead, without the 30th (Samoa, 2011, in whole hours). */
const samoa: OffsetAt = (ms) => (ms < Date.UTC(2011, 11, 30, 10) ? -10 * 3600 : 14 * 3600);

for (const [text, utc, zone] of [
  ['2026-01-31T14:05:00Z', '2026-01-31T14:05:00Z', berlin],
  ['2026-01-31 14:05 UTC', '2026-01-31T14:05:00Z', berlin],
  ['2026-01-31T14:05:00.123456Z', '2026-01-31T14:05:00.123456Z', berlin],
  ['2026-01-31 14:05:00.5+05:30', '2026-01-31T08:35:00.5Z', berlin],
  ['2026-01-31 14:05:00.000100-0330', '2026-01-31T17:35:00.000100Z', berlin],
  ['2024-02-29 00:00:00+01', '2024-02-28T23:00:00Z', berlin],
  ['2000-02-29 00:00:00Z', '2000-02-29T00:00:00Z', berlin],
  ['2026-01-31 14:05:00', '2026-01-31T13:05:00Z', berlin],
  ['2026-07-31 14:05:00.000001', '2026-07-31T12:05:00.000001Z', berlin],
  ['2026-03-29 01:59:59.999999', '2026-03-29T00:59:59.999999Z', berlin],
  ['2026-03-29 03:00:00', '2026-03-29T01:00:00Z', berlin],
  ['2026-10-25 01:59:59', '2026-10-24T23:59:59Z', berlin],
  ['2026-10-25 03:00:00', '2026-10-25T02:00:00Z', berlin],
  ['2026-10-25 02:30:00+02:00', '2026-10-25T00:30:00Z', berlin],
  ['2011-12-29 23:59:59', '2011-12-30T09:59:59Z', samoa],
  ['2011-12-31 00:00:00', '2011-12-30T10:00:00Z', samoa],
] as [string, string, OffsetAt][])
  test(`${text} is ${utc}`, () => {
    assert.equal(parseMoment(text, zone), utc);
  });

for (const [text, message, zone] of [
  ['2026-02-30 10:00', /no such day: 2026-02 has the days 01 to 28/, berlin],
  ['2024-02-30 10:00Z', /01 to 29/, berlin],
  ['1900-02-29 10:00Z', /01 to 28/, berlin],
  ['2026-04-31T10:00:00Z', /01 to 30/, berlin],
  ['2026-01-00 10:00', /no such day/, berlin],
  ['2026-13-01 10:00', /no month 13/, berlin],
  ['2026-00-01 10:00', /no month 00/, berlin],
  ['2026-01-31 24:00', /no such time of day/, berlin],
  ['2026-01-31 10:60', /no such time of day/, berlin],
  ['2026-01-31 23:59:60Z', /no such time of day/, berlin],
  ['2026-01-31 10:00:00.1234567Z', /microseconds: at most six/, berlin],
  ['2026-01-31 10:00+16:00', /no zone is \+16:00 away/, berlin],
  ['2026-01-31 10:00+01:75', /no zone is/, berlin],
  ['2026-01-31', /^at what time of that day\? It begins at "2026-01-31 00:00"; not a time such as/, berlin],
  ['14:05', /^of which day\? not a time such as/, berlin],
  ['yesterday', /not a time such as/, berlin],
  ['', /not a time such as/, berlin],
  [
    '2026-01-31 10:00 Europe/Berlin',
    /^names of time zones are not taken; .*"2026-01-31 10:00\+01:00"; not a time such as/,
    berlin,
  ],
  ['2026-01-31 10:00 CET', /not a time such as/, berlin],
  [
    '2026-10-25 02:30:00.25',
    /twice.*Write "2026-10-25 02:30:00\.25\+02:00" \(00:30:00\.25 UTC\) or "2026-10-25 02:30:00\.25\+01:00" \(01:30:00\.25 UTC\)/,
    berlin,
  ],
  ['2026-10-25 02:00', /twice/, berlin],
  [
    '2026-03-29 02:30',
    /never.*Write "2026-03-29 02:30:00\+02:00" \(00:30:00 UTC\) or "2026-03-29 02:30:00\+01:00" \(01:30:00 UTC\)/,
    berlin,
  ],
  ['2011-12-30 12:00', /never.*-10:00.*\+14:00|never.*\+14:00.*-10:00/, samoa],
] as [string, RegExp, OffsetAt][])
  test(`"${text}" is refused`, () => {
    assert.throws(() => parseMoment(text, zone), { message });
  });

test('whatever is written with a zone reaches PostgreSQL as the same instant, to the microsecond', () => {
  const two = (value: number, size = 2) => String(value).padStart(size, '0');
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true }),
      fc.integer({ min: 0, max: 999_999 }),
      fc.integer({ min: -15 * 60, max: 15 * 60 }),
      (date, micros, minutes) => {
        const seconds = Math.floor(date.getTime() / 1000) * 1000;
        const local = new Date(seconds + minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
        const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
        const at = parseMoment(`${local}.${two(micros, 6)}${zone}`);
        assert.ok(Math.abs(epochMs(at) - (seconds + micros / 1000)) < 0.0006);
        const utc = new Date(seconds).toISOString().slice(0, 19);
        assert.equal(postgresTime(at), `${utc.replace('T', ' ')}.${two(micros, 6)}+00`);
        assert.equal(parseMoment(`${describeMoment(at)}Z`).slice(0, 19), utc);
      },
    ),
  );
});

/** What a time that a person writes is by the clocks of this machine, or why it is none. */
function said(text: string): string {
  try {
    return parseMoment(text);
  } catch (error) {
    return (error as Error).message;
  }
}

for (const [zone, text, expected] of [
  ['Europe/Berlin', '2026-10-25 02:30:00', /twice.*\+02:00.*\+01:00/],
  ['Europe/Berlin', '2026-03-29 02:30:00', /never/],
  ['America/New_York', '2026-11-01 01:30:00', /twice.*-04:00.*-05:00/],
  ['Australia/Lord_Howe', '2026-04-05 01:45:00', /twice.*\+11:00.*\+10:30/],
  ['Asia/Kathmandu', '2026-01-31 14:05:00', /^2026-01-31T08:20:00Z$/],
  ['Europe/Berlin', '2026-07-31 14:05:00.5', /^2026-07-31T12:05:00\.5Z$/],
  ['UTC', '2026-10-25 02:30:00', /^2026-10-25T02:30:00Z$/],
] as const)
  test(`${text} by the clocks of ${zone}`, () => {
    const before = process.env.TZ;
    process.env.TZ = zone;
    try {
      assert.match(said(text), expected);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

test('a target that is a time is refused by its flag, and goes to pgBackRest with its microseconds', () => {
  assert.throws(() => targetOf({ toTime: '2026-02-30 10:00' }), {
    message: /^--to-time 2026-02-30 10:00: .*no such day/,
  });
  assert.ok(
    targetArguments(targetOf({ toTime: '2026-01-31T14:05:00.123456Z' })!, 3).includes(
      '--target=2026-01-31 14:05:00.123456+00',
    ),
  );
});

const root = mkdtempSync(join(tmpdir(), 'hapg-order-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('what is written of a restore is what is read, with every key that an order can have', () => {
  const { cluster } = parseInventory(readFileSync('inventory/lab.yaml', 'utf8'), join(root, 'whole.yaml'));
  mkdirSync(cluster.stateDir, { recursive: true });
  const order: Required<RestoreOrder> = {
    target: { kind: 'lsn', lsn: '0/3000060' },
    timeline: 3,
    backup: '20260101-000000F',
    repository: 2,
    bytes: 5,
    tablespaces: ['/srv/fast', '/srv/slow'],
    host: 'db1',
    stamp: '20260131T140500',
    done: ['stopped', 'forgotten', 'restored'],
    source: 'main',
  };
  writeOrder(cluster, order);
  assert.deepEqual(readOrder(cluster), order);
});

test('a restore that was begun is read again, also one that an older version wrote; a damaged file is refused', () => {
  const { cluster } = parseInventory(readFileSync('inventory/lab.yaml', 'utf8'), join(root, 'lab.yaml'));
  const file = join(cluster.stateDir, 'restore.json');
  mkdirSync(dirname(file), { recursive: true });
  const order = {
    target: { kind: 'time', at: '2026-01-31T14:05:00.000Z' },
    timeline: 3,
    backup: 'x',
    repository: 1,
    bytes: 5,
    host: 'db1',
    stamp: 's',
    done: ['stopped'],
  };
  writeFileSync(file, JSON.stringify(order));
  assert.deepEqual(readOrder(cluster), order);
  for (const damaged of [
    '',
    '{',
    'null',
    '5',
    '[]',
    '{"target":{"kind":"time","at":5}}',
    JSON.stringify({ ...order, done: 1 }),
  ]) {
    writeFileSync(file, damaged);
    assert.throws(() => readOrder(cluster), Refused, damaged);
  }
});
