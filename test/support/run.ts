import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Test files of each mode; lab files share one lab and run one after another. */
const MODES: Record<string, string[]> = {
  unit: ['test/unit'],
  ci: ['test/unit', 'test/lab'],
  full: ['test/unit', 'test/lab', 'test/full'],
};

const directories = MODES[process.argv[2] ?? 'ci'];
if (!directories) throw new Error(`unknown mode ${process.argv[2]}: one of ${Object.keys(MODES).join(', ')}`);
const files = directories.flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join(directory, name)),
);

let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 1 });
stream.on('test:pass', ({ details, skip }) => {
  if (details.type !== 'suite' && !skip) passed++;
});
stream.on('test:fail', ({ details }) => {
  if (details.type !== 'suite') failed++;
});
(stream.compose(new spec() as never) as NodeJS.ReadableStream).pipe(process.stdout, { end: false });
stream.on('end', () => {
  setTimeout(() => {
    console.log(`\n${passed} passed, ${failed} failed`);
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  }, 200);
});
