import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine, execScript, foldSame, programName, readExec } from '../../src/cluster/exec.ts';
import { execText } from '../../src/view/exec.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { programs, sh } from './sh.ts';

/** Runs a command line as a host does. */
const ran = (line: string, { seconds = 20, limit = 1000, first = ':' } = {}) =>
  readExec(sh(execScript(line, { seconds, limit, first })).out, seconds, 0);

test('one word is a text for the shell, several are arguments as they are', () => {
  assert.equal(ran(commandLine(['echo a | tr a b'])).output, 'b\n');
  assert.equal(ran(commandLine(['echo', "it's", '$HOME', 'a  b'])).output, "it's $HOME a  b\n");
});

test('the status and both streams of a command are its answer', () => {
  const answer = ran('echo out; echo err >&2; exit 7');
  assert.deepEqual([answer.code, answer.output.split('\n').sort().join(' ').trim(), answer.leftOut], [7, 'err out', 0]);
  assert.deepEqual(ran('true'), { code: 0, output: '', leftOut: 0, late: false });
  assert.equal(ran('printf "no newline"').output, 'no newline');
  assert.equal(ran('not a command ((').code, 2);
});

test('the first bytes are kept and the rest is counted, whatever the command prints', () => {
  const answer = ran('head -c 5000 /dev/zero | tr "\\0" x; exit 3');
  assert.deepEqual([answer.code, answer.output, answer.leftOut], [3, 'x'.repeat(1000), 4000]);
  const cut = ran('printf aü; echo more', { limit: 2 });
  assert.deepEqual([cut.output, cut.leftOut], ['a', 6]);
});

test('a command that prints for ever is ended by its time-out, and says so', () => {
  const answer = readExec(sh(execScript('yes', { seconds: 1 })).out, 1, 1.1);
  assert.deepEqual([answer.late, answer.code], [true, 124]);
  assert.ok(answer.leftOut > 0);
  assert.equal(readExec(sh(execScript('exit 124', { seconds: 9 })).out, 9, 0.1).late, false);
});

test('a command that reads gets nothing, and one that prints the end mark does not confuse', () => {
  assert.equal(ran('cat').code, 0);
  const answer = ran('echo "hapg-exec code=0 rest=0"; exit 4');
  assert.deepEqual([answer.code, answer.output], [4, 'hapg-exec code=0 rest=0\n']);
});

test('a shell that ended tells no status', () => {
  assert.match(readExec('some output', 60, 1).missing!, /ended before/);
});

test('the note for the audit log never fails the command', () => {
  assert.equal(ran('echo done', { first: 'echo noise; exit 1' }).output, 'done\n');
});

test('the audit log gets the name of a program and none of its arguments', () => {
  assert.equal(programName(['systemctl', 'restart', 'x']), 'systemctl');
  assert.equal(programName(['psql -c "alter role a password \'b\'"']), 'psql');
  assert.equal(programName(['PGPASSWORD=geheim psql']), 'sh');
  assert.equal(programName(["'geheim'"]), 'sh');
});

test('hosts with the same answer stand together, also when others stand between them', () => {
  assert.deepEqual(
    foldSame([
      { host: 'a', answer: 1 },
      { host: 'b', answer: 2 },
      { host: 'c', answer: 1 },
    ]),
    [
      { hosts: ['a', 'c'], answer: 1 },
      { hosts: ['b'], answer: 2 },
    ],
  );
});

