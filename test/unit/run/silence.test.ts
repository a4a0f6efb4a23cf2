import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeSnapshot } from '../../../src/cluster/snapshot.ts';
import { nothingLeftOver, SILENCE } from '../../../src/decisions/update.ts';
import { alertsAreSent, endSilences, silence } from '../../../src/programs/alertmanager.ts';
import { silenceAlerts } from '../../../src/run/silence.ts';
import { probed } from '../../support/fake-probe.ts';
import { runOver } from '../engine/run.ts';
import { healthyLab, labCluster } from '../model.ts';
import { programs, sh } from '../sh.ts';

const monitored = labCluster(['roles: [pgbackrest]', 'roles: [pgbackrest, monitoring]']);

/** A run over a monitored cluster; returns what its hosts were asked about alerts, what was noted, and the run. */
async function silenced({ alerts = 'active', of = monitored, fails = '' } = {}) {
  const asked: string[] = [];
  const run = runOver(
    (script, host) => {
      if (script.includes(alertsAreSent)) return alerts;
      if (script.includes('amtool')) {
        asked.push(`${host}: ${/undo\.sh/.test(script) ? 'arm the end' : 'silence'}`);
        if (fails !== '' && !/undo\.sh/.test(script)) return { code: 1, output: fails };
      }
      return probed(script) ?? '';
    },
    { of },
  );
  await run.begin();
  await silenceAlerts(run.op, 'hapg update, run 1');
  const notes = run.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
  return { asked, notes, run };
}

describe('alerts of planned work', () => {
  test('are silenced on the host that sends them, with the end armed before', async () => {
    const { asked, notes } = await silenced();
    assert.deepEqual(asked, ['backup: arm the end', 'backup: silence']);
    assert.deepEqual(notes, []);
  });

  test('are left alone where nobody is told of them', async () => {
    assert.deepEqual((await silenced({ alerts: '' })).asked, []);
    assert.deepEqual((await silenced({ of: labCluster() })).asked, []);
  });

  test('that cannot be silenced do not stop the work, and the operator hears of it', async () => {
    const { notes } = await silenced({ fails: 'amtool: connection refused' });
    assert.match(notes.join(), /^backup: the alerts of this work are not silenced \(.*connection refused/);
  });

  test('are no leftover for the gates of the same run', () => {
    const armed = (undo: string) =>
      nothingLeftOver(
        monitored,
        takeSnapshot(
          new Map(
            [...healthyLab()].map(([name, its]) => [name, { ...its, units: { said: [`hapg-undo-${undo}.timer`] } }]),
          ),
        ),
      ).ok;
    assert.equal(armed(SILENCE), true);
    assert.equal(armed('drain-db1'), false);
  });
});

/** amtool as Alertmanager's host has it; it prints how it was called, and lists these silences. */
const amtool = (...ids: string[]) =>
  programs({
    amtool: `case "$*" in *' query '*) printf '%s\\n' ${ids.join(' ') || "''"} | grep . ;; *) echo "$*" ;; esac; exit 0`,
  });

describe('a silence', () => {
  test('is about the alerts of one cluster that planned work can cause, says whose it is, and ends by itself', () => {
    assert.equal(
      sh(silence(9093, 'shop', "hapg update, run 1; it's long", 60), { path: amtool() }).out.trim(),
      "--alertmanager.url=http://127.0.0.1:9093 silence add --author=hapg --duration=60s --comment=hapg update, run 1; it's long cluster=shop planned=yes",
    );
  });

  test('ends with all others of hapg, and where there is none nothing is ended', () => {
    assert.match(sh(endSilences(9093, 'shop'), { path: amtool('a1', 'b2') }).out, / silence expire a1 b2$/m);
    assert.deepEqual(sh(endSilences(9093, 'shop'), { path: amtool() }), { code: 0, out: '' });
  });
});
