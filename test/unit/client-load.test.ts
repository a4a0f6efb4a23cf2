import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type LoadFigures, loadScript } from '../../src/cluster/client-load.ts';
import { readProbeFlags } from '../../src/commands/probe.ts';
import { ClientLoad, type LoadForm, ownLoad, underLoad } from '../../src/engine/client-load.ts';
import type { Session } from '../../src/engine/session.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { inProcess } from '../support/in-process.ts';
import { labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

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
async function onThisMachine(psql: string, form?: LoadForm) {
  const stateDir = mkdtempSync(join(root, 'state-'));
  const client = '  client: {address: 10.1.1.16, ssh: {host: 127.0.0.1, port: 3007}, roles: [client]}\n';
  const cluster = { ...labCluster([client, '']), stateDir };
  const { PATH } = process.env;
  process.env.PATH = `${programs({ psql, sleep: 'exec /bin/sleep 0.05' })}:${PATH}`;
  const start = ClientLoad.start({ cluster } as Session, await SecretStore.create(cluster), form);
  return { start, stateDir, load: join(stateDir, 'load'), end: () => (process.env.PATH = PATH) };
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

/** A psql that keeps the table in a file, as PostgreSQL would. */
const KEEPS = (table: string) => `case "$*" in
*'drop table if exists'*) rm -f ${table} ;;
*'create table'*) : > ${table} ;;
*'insert into'*) n=\${*##*'values ('}; echo "\${n%)}" >> ${table} ;;
*'select n'*) cat ${table} ;;
*'drop table'*) rm ${table} ;;
esac`;

test('a load of its own counts what it has done so far, and leaves neither its table nor its files', async () => {
  const table = join(root, 'table');
  const { start, end, stateDir } = await onThisMachine(KEEPS(table), ownLoad('ab12', 50));
  try {
    const one = await start;
    const directory = join(stateDir, 'probe-ab12');
    while ((await one.glance()).writes.acked < 3);
    assert.ok(existsSync(directory) && existsSync(table));
    const { writes, reads } = await one.stop();
    assert.ok(writes.acked >= 3 && writes.failed === 0 && writes.lost === 0, JSON.stringify(writes));
    assert.ok(reads.ok > 0);
    assert.ok(!existsSync(directory) && !existsSync(table));
  } finally {
    end();
  }
});

test('a load of its own that nobody collects takes its table and its files away', () => {
  const [table, directory] = [join(root, 'lonely'), join(root, 'lonely-load')];
  writeFileSync(table, '');
  mkdirSync(directory);
  const script = loadScript(labCluster(), {
    ...{ directory, authority: 'ca.crt', passwords: 'pgpass', table: 'hapg_probe_x' },
    ...{ pauses: { write: 1, read: 1 }, leavesNothing: true },
  });
  // Without a sign of life it does not even begin.
  assert.equal(sh(script, { path: programs({ psql: KEEPS(table), sleep: 'exit 0' }) }).code, 0);
  assert.ok(!existsSync(table) && !existsSync(directory));
});

describe('hapg probe', () => {
  const collected = (rows: string) => ({
    client: { answers: { 'rm -f alive': `1000 ok 1\n1100 ok 2\n--\n1000 ok 1\n--\n${rows}\n` } },
  });

  test('tells what a client saw, and disturbs no other load', async (context) => {
    const { inventory, scripts } = await setUp(context, { hosts: collected('1\n2'), stored: true });
    const { code, out } = await inProcess(['probe', '-i', inventory, '--for', '1s', '-o', 'json']);
    const document = JSON.parse(out) as LoadFigures & { ok: boolean };
    assert.deepEqual([code, document.ok, document.writes.acked, document.reads.ok], [0, true, 2, 1]);
    const all = scripts.map(({ script }) => script).join('\n');
    assert.match(all, /create table hapg_probe_[0-9a-f]{8} /);
    assert.match(all, /--unit=hapg-probe-[0-9a-f]{8} /);
    assert.deepEqual([...new Set(scripts.map(({ host }) => host))], ['client']);
    assert.doesNotMatch(all, /flock/, 'it takes no lock');
  });

  test('exits 1 when an acknowledged row is gone', async (context) => {
    const { inventory } = await setUp(context, { hosts: collected('1'), stored: true });
    const { code, out } = await inProcess(['probe', '-i', inventory, '--for', '1s']);
    assert.deepEqual([code, /1 lost/.test(out)], [1, true]);
  });

  test('takes a length of time and a whole number of attempts a second', () => {
    assert.deepEqual(readProbeFlags({ for: '2m', rate: '5' }), { seconds: 120, rate: 5 });
    assert.deepEqual(readProbeFlags({ for: '30s' }), { seconds: 30 });
    for (const flags of [{ for: '60' }, { for: '7h' }, { for: '1m', rate: '0' }, { for: '1m', rate: 'x' }])
      assert.throws(() => readProbeFlags(flags), /^UsageError|--for|--rate/);
  });
});
