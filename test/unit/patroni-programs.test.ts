import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  changePause,
  listHeading,
  patchDynamic,
  printDynamic,
  removeCluster,
  restartMember,
  restPassword,
  setDynamic,
  switchover,
} from '../../src/programs/patroni.ts';
import { restartPending } from '../../src/steps/member-restart.ts';
import { programs, sh } from './sh.ts';

const SCOPE = ['pglab'];
/** A member's host on which patronictl does this. */
const host = (patronictl: string, others: Record<string, string> = {}) =>
  programs({ runuser: 'shift 3; exec "$@"', patronictl, ...others });

describe('a change of the pause', () => {
  /** Changes it where patronictl answers so, and `show-config` prints this. */
  const run = (action: 'pause' | 'resume', answers: string, config: string) =>
    sh(changePause(SCOPE, action), {
      path: host(`shift 2; case $1 in show-config) ${config} ;; *) ${answers} ;; esac`, { sleep: ':' }),
    });
  const PAUSED = "echo 'loop_wait: 10'; echo 'pause: true'; echo 'ttl: 30'";
  const NOT_PAUSED = "echo 'loop_wait: 10'; echo 'postgresql: {parameters: {x: \"pause: true\"}}'";

  for (const [name, action, answers, config] of [
    ['that Patroni makes', 'pause', 'echo "Success: cluster management is paused"', PAUSED],
    ['that is so already', 'pause', 'echo "Error: Cluster is already paused"; exit 1', PAUSED],
    ['that another member has made meanwhile', 'resume', 'echo "Failed: version conflict"', NOT_PAUSED],
    ['that is so already, in words of another version', 'resume', 'echo "nothing to do"; exit 1', NOT_PAUSED],
  ] as const)
    test(`${name} succeeds without a word`, () => {
      assert.deepEqual(run(action, answers, config), { code: 0, out: '' });
    });

  for (const [name, action, answers, config, says] of [
    ['that Patroni refuses', 'pause', 'echo "Failed: 503"', NOT_PAUSED, 'Patroni refused it: Failed: 503\n'],
    ['that does not hold', 'resume', 'echo "Success"', PAUSED, 'Patroni refused it: Success\n'],
    ['where the DCS is silent', 'resume', 'exit 1', 'echo "no DCS" >&2; exit 1', 'the DCS does not tell: no DCS\n'],
  ] as const)
    test(`${name} fails with the reason`, () => {
      assert.deepEqual(run(action, answers, config), { code: 1, out: says });
    });

  test('that shows in the DCS only after a moment is waited for', () => {
    const later = `[ -e "$0.seen" ] && { ${PAUSED}; :; } || { touch "$0.seen"; ${NOT_PAUSED}; }`;
    assert.deepEqual(run('pause', 'echo Success', later), { code: 0, out: '' });
  });
});

describe('a switchover', () => {
  /** The answer of a curl that prints the request that it was given, its arguments and standard input, to a file. */
  const run = (curl: string) =>
    sh(switchover('base=https://10.0.0.1:8008; set -- -s', 'db1', 'db2', 90), {
      path: host('exit 9', { curl, sed: 'echo secret' }),
    });

  test('that Patroni carries out prints nothing', () => {
    assert.deepEqual(run(`printf 'Successfully switched over to "db2" 200'`), { code: 0, out: '' });
  });

  test('names the leader and the candidate, and tells the password on standard input alone', () => {
    const { out } = run(
      `case "$*" in *'"leader":"db1","candidate":"db2"'*'https://10.0.0.1:8008/switchover') read -r input; printf 'arguments: %s; input: %s 400' "$*" "$input" ;; esac`,
    );
    assert.match(out, /; input: user = "patroni:secret"/);
    assert.doesNotMatch(out, /secret.*; input/, 'nothing of the login is among the arguments');
  });

  for (const [name, curl, reason] of [
    ['the leader refuses', "printf 'no good candidates have been found 412'", 'no good candidates have been found'],
    ['the password is not the right one', "printf 'not authenticated 401'", 'not authenticated'],
    [
      'Patroni cannot be reached',
      "echo 'curl: (7) Failed to connect to 10.0.0.1 port 8008'; printf ' 000'; exit 7",
      'curl: (7) Failed to connect',
    ],
    ['there is no curl', 'exit 127', ''],
  ] as const)
    test(`that fails because ${name} is a failure with the reason`, () => {
      const { code, out } = run(curl);
      assert.equal(code, 1);
      assert.match(out, /^Patroni refused it: /);
      assert.ok(out.includes(reason), out);
    });

  for (const [name, curl] of [
    ['Patroni cannot tell how it ends', "printf 'Switchover status unknown after 20 seconds 503'"],
    ['the answer does not come in time', "printf ' 000'; exit 28"],
    ['the answer is cut off', "printf ' 000'; exit 56"],
  ] as const)
    test(`of which ${name} is left to the next look`, () => {
      assert.deepEqual(run(curl), { code: 0, out: '' });
    });
});

