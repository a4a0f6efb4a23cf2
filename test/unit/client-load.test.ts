import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { LoadFigures } from '../../src/cluster/client-load.ts';
import { ClientLoad, underLoad } from '../../src/engine/client-load.ts';
import type { Session } from '../../src/engine/session.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { labCluster } from './model.ts';
import { programs } from './sh.ts';

const FIGURES: LoadFigures = {
  writes: { acked: 1, failed: 0, max_gap_ms: 2, max_gap_at: null, lost: 0 },
  reads: { ok: 3, failed: 0, max_gap_ms: 4, max_gap_at: null },
};

/** A load that counts how often it was stopped. */
const load = (stop: () => Promise<typeof FIGURES> = async () => FIGURES) => {
  const made = { stopped: 0, stop: () => stop().finally(() => made.stopped++) };
  return made;
};

test('what clients saw comes with the outcome of the work', async () => {
  const one = load();
  assert.deepEqual(await underLoad(one, async () => ({ done: 2 })), { done: 2, ...FIGURES });
  assert.equal(one.stopped, 1);
  assert.deepEqual(await underLoad(undefined, async () => ({ done: 2 })), { done: 2 });
});

test('a load is stopped when the work fails, and the failure is that of the work', async () => {
  for (const one of [load(), load(() => Promise.reject(new Error('no figures')))]) {
    await assert.rejects(
      underLoad(one, () => Promise.reject(new Error('a bug'))),
      /a bug/,
    );
    assert.equal(one.stopped, 1);
  }
});

test('figures that cannot be had are an error when the work was done', async () => {
  const one = load(() => Promise.reject(new Error('no figures')));
  await assert.rejects(
    underLoad(one, async () => ({})),
    /no figures/,
  );
  assert.equal(one.stopped, 1);
});

const root = mkdtempSync(join(tmpdir(), 'hapg-client-load-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A load on this machine, whose psql does this; `load` is the directory of its files. */
async function onThisMachine(psql: string) {
  const stateDir = mkdtempSync(join(root, 'state-'));
  const client = '  client: {address: 10.1.1.16, ssh: {host: 127.0.0.1, port: 3007}, roles: [client]}\n';
  const cluster = { ...labCluster([client, '']), stateDir };
  const { PATH } = process.env;
  process.env.PATH = `${programs({ psql, sleep: 'exec /bin/sleep 0.05' })}:${PATH}`;
  const start = ClientLoad.start({ cluster } as Session, await SecretStore.create(cluster));
  return { start, load: join(stateDir, 'load'), end: () => (process.env.PATH = PATH) };
}

test('a load on this machine takes its passwords with it, however it ends', async () => {
  for (const [psql, fails] of [
    ['exit 0', undefined],
    ['case "$*" in *"select n"*) exit 1 ;; esac', /exit 1/],
  ] as const) {
    const { start, load, end } = await onThisMachine(psql);
    try {
      const one = await start;
      assert.match(readFileSync(join(load, 'pgpass'), 'utf8'), /:/);
      if (fails) await assert.rejects(one.stop(), fails);
      else assert.equal(typeof (await one.stop()).writes.acked, 'number');
      assert.ok(!existsSync(load));
    } finally {
      end();
    }
  }
});

test('a load that does not get through leaves no passwords', async () => {
  const { start, load, end } = await onThisMachine('exit 1');
  try {
    await assert.rejects(start, /no host has the role client/);
    assert.ok(!existsSync(load));
  } finally {
    end();
  }
});
