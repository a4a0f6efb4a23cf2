import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RestoreOrder } from '../../playbooks/recover.ts';
import { follow } from '../../playbooks/restore.ts';
import { epochMs, postgresTime } from '../../src/cluster/moment.ts';
import { reachedTarget, recoveryEnd } from '../../src/cluster/recovery-proof.ts';
import { parseTarget, targetArguments } from '../../src/cluster/restore-target.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { backupFor, mayRestore, type RestoreFacts } from '../../src/decisions/restore.ts';
import { verdict } from '../../src/decisions/verdict.ts';
import { parseRepository } from '../../src/observe/repository.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { probed } from '../support/fake-probe.ts';
import { runOver } from './engine/run.ts';
import { healthyLab, its, labCluster } from './model.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const all = healthyLab();
const snapshot = takeSnapshot(all);
const repository = its(all.get('backup')!.repository);
const BACKUP_END = 1_767_225_600_000;
const FACTS: RestoreFacts = {
  repository,
  lastCommit: BACKUP_END + 3_600_000,
  room: (bytes) => verdict(bytes > 1e9 ? ['too little room'] : []),
  now: BACKUP_END + 7_200_000,
};
const refused = (flags: Parameters<typeof parseTarget>[0], facts: Partial<RestoreFacts> = {}, label?: string) => {
  const verdict = mayRestore(cluster, snapshot, parseTarget(flags), label, { ...FACTS, ...facts });
  return verdict.ok ? '' : verdict.reasons.join('; ');
};

test('a time is read with its zone, or as local time, and told in UTC', () => {
  for (const text of [
    '2026-01-31T14:05:00Z',
    '2026-01-31 14:05:00 UTC',
    '2026-01-31 15:05:00+01',
    '2026-01-31 15:05+01:00',
  ]) {
    const target = parseTarget({ toTime: text });
    assert.ok(target.kind === 'time');
    assert.equal(postgresTime(target.at), '2026-01-31 14:05:00+00', text);
  }
  const local = parseTarget({ toTime: '2026-01-31 14:05:00' });
  assert.ok(local.kind === 'time');
  assert.equal(epochMs(local.at), new Date(2026, 0, 31, 14, 5, 0).getTime());
});

test('targets that are not understood, none, and two are errors', () => {
  for (const flags of [
    {},
    { latest: true, toLsn: '0/1' },
    { toTime: 'yesterday' },
    { toTime: '2026-13-01 00:00:00' },
    { toLsn: '12' },
    { toLsn: '0/XYZ' },
    { toName: 'two words' },
  ])
    assert.throws(() => parseTarget(flags), Error, JSON.stringify(flags));
});

test('a target inside the window is allowed', () => {
  assert.equal(
    refused({ toTime: '2026-01-01T01:00:00.000455Z' }, { lastCommit: BACKUP_END + 3_600_000.456 }),
    '',
    'one microsecond before the last commit',
  );
  assert.equal(refused({ toTime: new Date(BACKUP_END + 60_000).toISOString() }), '');
  assert.equal(refused({ latest: true }), '');
  assert.equal(refused({ toLsn: '0/4000000' }), '');
  assert.equal(refused({ toName: 'x' }), '');
});

