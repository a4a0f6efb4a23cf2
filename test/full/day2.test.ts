import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { apt } from '../../src/lab/docker.ts';
import { provingBackups } from '../lab/backups.ts';
import { drifting } from '../lab/drift.ts';
import { ending } from '../lab/end.ts';
import { failingOver } from '../lab/failover.ts';
import { growing } from '../lab/growth.ts';
import { repairing } from '../lab/repair.ts';
import { restoring } from '../lab/restore.ts';
import { rotating } from '../lab/rotation.ts';
import { type OperationDocument, TestLab } from '../support/lab.ts';

/** What takes too long for every change: each of these in all its depth, on a lab of their own. */
const lab = new TestLab('pgday2');
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  await lab.findUri();
});
after(() => lab.down());

growing(lab, true);
drifting(lab, true);
failingOver(lab, true);
repairing(lab, true);
rotating(lab, true);
restoring(lab, true);
provingBackups(lab);

test('--probe without a client host: this machine is the client', async () => {
  await apt('postgresql-client');
  await lab.healthy(60);
  const alone = lab.variant('no-client.yaml', (text) => text.replace(/^ {2}client:.*\n/m, ''));
  const { code, stdout, stderr } = await lab.hapg(['switchover', '-i', alone, '--yes', '--probe', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  const { writes, reads } = JSON.parse(stdout) as OperationDocument;
  console.log(`seen from this machine: ${JSON.stringify(writes)} ${JSON.stringify(reads)}`);
  assert.equal(writes!.lost, 0);
  assert.ok(writes!.acked > 5 && reads!.ok > 5);
  assert.ok(!existsSync(join(lab.directory, '.hapg', lab.cluster, 'load')), 'its passwords are gone');
  await lab.healthy(60);
});

ending(lab);
