import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listHeading, removeCluster, restartMember, setDynamic, switchover } from '../../src/programs/patroni.ts';
import { restartPending } from '../../src/steps/member-restart.ts';
import { programs, sh } from './sh.ts';

const SCOPE = ['pglab'];
/** A member's host on which patronictl does this. */
const host = (patronictl: string, others: Record<string, string> = {}) =>
  programs({ runuser: 'shift 3; exec "$@"', patronictl, ...others });

describe('a switchover', () => {
  const run = (patronictl: string) => sh(switchover(SCOPE, 'db1', 'db2'), { path: host(patronictl) });

  test('that Patroni carries out prints nothing', () => {
    assert.deepEqual(run('echo "2026-01-31 14:05:00.12 Successfully switched over to \\"db2\\""'), {
      code: 0,
      out: '',
    });
  });

  for (const [name, patronictl, reason] of [
    [
      'patronictl refuses',
      'echo "Error: Member db1 is not the leader of cluster pglab"; exit 1',
      'Member db1 is not the',
    ],
    [
      'the REST API refuses, and patronictl ends well',
      'echo "Current cluster topology"; echo "Switchover failed, details: 412, no good candidates have been found"',
      'no good candidates have been found',
    ],
    ['there is no patronictl', 'exit 127', ''],
  ] as const)
    test(`that ${name} is a failure with the reason`, () => {
      const { code, out } = run(patronictl);
      assert.equal(code, 1);
      assert.match(out, /^Patroni refused it: /);
      assert.ok(out.includes(reason), out);
    });

  test('of which Patroni cannot tell how it ends is left to the next look', () => {
    assert.equal(run('echo "Switchover failed, details: 503, Switchover status unknown"').code, 0);
  });
});

describe('a restart', () => {
  for (const [name, patronictl, code] of [
    ['that is done', 'echo "Success: restart on member db1"', 0],
    [
      'that Patroni refuses while patronictl ends well',
      'echo "Failed: restart for member db1, status code=503, (busy)"',
      1,
    ],
    ['for which patronictl fails', 'echo "Error: no such member"; exit 1', 1],
  ] as const)
    test(`${name} ends with ${code}`, () => {
      const { code: ended, out } = sh(restartMember(SCOPE, 'db1'), { path: host(patronictl) });
      assert.equal(ended, code);
      assert.equal(out === '', code === 0, out);
    });

  /** REST answers one after another, the last one for ever; a clock that runs fast. */
  const pending = (patronictl: string, ...answers: string[]) => {
    const path = host(patronictl, {
      sleep: ':',
      date: 'd=$(dirname "$0"); n=$(cat "$d/now" 2>/dev/null || echo 0); n=$((n + 50)); echo $n > "$d/now"; echo $n',
      curl: `d=$(dirname "$0"); n=$(cat "$d/asked" 2>/dev/null || echo 0); echo $((n + 1)) > "$d/asked"
case $n in ${answers.map((answer, index) => `${index === answers.length - 1 ? '*' : index}) echo '${answer}' ;;`).join(' ')} esac`,
    });
    return sh(restartPending({ name: 'db1', scope: SCOPE, rest: 'base=x; set --', sharedBuffers: 0 }), { path });
  };
  const WAITS = '{"state": "running", "pending_restart": true}';
  const RUNS = '{"state": "running"}';

  test('for a setting is done when the member waits for it no more', () => {
    assert.deepEqual(pending('echo Success', RUNS), { code: 0, out: '' });
  });

  test('that Patroni refused because the member waits no more is no failure', () => {
    assert.deepEqual(pending('echo "Failed: (restart conditions are not satisfied)"', RUNS), { code: 0, out: '' });
  });

  test("that never comes ends with Patroni's reason", () => {
    const { code, out } = pending('echo "Failed: restart for member db1, status code=503, (busy)"', WAITS);
    assert.equal(code, 1);
    assert.match(out, /not back within 120 s: Failed: .*busy/);
  });

  test('is not taken for done because Patroni gives no answer', () => {
    assert.equal(pending('echo Success', RUNS, '', RUNS, WAITS, RUNS, WAITS).code, 1);
    assert.equal(pending('echo Success', RUNS, '', RUNS, RUNS).code, 0);
  });
});

test('a change of the dynamic configuration that fails is reported', () => {
  assert.deepEqual(sh(setDynamic(SCOPE, 'standby_cluster', 'null'), { path: host('exit 0') }), { code: 0, out: '' });
  const { code, out } = sh(setDynamic(SCOPE, 'standby_cluster', 'null'), {
    path: host('echo "Error: Config modification aborted due to concurrent changes"; exit 1'),
  });
  assert.deepEqual(
    [code, out],
    [1, 'Patroni refused it: Error: Config modification aborted due to concurrent changes\n'],
  );
});

test('of a DCS without an answer there is no heading', () => {
  assert.equal(sh(listHeading(SCOPE), { path: host('echo "Traceback" >&2; exit 1') }).out, '');
  assert.equal(
    sh(listHeading(SCOPE), { path: host('echo "+ Cluster: pglab (7000) --+"; echo "| x"') }).out,
    '+ Cluster: pglab (7000) --+\n',
  );
});

test('patronictl is told which cluster is meant before it removes anything', () => {
  const path = host('read -r name; read -r aware; echo "$* $name $aware" >&2; [ "$name" = pglab ] || exit 1');
  const { code, out } = sh(removeCluster('pglab', SCOPE), { path });
  assert.equal(code, 0, out);
  assert.equal(sh(removeCluster('other', SCOPE), { path }).code, 1);
});