test('what a host prints cannot move the cursor of the terminal', () => {
  const answer = { code: 0, output: 'a\x1b[2Jb\n', leftOut: 0, late: false };
  assert.doesNotMatch(execText([{ host: 'db1', answer }], 60), /\x1b\[2J/);
});

const END = '\nhapg-exec code=';
/** Fake hosts whose commands answer this. */
const hostsThatSay = (by: Record<string, string>) =>
  fakeHosts(Object.fromEntries(Object.entries(by).map(([name, text]) => [name, { answers: { 'timeout -k': text } }])));

test('exec groups hosts by their answer; a failed command ends it with 2', async (context) => {
  const fakes = await hostsThatSay({
    db1: `same\n${END}0 rest=0`,
    db2: `other\n${END}3 rest=0`,
    db3: `same\n${END}0 rest=0`,
  });
  context.after(() => fakes.close());
  const words = ['exec', '-i', fakes.inventory, '-l', 'patroni', '--', 'systemctl', 'is-active', 'secret word'];
  const { code, out } = await inProcess(words);
  assert.equal(out, 'db1, db3\n  same\ndb2  exit 3\n  other\n');
  assert.equal(code, 2);
  assert.equal(fakes.scripts.length, 3, 'one question a host');
  for (const { script } of fakes.scripts) {
    assert.match(script, /command="exec systemctl" changed=unknown result=begun/);
    assert.doesNotMatch(/printf.*audit\.log/.exec(script)?.[0] ?? '', /secret word/);
    assert.doesNotMatch(script, /flock/);
  }
  const document = JSON.parse((await inProcess([...words.slice(0, 5), '-o', 'json', ...words.slice(5)])).out);
  assert.deepEqual(document, {
    hosts: {
      db1: { code: 0, output: 'same\n' },
      db2: { code: 3, output: 'other\n' },
      db3: { code: 0, output: 'same\n' },
    },
  });
});

test('what is left out is said, in JSON too', async (context) => {
  const fakes = await hostsThatSay({ db1: `a lot${END}0 rest=2048` });
  context.after(() => fakes.close());
  const { code, out } = await inProcess(['exec', '-i', fakes.inventory, '-l', 'db1', '--', 'x']);
  assert.equal(code, 0);
  assert.match(out, /^db1\n {2}a lot\n {2}\.\.\. 2\S* ?\w+ more, left out\n$/);
  const { hosts } = JSON.parse(
    (await inProcess(['exec', '-i', fakes.inventory, '-l', 'db1', '-o', 'json', '--', 'x'])).out,
  );
  assert.deepEqual(hosts.db1, { code: 0, output: 'a lot', cut: true, left_out_bytes: 2048 });
});

for (const [words, says] of [
  ['exec -- uptime', /on which hosts\? --limit names them: .* all for every host/],
  ['exec -l db1 --timeout 0 -- uptime', /--timeout 0: a number of seconds/],
  ['exec -l db1', /missing required argument 'command'/],
  ['exec -l nobody -- uptime', /--limit nobody: .* has no such host/],
] as const)
  test(`nothing is contacted: hapg ${words}`, async () => {
    const [verb, ...rest] = words.split(' ');
    const { code, err } = await inProcess([verb!, '-i', 'inventory/lab.yaml', ...rest]);
    assert.equal(code, 5, err);
    assert.match(err, says);
  });

test('a host that is out of reach is named, the others are asked, and the end is 4', async (context) => {
  const fakes = await fakeHosts({
    db1: { closes: 'System is going down.' },
    db2: { answers: { 'timeout -k': `up\n${END}1 rest=0`, 'os-release': '0\nDebian GNU/Linux 13 (trixie)' } },
  });
  context.after(() => fakes.close());
  const exec = await inProcess(['exec', '-i', fakes.inventory, '-l', 'db1,db2', '-o', 'json', '--', 'uptime']);
  assert.equal(exec.code, 4);
  const { hosts } = JSON.parse(exec.out);
  assert.deepEqual(hosts.db2, { code: 1, output: 'up\n' });
  assert.equal(hosts.db1.code, null);
  assert.match(hosts.db1.unreachable, /^unreachable: /);
  const ping = await inProcess(['ping', '-i', fakes.inventory, '-l', 'db1,db2']);
  assert.equal(ping.code, 4);
  assert.match(
    ping.out,
    /^HOST +ROUND TRIP +ROOT +SYSTEM\ndb1 +- +- +unreachable: .*\ndb2 +[\d.]+ ms +yes +Debian GNU\/Linux 13 \(trixie\)\n$/,
  );
});

test('ping tells the round trip, root and the system of each host', async (context) => {
  const fakes = await fakeHosts({ db1: { answers: { 'os-release': '0\nDebian GNU/Linux 13 (trixie)' } } });
  context.after(() => fakes.close());
  const { code, out } = await inProcess(['ping', '-i', fakes.inventory, '-l', 'db1', '-o', 'json']);
  assert.equal(code, 0);
  const { db1 } = JSON.parse(out).hosts;
  assert.deepEqual([db1.code, db1.root, db1.os, typeof db1.ms], [0, true, 'Debian GNU/Linux 13 (trixie)', 'number']);
});

test('a host without timeout(1) says so instead of a status of its own', () => {
  const path = programs({ timeout: 'echo "timeout: not found"; exit 127' });
  const answer = readExec(sh(execScript('true', { seconds: 5 }), { path }).out, 5, 0);
  assert.deepEqual([answer.code, answer.output], [127, 'timeout: not found\n']);
});
