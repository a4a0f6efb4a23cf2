import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** The floors of the house (docs/architecture.md), lowest first: whoever stands on one knows only those below and beside it. */
const FLOORS: readonly (readonly string[])[] = [
  [
    'roles.ts',
    'timing.ts',
    'errors.ts',
    'units.ts',
    'identity.ts',
    'secret.ts',
    'clock.ts',
    'standstill.ts',
    'package-root.ts',
    'own-files.ts',
    'own-node.ts',
    'whoami.ts',
    'from-here.ts',
    'duration.ts',
    'refusal-codes.ts',
    'own-program.ts',
  ],
  ['paths.ts', 'bounds', 'shell', 'file-trouble.ts', 'postgres', 'boards'],
  ['inventory', 'programs', 'pki'],
  ['secrets', 'observe', 'render.ts'],
  ['cluster'],
  ['decisions', 'transport'],
  ['steps', 'status'],
  ['doctor'],
  ['playbook.ts'],
  ['engine', 'roles'],
  ['playbooks', 'view'],
  ['run', 'lab'],
  ['commands'],
  ['cli.ts'],
  ['main.ts', 'launch.ts', 'launch-executable.ts'],
];

const files = ['src', 'roles', 'playbooks'].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, name)),
);
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, path]) =>
    normalize(join(dirname(file), path!)),
  );
/** The folder of a file, or the file itself where it stands alone in src. */
const placeOf = (file: string): string => (file.startsWith('src/') ? file.split('/')[1]! : file.split('/')[0]!);
const floorOf = (file: string): number => FLOORS.findIndex((places) => places.includes(placeOf(file)));

test('every file stands on a floor', () => {
  assert.deepEqual(
    files.filter((file) => floorOf(file) < 0),
    [],
  );
});

test('nothing knows what stands on a floor above it', () => {
  const up = files.flatMap((file) =>
    importsOf(file)
      .filter((other) => floorOf(other) > floorOf(file))
      .map((other) => `${file} → ${other}`),
  );
  assert.deepEqual(up, []);
});

test('no two files, and no two folders, need each other in a circle', () => {
  const circles = (names: readonly string[], next: (name: string) => readonly string[]): string[] => {
    const state = new Map<string, 'open' | 'done'>();
    const found: string[] = [];
    const visit = (name: string, path: readonly string[]): void => {
      if (state.get(name) === 'open') found.push([...path.slice(path.indexOf(name)), name].join(' → '));
      if (state.has(name)) return;
      state.set(name, 'open');
      for (const other of next(name)) visit(other, [...path, name]);
      state.set(name, 'done');
    };
    for (const name of names) visit(name, []);
    return found;
  };
  assert.deepEqual(circles(files, importsOf), []);
  const places = [...new Set(files.map(placeOf))];
  const needed = (place: string) =>
    files
      .filter((file) => placeOf(file) === place)
      .flatMap(importsOf)
      .map(placeOf)
      .filter((other) => other !== place);
  assert.deepEqual(circles(places, needed), []);
});

test('a script for Node is started by nodeWords alone, because the executable is no Node', () => {
  const users = files.filter((file) => readFileSync(file, 'utf8').includes('process.execPath'));
  assert.deepEqual(users.sort(), ['src/launch-executable.ts', 'src/own-node.ts', 'src/package-root.ts']);
});

test('the own files of the program are read by ownFile alone, because the executable has them in memory', () => {
  const users = files.filter((file) => importsOf(file).includes('src/package-root.ts'));
  assert.deepEqual(users.sort(), ['src/own-files.ts', 'src/render.ts']);
});