describe('the password of the REST API', () => {
  const config = (restapi: string) =>
    `scope: pg\nname: db1\nrestapi:\n${restapi}ctl:\n  cacert: /x\npostgresql:\n  authentication:\n    superuser:\n      password: super\n`;
  for (const [name, restapi, password] of [
    [
      'is read from the file',
      '  listen: x\n  authentication:\n    username: patroni\n    password: secret1\n',
      'secret1',
    ],
    [
      'may stand in quotes',
      '  authentication:\n    username: patroni\n    password: "123"\n  allowlist:\n    - x\n',
      '123',
    ],
    ['is empty where there is none', '  listen: x\n', ''],
  ] as const)
    test(name, () => {
      const file = join(mkdtempSync(join(tmpdir(), 'hapg-rest-')), 'config.yml');
      writeFileSync(file, config(restapi));
      assert.equal(sh(`${restPassword(file)}; printf %s "$password"`).out, password);
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

describe('a change of the dynamic configuration through the REST API', () => {
  const patch = (curl: string, others: Record<string, string> = {}) =>
    sh(patchDynamic('base=https://10.0.0.1:8008; set -- -s', 'secret', '{"ttl":30}'), {
      path: programs({ curl, sleep: 'exit 0', ...others }),
    });

  test('prints the new configuration', () => {
    const { code, out } = patch(
      `case "$*" in *' -X PATCH '*'{"ttl":30} https://10.0.0.1:8008/config') printf '{"ttl": 30, "loop_wait": 10}\\n200' ;; esac`,
    );
    assert.deepEqual({ code, out }, { code: 0, out: '{"ttl": 30, "loop_wait": 10}\n' });
  });

  test('tells the password on standard input alone', () => {
    const { out } = patch(`read -r input; printf 'arguments: %s; input: %s\\n200' "$*" "$input"`);
    assert.match(out, /; input: user = "patroni:secret"/);
    assert.doesNotMatch(out, /secret.*; input/);
  });

  test('is sent again to an API that a reload has just closed', () => {
    const tries = join(mkdtempSync(join(tmpdir(), 'hapg-tries-')), 'tries');
    const { code, out } = patch(
      `echo >> ${tries}; [ $(wc -l < ${tries}) -lt 3 ] && { echo 'curl: (7) Failed to connect' >&2; printf '\\n000'; exit 7; }; printf '{"ttl": 30}\\n200'`,
    );
    assert.deepEqual({ code, out }, { code: 0, out: '{"ttl": 30}\n' });
  });

  test('that never gets an answer ends with the words of curl', () => {
    const { code, out } = patch(`echo 'curl: (35) reset by peer' >&2; printf '\\n000'; exit 35`);
    assert.deepEqual({ code, out: out.trim() }, { code: 1, out: 'curl: (35) reset by peer' });
  });

  test("that Patroni refuses ends with Patroni's reason, and is not repeated", () => {
    const { code, out } = patch(`printf 'not authenticated\\n401'`, { sleep: 'echo slept; exit 0' });
    assert.deepEqual({ code, out }, { code: 1, out: 'Patroni refused it: not authenticated 401\n' });
  });
});

describe('the dynamic configuration', () => {
  /** What is printed by a host whose API answers at the `nth` time, and on which Patroni's unit is in this state. */
  const asked = (nth: number, unit: 'active' | 'inactive', known?: string) => {
    const tries = join(mkdtempSync(join(tmpdir(), 'hapg-tries-')), 'tries');
    const path = programs({
      curl: `echo >> ${tries}; [ $(wc -l < ${tries}) -ge ${nth} ] && echo '{"ttl": 30}'`,
      systemctl: unit === 'active' ? 'exit 0' : 'exit 3',
      sleep: 'exit 0',
    });
    const { out } = sh(`${known === undefined ? '' : `HAPG_CONFIG='${known}'\n`}${printDynamic('base=x')}`, { path });
    return out;
  };

  test('is asked for again where Patroni runs and gives no answer', () =>
    assert.equal(asked(2, 'active', ''), '{"ttl": 30}\n'));
  test('is not asked for again where Patroni does not run', () => assert.equal(asked(2, 'inactive', ''), '\n'));
  test('is not asked for at all where a probe has it', () => assert.equal(asked(9, 'active', '{}'), '{}\n'));
  test('is empty when no answer comes', () => assert.equal(asked(9, 'active'), '\n'));
});
