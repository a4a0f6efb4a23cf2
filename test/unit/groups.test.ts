import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { headOf } from '../support/report.ts';

const SUPPORT = resolve('test/support');

/** Runs a test file with 1000 seconds left; what its tests came to as TAP lines, and what was recorded for the table. */
function ran(body: string): { code: number | null; said: string; recorded: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-groups-'));
  try {
    const file = join(directory, 'some.test.mts');
    const ledger = join(directory, 'ledger');
    writeFileSync(ledger, '');
    writeFileSync(
      file,
      `import { spawn } from 'node:child_process';
import { before, endWithTest, group, test } from '${SUPPORT}/group.ts';
import { ALWAYS } from '${SUPPORT}/budget.ts';
${body}`,
    );
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--test', '--test-reporter', 'tap', file],
      {
        encoding: 'utf8',
        env: {
          ...env,
          HAPG_TEST_FACTOR: '1',
          HAPG_TEST_DEADLINE: String(Date.now() + 1_000_000),
          HAPG_TEST_LEDGER: ledger,
        },
      },
    );
    const recorded = readFileSync(ledger, 'utf8').trim().split('\n').filter(Boolean);
    return { code: status, said: stdout, recorded };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a group for which no time is left is skipped by the names of its tests, and does not even prepare', () => {
  const { code, said, recorded } = ran(`
    group('first', 9000, ALWAYS, () => test('is always done', () => {}));
    group('dear', 20_000, 50, () => {
      before(() => console.log('a lab for nothing'));
      test('takes long', () => console.log('done for nothing'));
      test('takes longer', () => console.log('done for nothing'));
    });
    group('cheap', 10, 1, () => {
      before(() => console.log('prepared'));
      test('still fits', () => console.log('done'));
    });`);
  assert.equal(code, 0, said);
  assert.match(said, /ok 1 - is always done\n/);
  for (const name of ['takes long', 'takes longer'])
    assert.match(said, new RegExp(`ok \\d - ${name} # SKIP no time left: about \\d+ s needed, \\d+ s left`));
  assert.match(said, /ok 1 - still fits\n/);
  assert.doesNotMatch(said, /for nothing/);
  assert.match(said, /prepared.*done/s);
  assert.deepEqual(
    recorded.map((line) => JSON.parse(line)).map(({ name, actual }) => [name, typeof actual]),
    [
      ['first', 'number'],
      ['dear', 'undefined'],
      ['cheap', 'number'],
    ],
  );
});

test('a test that hangs fails by its name, what it has started is ended, and the next one goes on', () => {
  const { code, said } = ran(`
    let ended;
    group('any', 10, 1, () => {
      test('hangs', { seconds: 1 }, async () => {
        const child = spawn('sleep', ['600']);
        endWithTest(child);
        ended = new Promise((done) => child.on('close', (_code, signal) => done(signal)));
        await new Promise(() => {});
      });
      test('goes on', async () => console.log('ended by', await ended));
    });`);
  assert.equal(code, 1);
  assert.match(said, /not ok 1 - hangs\n.*not done within 1 s/s);
  assert.match(said, /ended by SIGKILL/);
  assert.match(said, /\bok 2 - goes on\n/);
});

/** The files whose tests need a lab. */
const labFiles = ['test/lab', 'test/full'].flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name)),
);

for (const file of labFiles)
  test(`${file}: its tests can be left out and cannot hang, and its bounds of time fit the machine`, () => {
    const source = readFileSync(file, 'utf8');
    const own = /^import \{[^}]*\b(before|test)\b[^}]*\} from 'node:test'/m.exec(source)?.[1];
    assert.equal(own, undefined, `take ${own} from ../support/group.ts, so that it can be left out and cannot hang`);
    const bare = source
      .split('\n')
      .filter((line) => /done\) => setTimeout\(|[^=-]<=? \d[\d_]{2}|\bms > \d[\d_]{2}/.test(line));
    assert.deepEqual(bare, [], 'write pause(SECONDS) and milliseconds(BOUND) of ../support/time.ts');
  });

test('one lab begins with bare hosts in CI, and one more where packages must not be there', () => {
  const bare = labFiles.filter((file) => /\bbare: true\b/.test(readFileSync(file, 'utf8')));
  assert.deepEqual(bare.sort(), ['test/full/external-dcs.test.ts', 'test/lab/lab.test.ts']);
});

test('test/run full --list says what each file of test/full proves, and runs none', () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), 'test/support/run.ts', 'full', '--list'],
    { encoding: 'utf8', env: { ...process.env, HAPG_TEST_FACTOR: '1' } },
  );
  assert.equal(status, 0);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, readdirSync('test/full').length);
  for (const line of lines) assert.match(line, /^ *[a-z0-9-]+ +Proves .* Takes about \d+ minutes\.$/);
});

for (const file of labFiles.filter((name) => name.startsWith('test/full')))
  test(`${file}: its head says what it proves and how long that takes`, () =>
    assert.match(headOf(readFileSync(file, 'utf8')), /^Proves .* Takes about \d+ minutes\.$/));
