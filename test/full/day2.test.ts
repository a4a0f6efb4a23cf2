import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { drifting } from '../lab/drift.ts';
import { growing } from '../lab/growth.ts';
import { restoring } from '../lab/restore.ts';
import { rotating } from '../lab/rotation.ts';
import { TestLab } from '../support/lab.ts';

/** What takes too long for every change: each of these in all its depth, on a lab of their own. */
const lab = new TestLab('pgday2');
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  lab.uri = (await lab.hapg(['connect'])).stdout.split('\n')[0]!;
});
after(() => lab.down());

growing(lab, true);
drifting(lab, true);
rotating(lab, true);
restoring(lab, true);
