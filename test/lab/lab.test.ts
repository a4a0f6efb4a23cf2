import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { TestLab } from '../support/lab.ts';
import { applying } from './apply.ts';
import { changing } from './changes.ts';
import { drifting } from './drift.ts';
import { failingOver } from './failover.ts';
import { growing } from './growth.ts';
import { guarding } from './guards.ts';
import { judging } from './judges.ts';
import { afterwards } from './last.ts';
import { locking } from './locks.ts';
import { loggingIn } from './logins.ts';
import { repairing } from './repair.ts';
import { restoring } from './restore.ts';
import { rotating } from './rotation.ts';
import { updating } from './updates.ts';

/** One lab for all: bare hosts at the beginning, and everything that follows happens to the same cluster. */
const lab = new TestLab();
before(async () => {
  const up = await lab.hapg(['lab', 'up']);
  assert.equal(up.code, 0, up.stderr);
  await lab.findUri();
});
after(() => lab.down());

applying(lab);
locking(lab);
judging(lab);
changing(lab);
loggingIn(lab);
failingOver(lab);
guarding(lab);
drifting(lab);
growing(lab);
rotating(lab);
repairing(lab);
restoring(lab);
updating(lab);
afterwards(lab);
