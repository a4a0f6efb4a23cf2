import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { ALWAYS } from '../support/budget.ts';
import { before, group } from '../support/group.ts';
import { TestLab } from '../support/lab.ts';
import { applying } from './apply.ts';
import { changing } from './changes.ts';
import { drifting } from './drift.ts';
import { emergencies } from './emergency.ts';
import { failingOver } from './failover.ts';
import { growing } from './growth.ts';
import { guarding } from './guards.ts';
import { judging } from './judges.ts';
import { afterwards } from './last.ts';
import { locking } from './locks.ts';
import { loggingIn } from './logins.ts';
import { watched } from './monitored.ts';
import { beingOdd, makeOdd, withOddities } from './odd.ts';
import { repairing } from './repair.ts';
import { restoring } from './restore.ts';
import { rotating } from './rotation.ts';
import { settling } from './settings.ts';
import { briefly } from './shape.ts';
import { storing } from './store.ts';
import { updating } from './updates.ts';

/*
 * The labs of CI. After the name of a group: its seconds on the reference machine (to be corrected by the table that a run
 * prints at its end), and its value, by which it is chosen when not everything fits into the time. Groups run in this order.
 */

describe('one cluster: bare hosts at the beginning, and all that follows happens to it', () => {
  const lab = new TestLab('pgtest', 'lab.yaml', { bare: true, settings: withOddities });
  before(async () => {
    const up = await lab.hapg(['lab', 'up']);
    assert.equal(up.code, 0, up.stderr);
    makeOdd(lab);
    await lab.findUri();
  });
  after(() => lab.down());

  group('first pass', 180, ALWAYS, () => applying(lab));
  group('odd host', 150, 97, () => beingOdd(lab));
  group('locks', 140, 60, () => locking(lab));
  group('judges', 130, 80, () => judging(lab));
  group('changed settings', 280, 70, () => changing(lab));
  group('settings', 90, 68, () => settling(lab));
  group('logins', 45, 30, () => loggingIn(lab));
  group('failover', 230, 100, () => failingOver(lab));
  group('emergency', 280, 58, () => emergencies(lab));
  group('guards', 220, 40, () => guarding(lab));
  group('drift', 110, 35, () => drifting(lab));
  group('growth', 110, 75, () => growing(lab));
  group('rotation', 170, 45, () => rotating(lab));
  group('secret store', 100, 44, () => storing(lab));
  group('repair', 110, 55, () => repairing(lab));
  group('restore', 80, 90, () => restoring(lab));
  group('updates', 250, 50, () => updating(lab));
  group('nothing lies open', 15, 95, () => afterwards(lab));
});

for (const [cluster, inventory, seconds, value] of [
  ['pgpair', 'two-node.yaml', 70, 65],
  ['pgzootest', 'zookeeper.yaml', 100, 52],
  ['pgpooltest', 'pgbouncer.yaml', 80, 54],
  ['pgdc', 'multi-dc.yaml', 110, 56],
] as const)
  group(`shape ${inventory}`, seconds, value, () => {
    const lab = new TestLab(cluster, inventory);
    after(() => lab.down());
    briefly(lab);
  });

group('monitoring', 400, 57, () => {
  const lab = new TestLab('pgwatch', 'monitored.yaml', {
    settings: (text) => text.replace('[pgbackrest, monitoring]', '[pgbackrest, monitoring, client]'),
  });
  after(() => lab.down());
  briefly(lab);
  watched(lab);
});
