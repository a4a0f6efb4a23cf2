/**
 * Proves every operation of a cluster's later life in all its depth, on one cluster: growth, drift, failover, repair,
 * rotation, restore, drills, clones, the end. Takes about 75 minutes.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { apt } from '../../src/lab/programs.ts';
import { provingBackups } from '../lab/backups.ts';
import { drifting } from '../lab/drift.ts';
import { ending } from '../lab/end.ts';
import { failingOver } from '../lab/failover.ts';
import { growing } from '../lab/growth.ts';
import { repairing } from '../lab/repair.ts';
import { restoring } from '../lab/restore.ts';
import { rotating } from '../lab/rotation.ts';
import { before, test } from '../support/group.ts';
import { type OperationDocument, report, set, TestLab } from '../support/lab.ts';

const lab = new TestLab('pgday2');
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const { code, stderr } = await lab.hapg(['apply', '--yes']);
  assert.equal(code, 0, stderr.slice(-2000));
  await lab.findUri();
});
after(() => lab.down());

test("a setting of the members' own files alone: the plan says who restarts, and the same run does it", async () => {
  lab.write((text) => text.replace('shared_buffers: 128MB', 'shared_buffers: 144MB'));
  const restarts = (text: string) => set(report(text)).filter((one) => one.includes(' restart-pending '));
  const planned = restarts((await lab.hapg(['plan', '-o', 'json'])).stdout);
  assert.equal(planned.length, 3);
  const { code, stdout, stderr } = await lab.hapg(['apply', '--yes', '-o', 'json']);
  assert.equal(code, 0, stderr.slice(-2000));
  assert.deepEqual(restarts(stdout), planned);
  for (const db of ['db1', 'db2', 'db3'])
    assert.equal(lab.on(db, "runuser -u postgres -- psql -XAtc 'show shared_buffers'").out, '144MB', db);
  assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  const replica = (await lab.healthy(30)).members.find(({ role }) => role === 'replica')!.name;
  const alone = ['plan', '-l', replica, '-e', 'postgres.parameters.max_connections=130', '-o', 'json'];
  assert.deepEqual(restarts((await lab.hapg(alone)).stdout), [], 'what all have alike changes with the leader');
});

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
