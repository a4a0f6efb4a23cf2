import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../src/engine/journal.ts';
import { withStore } from '../support/controller.ts';
import { fakeHosts, healthyHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { journalEntry } from '../support/journal.ts';

const tar = (file: string, ...words: string[]) => execFileSync('tar', ['-xzOf', file, ...words], { encoding: 'utf8' });
const names = (file: string) => execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');

test('a report has states, logs and journals, goes on without a dead host, and holds no secret', async (context) => {
  const hosts: Parameters<typeof fakeHosts>[0] = healthyHosts();
  const db1 = { ...hosts.db1, answers: {} as Record<string, string> };
  const fakes = await fakeHosts({ ...hosts, db1, client: { closes: 'System is going down.' } });
  context.after(() => fakes.close());
  writeFileSync(fakes.inventory, `${readFileSync(fakes.inventory, 'utf8')}\n# s3 password: hunter2hunter2\n`);
  const { store, cluster } = await withStore(fakes.inventory);
  const values = store.all().map((secret) => secret.reveal());
  db1.answers = {
    journalctl: `${journalEntry(`a login with ${values[0]}`)}\n-- cursor: s=1\n`,
    'dpkg-query': `Debian GNU/Linux 13\npatroni 4.0 ${values[1]} password=an-old-one\n`,
  };
  Journal.open(cluster, '20260101T000000-aaaa').write('start', { command: 'apply', by: 'me', note: values[2] });
  const file = join(fakes.directory, 'report.tar.gz');
  const { code, out, err } = await inProcess(['report', file, '-i', fakes.inventory]);
  assert.equal(code, 0, err);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const all = names(file).map((name) => name.replace('hapg-report-pglab/', ''));
  for (const name of [
    ...['README.txt', 'versions.txt', 'inventory.yaml', 'status.json', 'plan.json', 'doctor.json', 'hosts/db1.txt'],
    ...['hosts/client.txt', 'logs/db1.log', 'journal/20260101T000000-aaaa.ndjson'],
  ]) {
    assert.ok(all.includes(name), name);
    if (name !== 'README.txt') assert.ok(out.includes(name), `${name} is listed`);
  }
  assert.ok(out.indexOf('status.json') < out.indexOf('Written to'));
  const text = tar(file);
  assert.match(text, /patroni\[1\]: a login with \[redacted\]/);
  assert.match(text, /patroni 4\.0 \[redacted\]/);
  for (const value of [...values, 'an-old-one', 'hunter2hunter2']) assert.ok(!text.includes(value), value);
  assert.match(tar(file, 'hapg-report-pglab/hosts/client.txt'), /^client: unreachable/);
  assert.equal(JSON.parse(tar(file, 'hapg-report-pglab/status.json')).cluster, 'pglab');
  const again = await inProcess(['report', file, '-i', fakes.inventory]);
  assert.equal(again.code, 5);
  assert.match(again.err, /is there already/);
});

test('a report is made before the first apply too, and says what it could not collect', async (context) => {
  const fakes = await fakeHosts({}, { small: true });
  context.after(() => fakes.close());
  const file = join(fakes.directory, 'r.tar.gz');
  const { code, out, err } = await inProcess(['report', file, '-i', fakes.inventory, '-o', 'json']);
  assert.equal(code, 0, err);
  const document = JSON.parse(out) as { file: string; files: { name: string; what: string; bytes: number }[] };
  assert.equal(document.file, file);
  assert.ok(existsSync(file));
  assert.match(document.files.find(({ name }) => name === 'plan.json')!.what, /not collected/);
  assert.match(tar(file, 'hapg-report-pglab/plan.json'), /no secret store/);
  assert.ok(!existsSync(join(fakes.directory, '.hapg/pglab/secrets.json')));
});