const at = (ms: number) => ({ toTime: new Date(BACKUP_END + ms).toISOString() });
for (const [what, flags, facts, reason, label] of [
  ['before the first backup', at(-60_000), {}, /before the first backup's end/],
  ['an LSN before the first backup', { toLsn: '0/1000000' }, {}, /before the first backup's end/],
  ['in the future', at(8_000_000), {}, /in the future/],
  ['after the last commit', at(3_700_000), {}, /nothing was committed after .*: use --latest/],
  [
    'at the very last commit, which no later one follows',
    { toTime: '2026-01-01T01:00:00.000456Z' },
    { lastCommit: BACKUP_END + 3_600_000.456 },
    /nothing was committed after .*: use --latest/,
  ],
  ['from a backup that is not there', { latest: true }, {}, /there is no backup nope/, 'nope'],
  [
    'without room for both copies',
    { latest: true },
    { room: (bytes) => verdict(bytes > 1_000_000 ? ['too little room'] : []) },
    /too little room/,
  ],
  ['without a backup', { latest: true }, { repository: { ...repository, backups: [] } }, /has no backup/],
  [
    'of a foreign stanza',
    { latest: true },
    { repository: { ...repository, systemIdentifier: '8000' } },
    /backups of the database 8000, and the hosts have 7000/,
  ],
  ['while a backup runs', { latest: true }, { repository: { ...repository, running: true } }, /a backup is running/],
  ['while pgBackRest is silent', { latest: true }, { repository: undefined }, /does not answer/],
] as [string, Parameters<typeof parseTarget>[0], Partial<RestoreFacts>, RegExp, string?][])
  test(`a restore is refused ${what}`, () => {
    assert.match(refused(flags, facts, label), reason);
  });

test('the newest backup before the target is taken; for a name, which nobody can place, the oldest', () => {
  const [first] = repository.backups;
  const second = { ...first!, label: 'second', stop: first!.stop + 600, stopLsn: '0/5000000' };
  const list = [first!, second];
  assert.equal(backupFor(parseTarget(at(60_000)), list, undefined)!.label, first!.label);
  assert.equal(backupFor(parseTarget(at(660_000)), list, undefined)!.label, 'second');
  assert.equal(backupFor(parseTarget({ toLsn: '0/4000000' }), list, undefined)!.label, first!.label);
  assert.equal(backupFor(parseTarget({ toName: 'x' }), list, undefined)!.label, first!.label);
  assert.equal(backupFor(parseTarget({ latest: true }), list, undefined)!.label, 'second');
});

test('the end of a recovery is read from the newest history, whatever empty line stands behind it', () => {
  const data = mkdtempSync(join(tmpdir(), 'hapg-history-'));
  try {
    mkdirSync(join(data, 'pg_wal'));
    assert.equal(sh(recoveryEnd(data)).out, '', 'no timeline was begun');
    writeFileSync(join(data, 'pg_wal/00000002.history'), '1\t0/3000000\tno recovery target specified\n');
    writeFileSync(
      join(data, 'pg_wal/00000003.history'),
      '1\t0/3000000\tno recovery target specified\n2\t0/40212E0\tbefore 2026-11-25 16:38:55.1+00\n\n',
    );
    const { out } = sh(recoveryEnd(data));
    assert.ok(reachedTarget(parseTarget(at(0)), out), out);
  } finally {
    rmSync(data, { recursive: true });
  }
});

test('the history of the new timeline proves that a target was reached', () => {
  const reached = (flags: Parameters<typeof parseTarget>[0], reason: string) =>
    reachedTarget(parseTarget(flags), `1\t0/5000060\t${reason}\n`);
  assert.ok(reached(at(0), 'before 2026-01-01 00:00:05.123456+00'));
  assert.ok(reached(at(0), 'after 2026-01-01 00:00:05 UTC'));
  assert.ok(!reached(at(0), 'reached consistency'));
  assert.ok(!reached(at(0), 'no recovery target specified'));
  assert.ok(reached({ toLsn: '0/1' }, 'after LSN 0/5000060'));
  assert.ok(!reached({ toLsn: '0/1' }, 'before 2026-01-01 00:00:05+00'));
  assert.ok(reached({ toName: 'a' }, 'at restore point "a"'));
  assert.ok(!reached({ toName: 'a' }, 'at restore point "ab"'));
  assert.ok(reached({ latest: true }, 'no recovery target specified'));
  assert.ok(!reachedTarget(parseTarget({ latest: true }), ''));
  assert.deepEqual(targetArguments(parseTarget({ latest: true }), 3), ['--type=default']);
  assert.ok(targetArguments(parseTarget({ toLsn: '0/1' }), 3).includes('--target-timeline=3'));
});

test("a system identifier, which is larger than JavaScript's numbers, is read to its last digit", () => {
  const text =
    '[{"name":"pglab","status":{"code":0,"message":"ok"},"db":[{"id":1,"system-id":7710549850271676761}],"backup":[]}]';
  assert.equal(parseRepository(text, 'pglab')!.systemIdentifier, '7710549850271676761');
});

test('a replica that lost its disks gets the directories of the WAL and the tablespaces before it is restored', async () => {
  const { op, begin, network } = runOver((script) =>
    script.includes('pgbackrest') ? { code: 1, output: 'enough was seen' } : (probed(script) ?? ''),
  );
  await begin();
  const elsewhere = op.through({ ...op.cluster, walDir: '/srv/wal' });
  const order: RestoreOrder = {
    target: { kind: 'latest' },
    timeline: 1,
    backup: '20260101-000000F',
    repository: 1,
    bytes: 5,
    tablespaces: ['/srv/fast'],
    host: 'db1',
    stamp: 's',
    done: [],
  };
  const secrets = await SecretStore.create(op.cluster);
  await assert.rejects(follow(elsewhere, secrets, op.host('db2'), order));
  assert.match(network.told('db2', 'install -d').join(), /install -d [^\n]*\/pglab \/srv\/wal \/srv\/fast\n/);
});

test('a paused cluster is not restored: its Patroni would leave PostgreSQL running', () => {
  const paused = { ...snapshot, paused: true };
  const verdict = mayRestore(cluster, paused, parseTarget({ latest: true }), undefined, FACTS);
  assert.match(JSON.stringify(verdict), /paused.*hapg resume/);
});
