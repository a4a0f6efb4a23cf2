import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { apply } from '../../playbooks/apply.ts';
import { BACKUP_TIMERS } from '../../playbooks/out-of-service.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { allSteps } from '../../src/engine/plan.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { schedule } from '../../src/observe/backups.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { backupStatus } from '../../src/status/backup-status.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { UnitWant } from '../../src/steps/unit.ts';
import { contextFor, healthyLab, its, labCluster } from './model.ts';
import { programs, sh } from './sh.ts';

const HOURLY = labCluster(['full: "Sun 03:00"', 'incr: hourly, full: "Sun 03:00"']);
const PLAIN = labCluster();
const backupHostOf = (cluster: Cluster) => cluster.hosts.find((one) => one.name === 'backup')!;

async function wanted<Want>(cluster: Cluster, id: string): Promise<Want> {
  const steps = allSteps(apply, backupHostOf(cluster), await contextFor(cluster), {
    hosts: cluster.hosts,
    roles: new Set(ROLE_NAMES),
  }).flatMap((one) => one.steps);
  return steps.find((one) => one.id === id)!.want as Want;
}
const UNITS = '/etc/systemd/system';

test('incremental backups have units as soon as the schedule has them', async () => {
  const timer = await wanted<FileWant>(HOURLY, `file ${UNITS}/pgbackrest-incr.timer`);
  assert.match(String(timer.content), /^OnCalendar=hourly$/m);
  const service = await wanted<FileWant>(HOURLY, `file ${UNITS}/pgbackrest-incr.service`);
  assert.match(String(service.content), /--type=incr backup/);
  assert.equal((await wanted<UnitWant>(HOURLY, 'unit pgbackrest-incr.timer')).active, true);
});

test('without a schedule for them, the units of incremental backups are stopped and removed', async () => {
  assert.equal((await wanted<UnitWant>(PLAIN, 'unit pgbackrest-incr.timer')).active, false);
  for (const kind of ['timer', 'service']) {
    const { content, ifMarked } = await wanted<FileWant>(PLAIN, `file ${UNITS}/pgbackrest-incr.${kind}`);
    assert.deepEqual([content, ifMarked], [undefined, true]);
  }
  assert.equal((await wanted<UnitWant>(PLAIN, 'unit pgbackrest-full.timer')).active, true);
});

test('everything that stops the schedule stops the incremental backups too', () => {
  assert.deepEqual(
    BACKUP_TIMERS.map((name) => /pgbackrest-(\w+)\.timer/.exec(name)![1]),
    ['full', 'diff', 'incr', 'drill'],
  );
});

test('status asks about the timers that the schedule has, and about no other', () => {
  assert.match(schedule.script(HOURLY, backupHostOf(HOURLY)), /pgbackrest-incr\.timer/);
  assert.doesNotMatch(schedule.script(PLAIN, backupHostOf(PLAIN)), /incr/);
  const answer = 'Id=pgbackrest-full.timer\nActiveState=active\n\nId=pgbackrest-incr.timer\nActiveState=inactive\n';
  assert.deepEqual(schedule.read(answer, HOURLY, backupHostOf(HOURLY)), {
    said: { idle: ['pgbackrest-incr.timer'], triggered: undefined },
  });
});

test('a backup that did not come is looked for in the logs of the schedule', () => {
  const problems = (cluster: Cluster): string[] => {
    const all = healthyLab();
    its(all.get('backup')!.repository).backups[0]!.stop -= 864_000;
    const found: string[] = [];
    backupStatus(cluster, takeSnapshot(all), (code, _host, message) => found.push(`${code}: ${message}`));
    return found;
  };
  assert.match(
    problems(HOURLY).join('\n'),
    /^backup_age: .*"hapg logs pgbackrest-full pgbackrest-diff pgbackrest-incr"$/,
  );
  assert.match(problems(PLAIN).join('\n'), /"hapg logs pgbackrest-full pgbackrest-diff"$/);
});

test('two scheduled backups that fall together take turns, and one repository that fails does not keep the next from its backup', async () => {
  const { content } = await wanted<FileWant>(HOURLY, `file ${UNITS}/pgbackrest-incr.service`);
  const directory = mkdtempSync(join(tmpdir(), 'hapg-schedule-'));
  // systemd.service(5): "$$" is a dollar sign.
  const command = /^ExecStart=(.*)$/m
    .exec(String(content))![1]!
    .replaceAll('$$', '$')
    .replace('/var/log/pgbackrest', directory)
    .replace('for repo in 1;', 'for repo in 1 2;');
  const path = programs({
    pgbackrest: `echo "begin $2" >> ${directory}/calls; sleep 0.3; echo "end $2" >> ${directory}/calls; [ $2 != --repo=1 ]`,
  });
  const { code } = sh(`${command} & first=$!; ${command} & wait $first; one=$?; wait $!; exit $((one + $?))`, { path });
  assert.equal(code, 2, 'both report the repository that failed');
  const lines = readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n');
  const once = ['begin --repo=1', 'end --repo=1', 'begin --repo=2', 'end --repo=2'];
  assert.deepEqual(lines, [...once, ...once]);
});
