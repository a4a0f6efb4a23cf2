import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withoutScheduledBackups } from '../../playbooks/backup-hold.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { DEFAULT_LIMITS, nothingLeftOver, steady } from '../../src/decisions/update.ts';
import { healthyLab, labCluster } from './model.ts';
import { sh } from './sh.ts';

const bin = mkdtempSync(join(tmpdir(), 'hapg-test-hold-'));
after(() => rmSync(bin, { recursive: true }));
writeFileSync(
  join(bin, 'systemctl'),
  `#!/bin/sh
case "$*" in
  "-q is-enabled"*) grep -qx "$3" ${bin}/enabled ;;
  "-q enable"*) shift 2; printf '%s\\n' "$@" >> ${bin}/enabled ;;
  "-q disable"*) grep -vx "$3" ${bin}/enabled > ${bin}/rest; mv ${bin}/rest ${bin}/enabled ;;
  start*|stop*) echo "$*" >> ${bin}/said ;;
esac
`,
  { mode: 0o755 },
);
const file = (name: string) => readFileSync(join(bin, name), 'utf8').split('\n').filter(Boolean).sort();

/** An operation whose hosts share one systemd, and what it was told. */
function operation(enabled: string[]) {
  writeFileSync(join(bin, 'enabled'), enabled.map((one) => `${one}\n`).join(''));
  writeFileSync(join(bin, 'said'), '');
  const told: string[] = [];
  const undos = new Map<string, string>();
  const run = async (script: string) => {
    const { code, out } = sh(script, { path: bin });
    assert.equal(code, 0, out);
    return out;
  };
  const op = {
    cluster: labCluster(),
    ask: (_host: { name: string }, _what: string, script: string) => run(script),
    async armUndo({ name }: { name: string }, undo: string, script: string, seconds: number) {
      told.push(`${name}: armed ${undo} for ${seconds} s, enabled: ${file('enabled').join(' ')}`);
      undos.set(undo, script);
    },
    async step(host: { name: string }, step: string, _role: string, _action: string, work: (remote: never) => unknown) {
      told.push(`${host.name}: ${step}`);
      return work({ run } as never);
    },
    async runUndo({ name }: { name: string }, undo: string) {
      told.push(`${name}: released ${undo}`);
      await run(undos.get(undo)!);
    },
  };
  return { op: op as never as Parameters<typeof withoutScheduledBackups>[0], told };
}

const FULL = 'pgbackrest-full.timer';
const DIFF = 'pgbackrest-diff.timer';

test('no backup begins by itself during the work, and what was missed can be made up for behind it', async () => {
  const { op, told } = operation([FULL, DIFF, 'etcd.service']);
  const outcome = await withoutScheduledBackups(op, 60, async () => {
    assert.deepEqual(file('enabled'), ['etcd.service'], 'a reboot would not bring them back either');
    assert.deepEqual(file('said'), [`stop ${DIFF}`, `stop ${FULL}`]);
    return 'done';
  });
  assert.equal(outcome, 'done');
  assert.deepEqual(file('enabled'), ['etcd.service', DIFF, FULL]);
  assert.deepEqual(file('said'), [`start ${DIFF}`, `start ${FULL}`, `stop ${DIFF}`, `stop ${FULL}`]);
  assert.deepEqual(told, [
    `backup: armed backup-schedule for 60 s, enabled: etcd.service ${DIFF} ${FULL}`,
    'backup: hold the schedule of backups',
    'backup: released backup-schedule',
  ]);
});

test('a timer that somebody has turned off stays off, and without any nothing is armed', async () => {
  const one = operation([DIFF]);
  await withoutScheduledBackups(one.op, 60, async () => undefined);
  assert.deepEqual(file('enabled'), [DIFF]);
  const none = operation([]);
  await withoutScheduledBackups(none.op, 60, async () => undefined);
  assert.deepEqual(none.told, []);
});

test('work that fails leaves the undo armed for the end of the run', async () => {
  const { op, told } = operation([FULL]);
  await assert.rejects(
    withoutScheduledBackups(op, 60, () => Promise.reject(new Error('no gate'))),
    /no gate/,
  );
  assert.ok(!told.some((line) => line.includes('released')));
});

test('a schedule that is held does not keep the next host from being taken out; every other undo does', () => {
  const armed = (undo: string) => {
    const all = healthyLab();
    all.set('backup', { ...all.get('backup')!, units: { said: [`hapg-undo-${undo}.timer`] } });
    return takeSnapshot(all);
  };
  assert.deepEqual(steady(labCluster(), armed('backup-schedule'), DEFAULT_LIMITS), { ok: true });
  assert.equal(nothingLeftOver(labCluster(), armed('update')).ok, false);
});
