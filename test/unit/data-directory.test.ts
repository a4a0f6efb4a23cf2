import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { placesTaken } from '../../src/decisions/storage.ts';
import { said } from '../../src/observe/answer.ts';
import { dataDirectory } from '../../src/observe/data-directory.ts';
import { labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-data-directory-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** What is said against a database in these directories, asked by a real shell. */
function against(make: (data: string, wal: string) => void): string[] {
  const here = mkdtempSync(join(root, 'host-'));
  const [data, wal] = [join(here, 'data'), join(here, 'wal')];
  make(data, wal);
  const cluster = { ...labCluster(), walDir: wal, binDir: '/nonexistent' };
  const host = { ...cluster.hosts[0]!, dataDir: data };
  const script = dataDirectory.script(cluster, host);
  const answer = execFileSync('/bin/sh', ['-c', script]).toString();
  return placesTaken(cluster, host, said(dataDirectory.read(answer, cluster, host))).map((reason) =>
    reason.replaceAll(here, ''),
  );
}

const mount = (path: string) => mkdirSync(join(path, 'lost+found'), { recursive: true });
const ROOT = (path: string, key: string) =>
  `db1: /${path} is the root of a file system, with its lost+found, and PostgreSQL takes an empty directory only; name one below it with postgres.${key}`;

test('nothing is said against directories that are absent, empty, or hold the cluster', () => {
  assert.deepEqual(
    against(() => undefined),
    [],
  );
  assert.deepEqual(
    against((data) => mkdirSync(data)),
    [],
  );
  const full = (data: string, wal: string) => {
    mount(data);
    writeFileSync(join(data, 'PG_VERSION'), '17\n');
    mount(wal);
    symlinkSync(wal, join(data, 'pg_wal'));
  };
  assert.deepEqual(against(full), []);
});

test('the root of a file system is no empty directory for PostgreSQL, for its data or its WAL', () => {
  assert.deepEqual(
    against((data) => mount(data)),
    [ROOT('data', 'data_dir')],
  );
  assert.deepEqual(
    against((_data, wal) => mount(wal)),
    [ROOT('wal', 'wal_dir')],
  );
  const moves = (data: string, wal: string) => {
    mkdirSync(data);
    writeFileSync(join(data, 'PG_VERSION'), '17\n');
    mkdirSync(join(data, 'pg_wal'));
    mount(wal);
  };
  assert.deepEqual(against(moves), [ROOT('wal', 'wal_dir')], 'WAL does not move there either');
});

test('files that are no database are told from a new file system', () => {
  const reasons = against((data) => {
    mkdirSync(data);
    writeFileSync(join(data, 'report.txt'), '');
  });
  assert.deepEqual(reasons, [
    'db1: /data holds files but no database. Move them away, or check that the right disk is mounted',
  ]);
});
