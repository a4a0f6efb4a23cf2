import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOCK_SCRIPT } from '../../../src/doctor/clock.ts';
import { showFindings, verdictOn } from '../../../src/view/doctor.ts';
import { plain } from '../../../src/view/style.ts';
import { setUp } from '../../support/command-in-terminal.ts';
import { inProcess } from '../../support/in-process.ts';

const NO_LOCALE = { db1: { sections: { locale: 'POSIX' } } };

test('doctor finds fit hosts fit, and exits 0', async (context) => {
  const { inventory } = await setUp(context, {});
  const { code, out, err } = await inProcess(['doctor', '-i', inventory]);
  assert.equal(code, 0, `${out}\n${err}`);
  assert.match(plain(out), /^ok {2}connections +\d+ of \d+ work$/m);
  assert.match(plain(out), /^pglab: the hosts are fit$/m);
});

test('doctor names each fault with its cure, and exits 1; its document has every row', async (context) => {
  const { inventory } = await setUp(context, { hosts: NO_LOCALE });
  const { code, out } = await inProcess(['doctor', '-i', inventory]);
  assert.equal(code, 1);
  assert.match(plain(out), /^failure {2}locale +db1 +the locale C\.UTF-8 .*\n +→ add it to \/etc\/locale\.gen/m);
  const json = await inProcess(['doctor', '-o', 'json', '-i', inventory]);
  assert.equal(json.code, 1);
  const document = JSON.parse(json.out) as {
    ok: boolean;
    checks: { code: string; host: string; ok: boolean; message: string; cure: string | null }[];
    fit: boolean;
    findings: { check: string; host: string; level: string }[];
  };
  assert.equal(document.fit, false);
  assert.equal(document.ok, false);
  assert.equal(document.checks.length, document.findings.length);
  const [failure, ...others] = document.checks.filter(({ ok }) => !ok);
  assert.deepEqual(others, []);
  assert.deepEqual([failure!.code, failure!.host], ['locale', 'db1']);
  assert.match(failure!.message, /the locale C\.UTF-8/);
  assert.match(failure!.cure!, /locale\.gen/);
  for (const { code } of document.checks) assert.match(code, /^[a-z_]+$/);
  assert.deepEqual(
    document.findings.filter(({ level }) => level === 'failure').map(({ check, host }) => `${check} ${host}`),
    ['locale db1'],
  );
});

test('a host that cannot be reached is a row, and the others are examined', async (context) => {
  const { inventory } = await setUp(context, {});
  const { code, out } = await inProcess(['doctor', '-i', inventory, '-e', 'hosts.db3.ssh.port=1']);
  assert.equal(code, 1);
  assert.match(plain(out), /^failure {2}login +db3 /m);
  assert.match(plain(out), /^ok +locale +2 hosts +C\.UTF-8$/m);
});

for (const command of ['plan', 'apply'])
  test(`${command} of a first apply refuses hosts that are not fit; --no-doctor goes on`, async (context) => {
    const { inventory } = await setUp(context, { hosts: NO_LOCALE });
    const refused = await inProcess([command, '-i', inventory, ...(command === 'apply' ? ['-y'] : [])]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /not fit for a first apply .*\n {2}- db1: locale: the locale C\.UTF-8/);
    if (command === 'apply') return;
    assert.equal((await inProcess([command, '--no-doctor', '-i', inventory])).code, 0);
  });

test('equal rows of several hosts are one, what is wrong comes first, and what is right is one row a check', () => {
  const row = (check: string, host: string, level: 'ok' | 'failure', seen: string) => ({ check, host, level, seen });
  const findings = [
    row('disk', 'a', 'ok', '1 GiB'),
    row('disk', 'b', 'ok', '2 GiB'),
    row('name', 'a', 'ok', 'same'),
    row('name', 'b', 'ok', 'same'),
    row('ports', 'a', 'failure', 'taken'),
    row('ports', 'b', 'failure', 'taken'),
  ];
  assert.deepEqual(
    plain(showFindings(findings, { verbose: false }))
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' ')),
    ['failure ports a, b taken', 'ok disk 2 hosts', 'ok name 2 hosts same'],
  );
  assert.equal(plain(showFindings(findings, { verbose: true })).split('\n').length, 4);
  assert.match(plain(verdictOn('x', findings)), /^x: 2 failures, 0 warnings/);
});

test('what is on the hosts already is told from its cure', async (context) => {
  const { inventory } = await setUp(context, { hosts: { db1: { sections: { dataDirectory: 'foreign\n.' } } } });
  const { out } = await inProcess(['doctor', '-o', 'json', '-i', inventory]);
  const { findings } = JSON.parse(out) as { findings: { check: string; host: string; seen: string; cure?: string }[] };
  assert.deepEqual(
    findings.filter(({ check }) => check === 'present').map(({ host, seen, cure }) => [host, seen, cure]),
    [
      [
        'db1',
        '/var/lib/postgresql/17/pglab holds files but no database',
        'Move them away, or check that the right disk is mounted',
      ],
    ],
  );
});

test('a clock that cannot be read is no clock that is right', async (context) => {
  const { inventory } = await setUp(context, { hosts: { db1: { answers: { [CLOCK_SCRIPT]: 'date: invalid' } } } });
  const { code, out } = await inProcess(['doctor', '-i', inventory]);
  assert.equal(code, 1);
  assert.match(plain(out), /^failure {2}login +db1 +its clock cannot be read: date: invalid/m);
});
