import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageSources } from '../../roles/patroni/package-sources.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { contextFor, labCluster } from './model.ts';
import { sh } from './sh.ts';

const KEY = '/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc';
const URI = 'http://apt.postgresql.org/pub/repos/apt';

/** What the check of the PostgreSQL project's source says where these other sources are there. */
async function check(others: Record<string, string>) {
  const cluster = labCluster(['postgres:\n', 'postgres:\n  repository: pgdg\n']);
  const steps = packageSources('patroni', cluster.hosts[0]!, await contextFor(cluster));
  const want = steps.find(({ id }) => id === 'file /etc/apt/sources.list.d/pgdg.sources')!.want as FileWant;
  const root = mkdtempSync(join(tmpdir(), 'hapg-sources-'));
  try {
    mkdirSync(join(root, 'sources.list.d'));
    for (const [name, text] of Object.entries(others)) writeFileSync(join(root, name), text);
    const next = join(root, 'sources.list.d/pgdg.sources.hapg-new');
    writeFileSync(next, String(want.content));
    const { code, out } = sh(want.check!.replaceAll('{}', next).replaceAll('/etc/apt', root));
    return { code, out: out.replaceAll(root, '') };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('another file with the same source and another key is named before apt refuses both', async () => {
  for (const [name, text] of Object.entries({
    'sources.list.d/pgdg.list': `deb [signed-by=/etc/apt/keyrings/pgdg.gpg] ${URI} trixie-pgdg main\n`,
    'sources.list': `deb ${URI} trixie-pgdg main\n`,
    'sources.list.d/other.sources': `Types: deb\nURIs: ${URI}\nSuites: trixie-pgdg\nSigned-By: /etc/other.asc\n`,
  })) {
    const { code, out } = await check({ [name]: text });
    assert.equal(code, 1, name);
    assert.match(out, new RegExp(`^/${name} names the source .* with another key \\(Signed-By\\)`));
  }
});

test('the same key, a line that is commented out, and other sources are no obstacle', async () => {
  const { code, out } = await check({
    'sources.list': `deb http://deb.test/debian trixie main\n# deb ${URI} trixie-pgdg main\n`,
    'sources.list.d/pgdg.list': `deb [signed-by=${KEY}] ${URI} trixie-pgdg main\n`,
    'sources.list.d/pgdg.sources': `Types: deb\nURIs: ${URI}\nSigned-By: /another\n`,
  });
  assert.deepEqual([code, out], [0, '']);
});
