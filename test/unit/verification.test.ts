import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { parseVerification } from '../../src/observe/verification.ts';
import { verify } from '../../src/programs/pgbackrest.ts';
import { setUp } from '../support/command-in-terminal.ts';
import { healthyHosts, hostsWithBackup } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { programs, sh } from './sh.ts';

/** What pgBackRest 2.55.1 printed, shortened: its log, with everything once more in columns, and then the outcome. */
const said = (
  ranges: string[],
  outcome: string,
  more = '',
): string => `2026-11-30 20:00:31.986 P00   INFO: verify command begin 2.55.1: --repo=1
${more}${ranges.map((range) => `2026-11-30 20:00:32.540 P00 DETAIL: archiveId: 15-1, ${range}\n`).join('')}2026-11-30 20:00:32.540 P00   INFO: stanza: x
${outcome.replaceAll(/^/gm, ' '.repeat(36))}
stanza: x
${outcome}
2026-11-30 20:00:32.540 P00   INFO: verify command end: completed successfully (564ms)`;
const WHOLE = ['wal start: 000000010000000000000001, wal stop: 000000010000000000000007'];
const GOOD = `status: ok
  archiveId: 15-1, total WAL checked: 7, total valid WAL: 7
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261130-200015F, status: valid, total files checked: 965, total valid files: 965
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261130-200015F_20261130-200029D, status: in-progress, total files checked: 0, total valid files: 0`;
const DAMAGED = `status: error
  archiveId: 15-1, total WAL checked: 7, total valid WAL: 6
    missing: 0, checksum invalid: 0, size invalid: 0, other: 1
  backup: 20261130-200015F, status: invalid, total files checked: 965, total valid files: 964
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261130-200015F_20261130-200029D, status: valid, total files checked: 1270, total valid files: 1270`;

/** The outcomes of a verification in which each repository says this. */
function verified(...answers: { text: string; code?: number }[]) {
  const cases = answers.map(
    ({ text, code = 0 }, index) => `*repo=${index + 1}*) cat <<'END'\n${text}\nEND\nexit ${code} ;;`,
  );
  const path = programs({ runuser: 'shift 3; exec "$@"', pgbackrest: `case "$*" in ${cases.join('\n')} esac` });
  const { code, out } = sh(
    verify(
      'x',
      answers.map((_one, index) => index + 1),
    ),
    { path },
  );
  assert.equal(code, 0, out);
  return parseVerification(out);
}

test('a whole repository is good, and each file of it is counted once', () => {
  const [one] = verified({ text: said(WHOLE, GOOD) });
  assert.deepEqual(
    { ...one, backups: one!.backups.length },
    {
      repository: 1,
      ok: true,
      wal: { checked: 7, invalid: 0, missing: 0 },
      files: { checked: 965, invalid: 0 },
      backups: 2,
      gaps: [],
      messages: [],
    },
  );
});

test('damaged files and segments are counted and named, although pgBackRest ends with 0', () => {
  const line = "2026-11-30 20:00:48.597 P01   INFO: invalid checksum '20261130-200015F/bundle/2'\n";
  const [one] = verified({ text: said(WHOLE, DAMAGED, line) });
  assert.equal(one!.ok, false);
  assert.deepEqual([one!.wal.invalid, one!.files.invalid], [1, 1]);
  assert.deepEqual(one!.messages, ["invalid checksum '20261130-200015F/bundle/2'"]);
  assert.deepEqual(
    one!.backups.map(({ status }) => status),
    ['invalid', 'valid'],
  );
});

test('of a thousand damaged files twenty are named, and all are counted', () => {
  const line = (index: number) =>
    `2026-11-30 20:00:48.597 P01   INFO: invalid checksum '20261130-200015F/bundle/${index}'\n`;
  const [one] = verified({
    text: said(WHOLE, DAMAGED, Array.from({ length: 1000 }, (_one, index) => line(index)).join('')),
  });
  assert.equal(one!.messages.length, 20);
});

test('a gap in the WAL is damage, of which pgBackRest itself says nothing', () => {
  const ranges = [
    'wal start: 000000010000000000000001, wal stop: 0000000100000000000000FE',
    'wal start: 000000010000000100000001, wal stop: 000000010000000100000007',
    'wal start: 000000020000000100000009, wal stop: 000000020000000100000009',
  ];
  const [one] = verified({ text: said(ranges, GOOD) });
  assert.equal(one!.ok, false);
  assert.deepEqual(one!.gaps, [{ from: '0000000100000000000000FE', to: '000000010000000100000001', missing: 2 }]);
  assert.equal(one!.wal.missing, 2);
});

