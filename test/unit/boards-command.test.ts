import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { BOARDS } from '../../src/boards/index.ts';
import { dataSource, FROM_ENVIRONMENT } from '../../src/boards/provisioning.ts';
import { prometheusOf } from '../../src/commands/boards.ts';
import type { RoleName } from '../../src/roles.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';

const base = mkdtempSync(join(tmpdir(), 'hapg-boards-'));
after(() => rmSync(base, { recursive: true }));
let count = 0;
/** A directory that is not there yet. */
const newDirectory = (): string => join(base, `d${count++}`);

test('hapg boards writes nine boards and what tells Grafana of them, and names every file', async () => {
  const directory = newDirectory();
  const { code, out } = await inProcess(['boards', directory]);
  assert.equal(code, 0, out);
  const named = out.split('\n').filter((line) => line.startsWith(directory));
  assert.equal(named.filter((path) => path.endsWith('.json')).length, 9);
  for (const path of named) assert.ok(existsSync(path), path);
  const provider = parse(readFileSync(join(directory, 'provisioning/dashboards/hapg.yaml'), 'utf8')).providers[0];
  assert.equal(provider.options.path, join(directory, 'dashboards'));
});

test('a second run writes its own files anew', async () => {
  const directory = newDirectory();
  await inProcess(['boards', directory]);
  const board = join(directory, 'dashboards/hapg-host.json');
  const text = readFileSync(board, 'utf8');
  writeFileSync(board, text.replace('"schemaVersion": 38', '"schemaVersion": 12'));
  const { code } = await inProcess(['boards', directory]);
  assert.deepEqual([code, readFileSync(board, 'utf8')], [0, text]);
});

for (const path of ['dashboards/hapg-wal.json', 'provisioning/datasources/hapg.yaml'])
  test(`${path} that somebody else made is left alone, and nothing is written`, async () => {
    const directory = newDirectory();
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), '{}');
    const { code, err } = await inProcess(['boards', directory]);
    assert.equal(code, 1);
    assert.ok(err.includes(`not made by hapg, and so not written over: ${join(directory, path)}`), err);
    assert.match(err, /taken/);
    assert.equal(readFileSync(join(directory, path), 'utf8'), '{}');
    assert.equal(existsSync(join(directory, 'dashboards/hapg-cluster.json')), false);
  });

test('the document names the directory and the files in it', async () => {
  const directory = newDirectory();
  const { code, out } = await inProcess(['boards', directory, '--seen-at', '/boards', '-o', 'json']);
  const document = JSON.parse(out) as { directory: string; seen_at: string; files: string[] };
  assert.deepEqual([code, document.directory, document.seen_at], [0, directory, '/boards']);
  assert.equal(document.files.length, 11);
  for (const path of document.files) assert.ok(existsSync(join(directory, path)), path);
  const provider = parse(readFileSync(join(directory, 'provisioning/dashboards/hapg.yaml'), 'utf8')).providers[0];
  assert.equal(provider.options.path, '/boards/dashboards');
});

test('what cannot be is refused before a file is written', async () => {
  const file = join(base, 'file');
  writeFileSync(file, '');
  const onFile = await inProcess(['boards', file]);
  assert.deepEqual([onFile.code, /this is a file, and boards writes a directory/.test(onFile.err)], [5, true]);
  const below = await inProcess(['boards', join(file, 'boards')]);
  assert.deepEqual([below.code, below.err.includes(file)], [5, true], below.err);
  const directory = newDirectory();
  for (const [words, message] of [
    [['--seen-at', 'boards'], /--seen-at boards: an absolute path is needed/],
    [['-i', 'inventory/lab.yaml'], /inventory\/lab\.yaml: no host has the role monitoring.*without -i/],
    [['-i', join(base, 'none.yaml')], /none\.yaml: cannot read the inventory/],
  ] as const) {
    const { code, err } = await inProcess(['boards', directory, ...words]);
    assert.equal(code, 5, err);
    assert.match(err, message);
    assert.equal(existsSync(directory), false);
  }
});

test('with an inventory the data source names the Prometheus of its monitoring host', () => {
  const cluster = labCluster();
  const hosts = cluster.hosts.map((host) =>
    host.name === 'backup' ? { ...host, roles: new Set([...host.roles, 'monitoring' as RoleName]) } : host,
  );
  const [source] = parse(dataSource(prometheusOf({ ...cluster, hosts })!)).datasources;
  assert.deepEqual([source.name, source.url], ['hapg pglab', 'http://127.0.0.1:9090']);
  assert.equal(source.secureJsonData, undefined);
  assert.equal(prometheusOf(cluster), undefined);
});

test('the page about the boards names each of them, and each variable that Grafana needs', () => {
  const page = readFileSync('docs/boards.md', 'utf8');
  const named = [...page.matchAll(/^\| `(hapg-[a-z]+)` \|/gm)].map(([, uid]) => uid);
  assert.deepEqual(
    named,
    BOARDS.map(({ uid }) => uid),
  );
  const { name, url, tls } = FROM_ENVIRONMENT;
  const wanted = [url, ...Object.values(tls!)].map((one) => one.replace(/^\$\{(.*)\}$/, '$1'));
  assert.deepEqual(new Set(page.match(/HAPG_PROMETHEUS_\w+/g)), new Set(wanted), name);
});
