import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatLsn, readHistory } from '../../src/cluster/history.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { topologyOf } from '../../src/cluster/topology.ts';
import { showTopology } from '../../src/view/topology.ts';
import { healthyLab, its } from './model.ts';

/** The healthy lab, in which these members report these receivers. */
function sending(receivers: Record<string, string[]>) {
  const all = healthyLab();
  for (const [name, observation] of all)
    if (observation.sql)
      its(observation.sql).replication = (receivers[name] ?? []).map((one) => ({
        name: one,
        state: 'streaming',
        behind: 0,
      }));
  return takeSnapshot(all);
}
const drawn = (receivers: Record<string, string[]>): string[] =>
  showTopology(topologyOf(sending(receivers)))
    .split('\n')
    .map((line) => /^[^\w]*\S+/.exec(line)![0]);

describe('the topology', () => {
  test('is a tree below the leader', () => {
    assert.deepEqual(drawn({ db1: ['db2', 'db3'] }), ['db1', '├─ db2', '└─ db3']);
  });

  test('shows a replica that receives from a replica below that one', () => {
    assert.deepEqual(drawn({ db1: ['db2'], db2: ['db3'] }), ['db1', '└─ db2', '   └─ db3']);
  });

  test('shows receivers that are no members', () => {
    assert.deepEqual(drawn({ db1: ['db2', 'db3', 'pg_receivewal'] }), ['db1', '├─ db2', '├─ db3', '└─ pg_receivewal']);
  });

  test('names a member that receives from nobody', () => {
    const text = showTopology(topologyOf(sending({ db1: ['db2'] })));
    assert.match(text, /^db3 .*receives from nobody that answers$/m);
  });

  test('ends where two say that they send to each other', () => {
    assert.deepEqual(drawn({ db1: ['db2'], db2: ['db1', 'db3'] }), ['db1', '└─ db2', '   └─ db3']);
  });
});

describe("Patroni's history", () => {
  test('is read with the leader and the time where they were noted', () => {
    assert.deepEqual(
      readHistory(
        '[[1, 25623960, "no recovery target specified", "2026-01-31T14:05:00.123+00:00", "db2"], [2, 97542, "x"]]',
      ),
      [
        {
          timeline: 1,
          lsn: '0/186FD98',
          reason: 'no recovery target specified',
          at: '2026-01-31T14:05:00.123+00:00',
          leader: 'db2',
        },
        { timeline: 2, lsn: '0/17D06', reason: 'x', at: null, leader: null },
      ],
    );
  });

  test('is empty on the first timeline, and unknown where the answer is none', () => {
    assert.deepEqual(readHistory('[]'), []);
    assert.equal(readHistory('<html>'), undefined);
  });

  test('has positions as PostgreSQL writes them', () => {
    assert.equal(formatLsn(22 * 2 ** 32 + 0xb374d848), '16/B374D848');
  });
});