test('each repository has an outcome, and one that cannot be read is not good', () => {
  const lost = said([], 'status: error\n  No usable backup.info file\n  No usable archive.info file');
  const away = '2026-11-30 20:00:48.597 P00  ERROR: [049]: unable to connect to s3.example.com:443';
  const found = verified({ text: said(WHOLE, GOOD) }, { text: lost }, { text: away, code: 49 }, { text: '', code: 1 });
  assert.deepEqual(
    found.map(({ repository, ok, messages }) => [repository, ok, messages.join()]),
    [
      [1, true, ''],
      [2, false, 'No usable backup.info file,No usable archive.info file'],
      [3, false, '[049]: unable to connect to s3.example.com:443'],
      [4, false, 'pgBackRest did not end its verification'],
    ],
  );
});

test('a word that is none, and a host that does not reach the repositories, are refused before any contact', async () => {
  const ends = (words: string[]) => inProcess(['backups', ...words, '-i', 'inventory/lab.yaml']);
  const word = await ends(['verfy']);
  assert.equal(word.code, 5);
  assert.match(word.err, /did you mean "verify"/);
  const host = await ends(['verify', '--on', 'db1']);
  assert.equal(host.code, 5);
  assert.match(host.err, /--on db1: only backup reaches the repositories/);
});

/** Runs the command against fake hosts, of which the backup host's unit has left this log. */
async function command(context: TestContext, log: string, words: string[] = [], sections: object = {}) {
  const { backup } = healthyHosts();
  // The wait for the unit's end names the log as well.
  const answers = { '| tail -n 12': '', 'tac /var/log/hapg/verify.log': log };
  const fakes = await setUp(context, {
    hosts: { backup: { sections: { ...backup!.sections, ...sections }, answers } },
    stored: true,
  });
  const ended = await inProcess(['backups', 'verify', ...words, '-i', fakes.inventory]);
  return { ...ended, scripts: fakes.scripts };
}
const logOf = (outcome: string) => `@repository 1\n${said(WHOLE, outcome)}\n@code 0\n`;

test('good backups end with 0, after long work on the backup host alone', async (context) => {
  const { code, out, err, scripts } = await command(context, logOf(GOOD));
  assert.equal(code, 0, err);
  assert.match(out, /^repository 1 \/var\/lib\/pgbackrest: good: 2 backups with 965 files, 7 WAL segments$/m);
  const started = scripts.filter(({ script }) => script.includes('systemd-run -q --unit=hapg-verify'));
  assert.deepEqual(
    started.map(({ host }) => host),
    ['backup'],
  );
});

test('damage ends with 1, with its count and what to do, and is a document with -o json', async (context) => {
  const text = await command(context, logOf(DAMAGED));
  assert.equal(text.code, 1, text.err);
  assert.match(text.out, /damaged: .*; 1 invalid file, 1 invalid WAL segment, 0 missing WAL segments/);
  assert.match(text.out, /backup 20261130-200015F: invalid, 1 of 965 files invalid/);
  assert.match(text.out, /hapg backup --type full/);
  const json = await command(context, logOf(DAMAGED), ['-o', 'json']);
  assert.equal(json.code, 1);
  const document = JSON.parse(json.out) as { ok: boolean; host: string; repositories: { files: object }[] };
  assert.deepEqual([document.ok, document.host], [false, 'backup']);
  assert.deepEqual(document.repositories[0]!.files, { checked: 2235, invalid: 1 });
});

test('a running backup may expire what is being verified, so its end is waited for', async (context) => {
  const info = hostsWithBackup().backup!.sections!.repository!.replace('"held":false', '"held":true');
  const { code, err, scripts } = await command(context, logOf(GOOD), [], { repository: info });
  assert.equal(code, 1);
  assert.match(err, /a backup is running/);
  assert.ok(!scripts.some(({ script }) => script.includes('systemd-run -q --unit=hapg-verify')));
});

test('a unit that leaves no outcome is a failure of its host and not of hapg', async (context) => {
  const { code, err } = await command(context, 'sh: pgbackrest: not found\n');
  assert.equal(code, 2, err);
  assert.match(err, /backup: verify the backups: it left no result/);
});
