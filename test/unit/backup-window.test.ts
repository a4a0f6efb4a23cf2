import assert from 'node:assert/strict';
import { test } from 'node:test';
import { windowOf } from '../../src/cluster/backup-window.ts';
import { windowText } from '../../src/commands/backup.ts';
import { fakeHosts, hostsWithBackup } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { EMPTY } from './model.ts';

const AT = (text: string) => Date.parse(text) / 1000;
const BACKUP = { stop: AT('2026-01-01T03:00:00Z'), stopLsn: '0/3000050' };
type Given = Parameters<typeof windowOf>[0];
/** A snapshot with these backups, of members that have archived at these times. */
const snapshot = (backups: object[], ...archived: (string | null)[]): Given =>
  ({
    repository: { backups },
    observations: new Map(
      archived.map((time, index) => [
        `db${index}`,
        { ...EMPTY, sql: { said: { archiver: { last_archived_time: time } } } },
      ]),
    ),
  }) as unknown as Given;

test('a restore reaches from the end of the oldest backup until the newest WAL was archived, by whichever member', () => {
  const later = { ...BACKUP, stop: BACKUP.stop + 3600 };
  const window = windowOf(
    snapshot([BACKUP, later], '2026-01-01T05:00:00+00:00', '2026-01-02T12:00:00.123+01:00', null),
  );
  assert.deepEqual(window, {
    ...{ from: BACKUP.stop, fromLsn: '0/3000050' },
    ...{ until: AT('2026-01-02T11:00:00Z'), source: 'archive' },
  });
});

test('where no member tells, the end of the newest backup is certain', () => {
  assert.deepEqual(windowOf(snapshot([BACKUP], null)), {
    from: BACKUP.stop,
    fromLsn: '0/3000050',
    until: BACKUP.stop,
    source: 'backup',
  });
  assert.equal(windowOf(snapshot([BACKUP], '2020-01-01T00:00:00Z'))!.source, 'backup');
  assert.equal(windowOf(snapshot([])), undefined);
});

test('the window is told as times and how long ago they are', () => {
  const window = windowOf(snapshot([BACKUP], '2026-01-03T11:37:02Z'))!;
  assert.equal(
    windowText(window, '000000010000000000000009', AT('2026-01-03T11:37:05Z')),
    `A restore may end at any moment
  from   2026-01-01T03:00:00Z, 2 d 8 h ago (0/3000050)
  until  2026-01-03T11:37:02Z, 3 s ago: the newest WAL was archived then (000000010000000000000009)`,
  );
  assert.match(
    windowText({ ...window, source: 'backup' }, undefined, AT('2026-01-03T11:38:03Z')),
    /1 min 1 s ago: the end of the newest backup; no member tells/,
  );
});

test('hapg backups tells both ends in JSON too, and needs no member for it', async (context) => {
  const hosts = hostsWithBackup();
  const fakes = await fakeHosts({ ...hosts, db1: { closes: 'System is going down.' } });
  context.after(() => fakes.close());
  const { code, out } = await inProcess(['backups', '-i', fakes.inventory, '-o', 'json']);
  assert.equal(code, 0);
  assert.deepEqual((JSON.parse(out) as { window: unknown }).window, {
    ...{ from: '2026-01-01T00:00:00Z', from_lsn: '0/3000050' },
    ...{ until: '2026-01-01T00:00:00Z', until_source: 'backup', until_wal: '000000010000000000000009' },
  });
});
