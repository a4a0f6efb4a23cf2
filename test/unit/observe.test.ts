import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { probe, probeScript } from '../../src/engine/probe.ts';
import type { Session } from '../../src/engine/session.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { NOT_ASKED, silence } from '../../src/observe/answer.ts';
import { space } from '../../src/observe/backups.ts';
import { parseFacts } from '../../src/observe/host.ts';
import { observeSections, readObservation, sharedAnswers } from '../../src/observe/index.ts';
import type { About } from '../../src/observe/question.ts';
import { repository } from '../../src/observe/repository.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { splitSections } from '../../src/shell/sections.ts';
import { contextFor, healthyLab, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const cluster = labCluster();
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;

describe('a look', () => {
  test('asks a host about certificates only where one of its roles presents its own', () => {
    const asked = (name: string) => observeSections(cluster, host(name)).has('certificates');
    assert.deepEqual(['db1', 'backup', 'proxy1', 'client'].map(asked), [true, true, false, false]);
  });

  test('about members asks for no backups and no certificates, and is silent about them', () => {
    const names = [...observeSections(cluster, host('backup'), ['members']).keys()];
    assert.ok(!names.includes('repository') && !names.includes('certificates'), names.join());
    const seen = readObservation(new Map(names.map((name) => [name, ''])), cluster, host('backup'), ['members']);
    for (const about of ['repository', 'schedule', 'space', 'drill', 'certificates'] as const)
      assert.equal(silence(seen[about]), NOT_ASKED, about);
    assert.equal(seen.patroni, undefined, 'the backup host has no member');
  });

  test('asks programs once for all sections, and only those that it is about', () => {
    const of = (name: string, about?: readonly About[]) => sharedAnswers(cluster, host(name), about);
    assert.match(of('db1'), /\/v3\/maintenance\/status/);
    assert.match(of('db1', ['members']), /\/patroni .*\/cluster/);
    for (const name of ['db1', 'proxy1']) assert.doesNotMatch(of(name, []), /curl|socat/, name);
    assert.doesNotMatch(of('db1', ['balancers']), /curl/);
  });

  test('always asks who the host belongs to and what hapg has left there', () => {
    const names = [...observeSections(cluster, host('db1'), []).keys()];
    for (const name of ['identity', 'pending', 'units', 'holder', 'restore', 'dataDirectory'])
      assert.ok(names.includes(name), name);
  });
});

const ended = (nonce: string, answer: string) => [...answer.matchAll(new RegExp(`^${nonce} (\\S+) end$`, 'gm'))];

for (const { name } of cluster.hosts)
  test(`a probe of ${name} comes to its end where no program is installed, and no question ends it for the others`, async () => {
    const context = await contextFor(cluster, healthyLab());
    const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
    const steps = allSteps(apply, host(name), context, scope).flatMap((stage) => stage.steps);
    const script = probeScript(cluster, host(name), steps, 'NONCE');
    const { stdout } = spawnSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8', env: { PATH: '/nonexistent' } });
    const sections = [...script.matchAll(/'NONCE (\S+) begin'/g)].map(([, section]) => section!);
    assert.equal(ended('NONCE', stdout).length, sections.length);
    assert.equal(splitSections(sections, stdout, 'NONCE').size, sections.length);
  });

describe('a storage that does not answer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-observe-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'df'), '#!/bin/sh\nexec sleep 20\n', { mode: 0o755 });
  const here = { ...cluster, repositories: [{ ...cluster.repositories[0]!, path: directory }] } as Cluster;

  test('is left behind after three seconds, and its silence is told', () => {
    const started = performance.now();
    const { out } = sh(space.script(here, host('backup')), { path: directory });
    assert.ok(performance.now() - started < 15_000);
    assert.deepEqual(space.read(out, here, host('backup')), { silent: 'the storage does not answer in time' });
  });

  test('is left behind by pgBackRest too, which no signal ends while it waits for a file server', () => {
    // The signal of timeout(1) has no effect here; only the reader gives up.
    const path = programs({
      timeout: '[ "$2" = cat ] && exec /usr/bin/timeout 1 cat\nshift; exec "$@"',
      pgbackrest: 'exec sleep 20',
      runuser: 'exec sleep 20',
      setpriv: 'exec sleep 20',
      su: 'exec sleep 20',
    });
    const script = repository.script(cluster, host('backup')).replace('-e /etc/pgbackrest/pgbackrest.conf', '-e /');
    const started = performance.now();
    const { out } = sh(script, { path });
    assert.ok(performance.now() - started < 15_000);
    assert.deepEqual(repository.read(out, cluster, host('backup')), { silent: 'the storage does not answer in time' });
  });

  test('one that answers tells how much is free', () => {
    const answer = space.read(sh(space.script(here, host('backup'))).out, here, host('backup'));
    assert.ok('said' in answer && answer.said[0]!.path === directory && answer.said[0]!.sizeBytes > 0, String(answer));
  });

  test('does not keep the lock of the host: whatever a probe starts has no descriptor of it', async () => {
    const scripts: string[] = [];
    const session = {
      cluster,
      ask: (_host: unknown, script: string) => {
        scripts.push(script);
        return Promise.reject(new Error('no answer'));
      },
    } as unknown as Session;
    await assert.rejects(probe(session, host('db1'), [], { script: 'echo locked', seconds: 1 }));
    const out = join(directory, 'lock');
    const probed = scripts[0]!.replace('HAPG_PATRONI=', '[ ! -e /proc/self/fd/9 ] || echo "still open"; HAPG_PATRONI=');
    assert.doesNotMatch(sh(`exec 9>${out}\n${probed}`, { path: directory }).out, /still open/);
  });
});

test('as many processors are counted as a host may use', () => {
  const cpus = (allowed: string) => parseFacts(`id=debian\nmemory=1000\nallowed=${allowed}`).cpus;
  assert.deepEqual([cpus('0'), cpus('0-3'), cpus('0,2-3,8-9')], [1, 4, 5]);
});
