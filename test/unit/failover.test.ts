import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { lossOf, mayFailOver } from '../../src/decisions/failover.ts';
import { ledLast, mayStart } from '../../src/decisions/start.ts';
import type { Verdict } from '../../src/decisions/verdict.ts';
import { said } from '../../src/observe/answer.ts';
import type { Observation } from '../../src/observe/index.ts';
import { healthyLab, its, labCluster } from './model.ts';

const cluster = labCluster();
const reasons = (verdict: Verdict): string => (verdict.ok ? 'yes' : verdict.reasons.join('; '));

/**
 * The lab after the death of db1: its host does not answer, its lease has ended. `received` is the WAL of the others
 * (bytes).
 */
function leaderless(
  received: Record<string, number> = { db2: 5000, db3: 5000 },
  change: (all: Map<string, Observation>) => void = () => undefined,
) {
  const all = structuredClone(healthyLab());
  all.delete('db1');
  for (const [name, observation] of all) {
    const patroni = said(observation.patroni);
    if (!patroni) continue;
    patroni.members = patroni.members!.filter((member) => member.name !== 'db1');
    Object.assign(patroni.self!, { xlog: { received_location: received[name], replayed_location: 1 } });
  }
  change(all);
  return takeSnapshot(all);
}
const patroniOf = (all: Map<string, Observation>, name: string) => its(all.get(name)!.patroni);

describe('a failover', () => {
  test('to a member that has all that the others have goes ahead', () => {
    assert.equal(reasons(mayFailOver(cluster, leaderless(), 'db3')), 'yes');
  });

  test('is refused while a leader serves, with the command for a planned change', () => {
    assert.match(
      reasons(mayFailOver(cluster, takeSnapshot(healthyLab()), 'db2')),
      /^db1 leads and serves: .*hapg switchover --to db2/,
    );
  });

  test('is refused while the lease of a leader runs whose host does not answer', () => {
    const all = healthyLab();
    all.delete('db1');
    assert.match(
      reasons(mayFailOver(cluster, takeSnapshot(all), 'db2')),
      /^db1 has the lease .* may serve clients.* within 20 s/,
    );
  });

  test('is refused where another member has more, and names that one', () => {
    assert.equal(
      reasons(mayFailOver(cluster, leaderless({ db2: 9096, db3: 5000 }), 'db3')),
      'db2 has 4.0 KiB more than db3: --to db2',
    );
  });

  test('is refused without a quorum of the DCS, and points at the repair', () => {
    const snapshot = leaderless(undefined, (all) => {
      for (const name of ['db2', 'db3']) all.set(name, { ...all.get(name)!, dcs: { silent: 'no answer' } });
    });
    assert.match(reasons(mayFailOver(cluster, snapshot, 'db3')), /etcd does not answer on db3.*"hapg repair"/);
  });

  test('is refused where the member does not run, is starting, or must not lead', () => {
    const silent = leaderless(undefined, (all) => all.set('db3', { ...all.get('db3')!, patroni: { silent: 'no' } }));
    assert.match(reasons(mayFailOver(cluster, silent, 'db3')), /^Patroni does not run on db3/);
    const starting = leaderless(undefined, (all) => Object.assign(patroniOf(all, 'db3').self!, { state: 'starting' }));
    assert.match(reasons(mayFailOver(cluster, starting, 'db3')), /PostgreSQL on db3 is starting/);
    const tagged = leaderless(undefined, (all) => {
      for (const name of ['db2', 'db3']) patroniOf(all, name).members![1]!.tags = { nofailover: true };
    });
    assert.match(reasons(mayFailOver(cluster, tagged, 'db3')), /db3 has the tag nofailover/);
  });

  test('is refused while a server without its Patroni may still take writes', () => {
    const snapshot = leaderless(undefined, (all) => {
      const db1 = structuredClone(healthyLab()).get('db1')!;
      all.set('db1', {
        ...db1,
        patroni: { silent: 'no answer' },
        dataDirectory: { said: { state: 'cluster', systemIdentifier: '7000', led: true } },
      });
    });
    assert.match(
      reasons(mayFailOver(cluster, snapshot, 'db3')),
      /PostgreSQL on db1 runs as a leader .*"hapg fence db1"/,
    );
  });

  test('says whether a row is lost', () => {
    assert.match(
      lossOf(cluster, leaderless(), 'db2').join('\n'),
      /db2 was the synchronous standby.*no acknowledged row/,
    );
    const async = lossOf(cluster, leaderless(), 'db3').join('\n');
    assert.match(async, /! db3 was not the synchronous standby: .*LOST/);
    assert.match(async, /unknown time; it has all that the last leader reported/);
  });
});

/** The lab switched off; `led` is the member whose control file says that it led. */
function off(led: string | undefined, away: readonly string[] = []) {
  const all = structuredClone(healthyLab());
  for (const name of ['db1', 'db2', 'db3']) {
    all.set(name, {
      ...all.get(name)!,
      dataDirectory: { said: { state: 'cluster', systemIdentifier: '7000', led: name === led } },
      patroni: { silent: 'no answer' },
    });
  }
  for (const name of away) all.delete(name);
  return takeSnapshot(all);
}

describe('the start of a cluster', () => {
  test('begins with the member that led last', () => {
    assert.deepEqual(
      ledLast(cluster, off('db3')).map(({ name }) => name),
      ['db3'],
    );
    assert.equal(reasons(mayStart(cluster, off('db3'))), 'yes');
  });

  test('goes without a host that did not lead last', () => {
    assert.equal(reasons(mayStart(cluster, off('db1', ['db2']))), 'yes');
  });

  test('is refused without the member that led last: the others may lack rows', () => {
    assert.match(reasons(mayStart(cluster, off('db1', ['db1']))), /none of the database hosts .* db1 may have rows/);
  });

  test('is refused without the quorum of the DCS, and names whom it needs', () => {
    assert.match(
      reasons(mayStart(cluster, off('db1', ['db2', 'db3']))),
      /etcd needs 2 of its 3 members, and 1 of their hosts answer: bring back db2, db3/,
    );
  });
});
