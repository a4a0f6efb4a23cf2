import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { RunEvent } from '../../../src/engine/events.ts';
import { between } from '../../../src/engine/hooks.ts';
import { Refused, StepFailed, UsageError } from '../../../src/errors.ts';
import { parseInventory } from '../../../src/inventory/load.ts';
import type { Cluster } from '../../../src/inventory/model.ts';
import { expectHooks, RunHooks } from '../../../src/run/hooks.ts';
import type { Run } from '../../../src/run/run.ts';
import { notify } from '../../../src/run/webhook.ts';
import { SecretStore } from '../../../src/secrets/store.ts';

const home = mkdtempSync(join(tmpdir(), 'hapg-hooks-'));
after(() => rmSync(home, { recursive: true, force: true }));
const INVENTORY = `cluster: shop
hosts:
  db1: {address: 10.0.0.1, roles: [etcd, patroni]}
`;

/** A cluster whose inventory lies in a directory of its own and has these hooks. */
const clusterWith = (hooks: string): Cluster =>
  parseInventory(`${INVENTORY}hooks: ${hooks}\n`, join(home, 'cluster.yaml')).cluster;

/** Writes a program beside the inventory; returns the name by which the inventory knows it. */
function program(name: string, text: string): string {
  writeFileSync(join(home, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return `./${name}`;
}

/** The hooks of an inventory, and the notes that they make. */
function hooksOf(hooks: string, signal = new AbortController().signal) {
  const notes: string[] = [];
  const emit = (event: RunEvent) => void (event.type === 'note' && notes.push(event.text));
  return { hooks: new RunHooks(clusterWith(hooks), { CLUSTER: 'shop', RUN: 'r1' }, emit, signal), notes };
}

/** Whether a process has ended; one that nobody has waited for yet counts. */
function isDead(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe('a hook', () => {
  test('is told what happens, in variables, in the directory of the inventory', async () => {
    const name = program('tell', 'echo "$HAPG_HOOK $HAPG_CLUSTER $HAPG_RUN $HAPG_FROM to $HAPG_TO"; pwd');
    const { hooks, notes } = hooksOf(`{before_switchover: ${name}}`);
    await hooks.before('switchover', { FROM: 'db1', TO: 'db2' });
    assert.deepEqual(notes, [
      'hooks.before_switchover: before_switchover shop r1 db1 to db2',
      `hooks.before_switchover: ${home}`,
    ]);
  });

  test('gets no password of this process', async () => {
    process.env.HAPG_BECOME_PASSWORD = 'hunter22';
    after(() => delete process.env.HAPG_BECOME_PASSWORD);
    const { hooks, notes } = hooksOf(`{before_apply: ${program('env', 'env | grep -c hunter22; :')}}`);
    await hooks.before('apply', {});
    assert.deepEqual(notes, ['hooks.before_apply: 0']);
  });

  test('before the work forbids it by failing, with what it printed', async () => {
    const { hooks } = hooksOf(`{before_apply: ${program('forbid', 'echo "release freeze" >&2; exit 3')}}`);
    let done = false;
    await assert.rejects(
      between(hooks, 'apply', {}, async () => void (done = true)),
      (cause) =>
        cause instanceof Refused &&
        /hooks\.before_apply forbids it: .*forbid: it ended with 3\n {2}release freeze/.test(cause.message),
    );
    assert.equal(done, false);
  });

  test('after the work learns its result, and its own failure is a note', async () => {
    const name = program('judge', 'echo "$HAPG_RESULT: $HAPG_REASON"; exit 1');
    const { hooks, notes } = hooksOf(`{after_host_update: ${name}}`);
    const failure = new StepFailed('db1', 'reboot', 'not back');
    await assert.rejects(
      between(hooks, 'host_update', { HOST: 'db1' }, async () => Promise.reject(failure)),
      failure,
    );
    assert.match(
      notes.join('\n'),
      /hooks\.after_host_update failed: .*ended with 1\n {2}failed: db1: reboot: not back/,
    );
  });

  test('that takes too long is killed with all that it has started', async () => {
    const { hooks } = hooksOf(`{timeout: 1, before_apply: ${program('slow', 'sleep 60 & echo $!; wait')}}`);
    const started = performance.now();
    const { message } = await hooks.before('apply', {}).then(
      () => new Error('it was let through'),
      (cause: unknown) => cause as Error,
    );
    assert.match(message, /took longer than 1 s/);
    const child = Number(/^ {2}(\d+)$/m.exec(message)?.[1]);
    assert.ok(child > 1, message);
    // The kernel takes a moment to end what was killed.
    while (!isDead(child) && performance.now() - started < 30_000) await new Promise((done) => setTimeout(done, 20));
    assert.ok(isDead(child), 'its child lives');
    assert.ok(performance.now() - started < 30_000);
  });

  test('ends with the run', async () => {
    const controller = new AbortController();
    const { hooks } = hooksOf(`{before_apply: ${program('wait', 'sleep 60')}}`, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await assert.rejects(hooks.before('apply', {}), /it was interrupted/);
  });

  test('that leaves a daemon behind is not waited for', async () => {
    const { hooks } = hooksOf(`{before_apply: ${program('daemon', 'setsid sleep 5 & exit 0')}}`);
    const started = performance.now();
    await hooks.before('apply', {});
    assert.ok(performance.now() - started < 4500);
  });

  test('may be a program with arguments, found in PATH', async () => {
    const { hooks, notes } = hooksOf('{before_apply: [echo, "a b", c]}');
    await hooks.before('apply', {});
    assert.deepEqual(notes, ['hooks.before_apply: a b c']);
  });

  test('that is not there, or not executable, is found before any host is contacted', () => {
    assert.throws(
      () => expectHooks(clusterWith('{before_apply: ./nosuch}')),
      (cause) => cause instanceof UsageError && /^hooks\.before_apply: .*nosuch is not there$/.test(cause.message),
    );
    program('plain', 'exit 0');
    chmodSync(join(home, 'plain'), 0o644);
    // root may execute what has any execute bit; a file without one nobody may.
    assert.throws(() => expectHooks(clusterWith('{after_apply: ./plain}')), /plain is not executable: chmod \+x/);
    assert.doesNotThrow(() => expectHooks(clusterWith('{}')));
  });

  test('of another name is refused with the inventory', () => {
    assert.throws(() => clusterWith('{before_aply: ./x}'), /before_apply/);
    assert.throws(() => clusterWith('{webhook: ftp://example.com/}'), /such as https:\/\/example\.com\/hook/);
  });
});

describe('a webhook', () => {
  /** A run of this cluster, as far as the webhook needs it. */
  const runOf = (cluster: Cluster, notes: string[]) =>
    ({
      cluster,
      command: 'update',
      id: 'r1',
      by: 'ann@desk',
      started: performance.now() - 5000,
      session: { options: { emit: (event: RunEvent) => void (event.type === 'note' && notes.push(event.text)) } },
    }) as unknown as Run;
  const END = { result: 'failed', changed: 2, failed: [{ host: 'db1', step: 'reboot', message: 'not back' }] };

  /** A server that answers with this status, and what it was sent. */
  async function listener(status: number) {
    const got: { type: string | undefined; body: Record<string, unknown> }[] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        got.push({ type: request.headers['content-type'], body: JSON.parse(text) as Record<string, unknown> });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    after(() => server.close());
    return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
  }

  test('gets the end of a run as a document', async () => {
    const { got, url } = await listener(204);
    const cluster = clusterWith(`{webhook: "${url}"}`);
    const notes: string[] = [];
    await notify(runOf(cluster, notes), await SecretStore.create(cluster), END);
    assert.equal(got.length, 1);
    assert.equal(got[0]!.type, 'application/json');
    const { time, duration_ms, ...rest } = got[0]!.body;
    assert.ok(Number.isFinite(Date.parse(String(time))));
    assert.ok(Number(duration_ms) >= 5000);
    assert.deepEqual(rest, {
      source: 'hapg',
      format_version: 1,
      event: 'run',
      cluster: 'shop',
      command: 'update',
      run: 'r1',
      by: 'ann@desk',
      ...END,
    });
    assert.deepEqual(notes, []);
  });

  test('that refuses, or is not there, is a note without its address', async () => {
    const notes: string[] = [];
    const { url } = await listener(500);
    const refusing = clusterWith(`{webhook: "${url}"}`);
    await notify(runOf(refusing, notes), await SecretStore.create(refusing), END);
    const silent = clusterWith('{webhook: "http://127.0.0.1:9/token-of-a-chat"}');
    await notify(runOf(silent, notes), await SecretStore.create(silent), END);
    assert.equal(notes.length, 2);
    assert.equal(notes[0], 'hooks.webhook: it answered 500');
    assert.match(notes[1]!, /^hooks\.webhook: (ECONNREFUSED|fetch failed|bad port)$/);
  });
});
