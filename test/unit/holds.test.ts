import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { admitApply } from '../../src/decisions/admission.ts';
import { DEFAULT_LIMITS, nothingLeftOver, steady } from '../../src/decisions/update.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { dropHold, endHold, setHold } from '../../src/engine/hold-script.ts';
import { said } from '../../src/observe/answer.ts';
import { type Hold, holds } from '../../src/observe/holds.ts';
import { PATHS } from '../../src/paths.ts';
import { statusOf } from '../../src/status/status.ts';
import { healthyLab, labCluster } from './model.ts';
import { sh } from './sh.ts';

const home = mkdtempSync(join(tmpdir(), 'hapg-holds-'));
after(() => rmSync(home, { recursive: true, force: true }));
const [units, bin] = [join(home, 'units'), join(home, 'bin')];
for (const directory of [units, bin]) mkdirSync(directory);
writeFileSync(
  join(bin, 'systemctl'),
  `#!/bin/sh\necho "$*" >> ${home}/log\ncase "$*" in *is-active*) exit 3 ;; esac\n`,
  {
    mode: 0o755,
  },
);
writeFileSync(join(bin, 'logger'), '#!/bin/sh\n', { mode: 0o755 });

/** Runs a script as the host would. */
const run = (script: string) => {
  const here = script.replaceAll(PATHS.state, join(home, 'state')).replaceAll('/etc/systemd/system', units);
  return sh(here, { path: bin });
};
const cluster = labCluster();
const db1 = cluster.hosts[0]!;
/** What the host says about its holds. */
const seen = (): Hold[] => holds.read(run(holds.script(cluster, db1)).out, cluster, db1);

describe('a hold on its host', () => {
  test('is known with its end, which is a time of the calendar that outlives a boot', () => {
    const before = Math.floor(Date.now() / 1000);
    assert.equal(run(setHold('pause', `echo ended > ${home}/ended`, 3600)).code, 0);
    const [hold] = seen();
    assert.equal(hold!.name, 'pause');
    assert.ok(hold!.until! >= before + 3600 && hold!.until! <= before + 3700);
    const timer = readFileSync(join(units, 'hapg-hold-pause.timer'), 'utf8');
    const moment = new Date(hold!.until! * 1000).toISOString().slice(0, 19).replace('T', ' ');
    assert.match(timer, new RegExp(`^OnCalendar=${moment} UTC$`, 'm'));
    assert.match(timer, /^Persistent=true$/m);
  });

  test('ends with what it was told to do, and leaves nothing behind', () => {
    assert.equal(run(endHold('pause')).code, 0);
    assert.equal(readFileSync(join(home, 'ended'), 'utf8'), 'ended\n');
    assert.deepEqual(seen(), []);
    assert.deepEqual(readdirSync(units), []);
    assert.equal(run(endHold('pause')).code, 0, 'without one nothing is done');
  });

  test('stays where its end fails, so that its timer tries again', () => {
    run(setHold('pause', 'exit 1', 60));
    assert.notEqual(run(endHold('pause')).code, 0);
    assert.equal(seen().length, 1);
    assert.ok(existsSync(join(units, 'hapg-hold-pause.timer')));
    run(dropHold('pause'));
    assert.deepEqual(seen(), []);
  });

  test('without an end of its own has no timer', () => {
    run(setHold('fence', ':', undefined));
    assert.deepEqual(seen(), [{ name: 'fence', until: undefined }]);
    assert.deepEqual(readdirSync(units), []);
    run(dropHold('fence'));
  });

  test('with an end can be made one without', () => {
    run(setHold('fence', ':', 60));
    run(setHold('fence', ':', undefined));
    assert.deepEqual(seen(), [{ name: 'fence', until: undefined }]);
    assert.deepEqual(readdirSync(units), []);
  });
});

/** The healthy lab with a hold on db2; a drained member carries its marks. */
function held(name: Hold['name']) {
  const all = healthyLab();
  all.set('db2', { ...all.get('db2')!, holds: [{ name, until: 1_767_265_200 }] });
  for (const one of all.values())
    for (const member of said(one.patroni)?.members ?? [])
      if (member.name === 'db2' && name === 'drain')
        Object.assign(member, { role: 'replica', tags: { noloadbalance: true, nofailover: true, nosync: true } });
      else if (member.name === 'db3' && name === 'drain') Object.assign(member, { role: 'sync_standby' });
  return takeSnapshot(all);
}
const reasons = (verdict: Verdict): string => (verdict.ok ? '' : verdict.reasons.join('\n'));

describe('a held host', () => {
  test('is one problem of the status, which names its end; its marks are none', () => {
    const { problems } = statusOf(cluster, held('drain'), new Map(), undefined, Date.parse('2026-01-01T00:00:00Z'));
    assert.deepEqual(
      problems.filter(({ code }) => code === 'held' || code === 'tag').map(({ host, message }) => [host, message]),
      [['db2', 'db2 is drained until 2026-01-01T11:00:00Z: it serves nobody; "hapg undrain db2" ends that']],
    );
  });

  test('stops an apply, which would write its configuration anew', () => {
    assert.match(reasons(admitApply(cluster, held('drain'), [])), /db2 is drained until .*"hapg undrain db2"/);
    assert.match(reasons(admitApply(cluster, held('fence'), [])), /db2 is fenced until .*"hapg unfence db2"/);
  });

  test('stops planned changes of the whole cluster, and is named once', () => {
    assert.equal(
      reasons(steady(cluster, held('drain'), DEFAULT_LIMITS)),
      'db2 is drained until 2026-01-01T11:00:00Z: it serves nobody; "hapg undrain db2" ends that',
    );
    assert.equal(reasons(nothingLeftOver(cluster, held('drain'))), '');
  });

  test('with the end of a pause stops nothing: the pause itself does', () => {
    assert.equal(reasons(admitApply(cluster, held('pause'), [])), '');
  });
});
