import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pgbackrest, pgbackrestSchedule } from '../../roles/pgbackrest/pgbackrest.ts';
import { hostsWith } from '../../src/inventory/model.ts';
import { PATHS } from '../../src/paths.ts';
import { Secret } from '../../src/secret.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { contextFor, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const home = mkdtempSync(join(tmpdir(), 'hapg-notice-'));
after(() => rmSync(home, { recursive: true, force: true }));

/** The files of the lab's backup host with this webhook, by path. */
async function filesWith(webhook: string | undefined) {
  const cluster = labCluster(
    ...(webhook ? [['replication: sync', `replication: sync\nhooks: {webhook: ${webhook}}`] as [string, string]] : []),
  );
  const made = await contextFor(cluster);
  // The store is not written.
  const secrets = Object.create(made.secrets, {
    externalSecret: { value: () => new Secret('https://chat.example.com/"token') },
  }) as typeof made.secrets;
  const context = { ...made, secrets };
  const host = hostsWith(cluster, 'pgbackrest')[0]!;
  const steps = [...pgbackrest(host, context), ...pgbackrestSchedule(host, context, undefined)];
  return new Map(
    steps.flatMap(({ kind, want }) =>
      kind.name === 'file' ? [[(want as FileWant).path, want as FileWant] as const] : [],
    ),
  );
}

describe('the notice of a scheduled backup that failed', () => {
  test('is a unit that systemd starts on a failure', async () => {
    const files = await filesWith('"https://chat.example.com/hook"');
    for (const type of ['full', 'diff'])
      assert.match(
        String(files.get(`/etc/systemd/system/pgbackrest-${type}.service`)!.content),
        /^OnFailure=hapg-notice@%n\.service$/m,
      );
    assert.match(String(files.get('/etc/systemd/system/hapg-notice@.service')!.content), /hapg\/notice %i$/m);
  });

  test('sends cluster, host, unit and result, with the address in a file of its own', async () => {
    const files = await filesWith('"https://chat.example.com/hook"');
    const path = programs({
      systemctl: 'echo exit-code',
      curl: `echo "$*" > ${home}/arguments; cat > ${home}/sent`,
    });
    const script = String(files.get(PATHS.noticeScript)!.content);
    assert.equal(sh(`set -- pgbackrest-full.service\n${script}`, { path }).code, 0);
    const { time, ...sent } = JSON.parse(readFileSync(join(home, 'sent'), 'utf8')) as Record<string, unknown>;
    assert.ok(Number.isFinite(Date.parse(String(time))));
    assert.deepEqual(sent, {
      source: 'hapg',
      format_version: 1,
      event: 'unit_failed',
      cluster: 'pglab',
      host: 'backup',
      unit: 'pgbackrest-full.service',
      result: 'exit-code',
    });
    const given = readFileSync(join(home, 'arguments'), 'utf8');
    assert.match(given, new RegExp(`-K ${PATHS.webhook}`));
    assert.doesNotMatch(given, /chat\.example\.com/);
  });

  test('has an address from the secret store, which is quoted for curl and shown nowhere', async () => {
    const { content, mode } = (await filesWith('secret')).get(PATHS.webhook)!;
    assert.equal(mode, '0600');
    assert.ok(content instanceof Secret);
    assert.equal(content.reveal(), '# Managed by hapg\nurl = "https://chat.example.com/\\"token"\n');
    assert.doesNotMatch(String(content), /token/);
  });

  test('leaves nothing behind without a webhook', async () => {
    const files = await filesWith(undefined);
    for (const path of [PATHS.noticeScript, PATHS.webhook, '/etc/systemd/system/hapg-notice@.service'])
      assert.equal(files.get(path)!.content, undefined, path);
    assert.doesNotMatch(String(files.get('/etc/systemd/system/pgbackrest-full.service')!.content), /OnFailure/);
  });
});
