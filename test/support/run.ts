import { setMaxListeners } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { closingLine, GRACE_MS } from './budget.ts';
import { buildPrograms, bundles } from './bundle.ts';
import { costTable, headOf, type Recorded } from './report.ts';
import { FACTOR, SPEED } from './time.ts';
import { together } from './together.ts';

/** Duration of a run in CI (minutes), which has a hard limit of 90 for everything. */
const CI_MINUTES = 55;
/** Number of processes for the unit-test files that need none of their own. */
const SHARED_PROCESSES = 4;
/** Test files that run at once for each core: those with a terminal, or a machine that is played, wait half of their time. */
const FILES_PER_CORE = 2;
/** Time after the tests' own grace period at which a running file is ended from outside. */
const CLEANING_MS = 7 * 60_000;

const testFiles = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(directory, name));

/** Test files of each mode. Unit tests run concurrently; labs use the same networks and the whole machine. */
const MODES: Record<string, string[]> = {
  unit: ['test/unit'],
  ci: ['test/unit', 'test/lab'],
  full: ['test/unit', 'test/lab', 'test/full'],
};

/** The files of test/full by name. */
const named = new Map(testFiles('test/full').map((file) => [basename(file, '.test.ts'), file]));

/** Prints what each file of test/full proves and how long it takes, one per line. */
const list = (): string =>
  [...named].map(([name, file]) => `  ${name.padEnd(16)}${headOf(readFileSync(file, 'utf8'))}`).join('\n');

/** The files of test/full with these names; for an unknown one, prints the known names and ends. */
function namedFiles(names: readonly string[]): string[] {
  const unknown = names.filter((name) => !named.has(name));
  if (unknown.length > 0) {
    console.error(`no file of test/full is named ${unknown.join(', ')}; there are:\n${list()}`);
    process.exit(5);
  }
  return names.map((name) => named.get(name)!);
}

const [mode = 'ci', ...names] = process.argv.slice(2);
const directories = MODES[mode];
if (!directories) throw new Error(`unknown mode ${mode}: one of ${Object.keys(MODES).join(', ')}`);
if (names.length > 0 && mode !== 'full')
  throw new Error(`only files of test/full are run by name, and this is ${mode}`);
if (names.includes('--list')) {
  console.log(list());
  process.exit(0);
}
const lots = names.length > 0 ? [namedFiles(names)] : directories.map(testFiles);

const started = Date.now();
const minutes = Number(process.env.HAPG_TEST_BUDGET_MIN) || (mode === 'ci' ? CI_MINUTES : undefined);
const scratch = mkdtempSync(join(tmpdir(), 'hapg-run-'));
const ledger = join(scratch, 'groups');
process.env.HAPG_TEST_FACTOR = String(FACTOR);
process.env.HAPG_TEST_LEDGER = ledger;
const measured = SPEED
  ? `200 processes in ${(SPEED.forksMs / 1000).toFixed(2)} s, an fsync in ${SPEED.fsyncMs.toFixed(2)} ms`
  : 'HAPG_TEST_FACTOR is given';
console.log(
  `this machine: ${measured}; every bound of time is that of the reference machine × ${FACTOR}${minutes ? `; budget ${minutes} minutes` : ''}`,
);
const stop = new AbortController();
setMaxListeners(0, stop.signal);
if (minutes) {
  const deadline = started + minutes * 60_000;
  process.env.HAPG_TEST_DEADLINE = String(deadline);
  setTimeout(() => stop.abort(), deadline + GRACE_MS + CLEANING_MS - started).unref();
}

let passed = 0;
let failed = 0;
const skipped: string[] = [];
/** Options of Node with which test files are started: those of this process. */
const ownOptions = process.execArgv;
for (const [index, sources] of lots.entries()) {
  const unit = directories[index] === 'test/unit' && names.length === 0;
  // Bundled, because loading the sources takes longer than most unit tests.
  const files = unit ? bundles(together(sources, SHARED_PROCESSES)) : sources;
  if (unit) buildPrograms();
  process.execArgv = unit ? ['--enable-source-maps'] : ownOptions;
  const stream = run({ files, concurrency: unit ? availableParallelism() * FILES_PER_CORE : 1, signal: stop.signal });
  stream.on('test:pass', ({ name, details, skip }) => {
    if (details.type === 'suite') return;
    if (skip === undefined) passed++;
    else skipped.push(typeof skip === 'string' && skip ? `${name}: ${skip}` : name);
  });
  stream.on('test:fail', ({ details }) => {
    // A suite fails with its tests, which are counted; a failure of its own is reported only here.
    const error = details.error as { failureType?: string } | undefined;
    if (details.type !== 'suite' || error?.failureType === 'hookFailed') failed++;
  });
  const said = stream.compose(new spec() as never) as NodeJS.ReadableStream;
  said.pipe(process.stdout, { end: false });
  await finished(said);
}

const recorded = existsSync(ledger)
  ? readFileSync(ledger, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Recorded)
  : [];
rmSync(scratch, { recursive: true });
if (recorded.length > 0) console.log(`\n${costTable(recorded, FACTOR)}`);
if (skipped.length > 0) console.log(`\nskipped:\n${skipped.map((one) => `  ${one}`).join('\n')}`);
console.log(`\nin ${Math.round((Date.now() - started) / 1000)} s:`);
console.log(closingLine(passed, failed, skipped.length));
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
