import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsOwnProcess } from '../support/together.ts';

for (const [what, line] of [
  ['changes the environment', "process.env.HOME = '/x';"],
  ['works in another directory', 'ownController();'],
  ['runs whole commands', "import { inProcess } from '../support/in-process.ts';"],
  ['takes a word out of the environment', 'delete process.env.HOME;'],
  ['puts programs in front of the others', 'process.env.PATH = `${directory}:${PATH}`;'],
  ['changes who it is', 'process.seteuid(1);'],
  ['takes a fixture that changes the environment', "import { root } from './store.ts';"],
  ['starts programs of ours', "const CLI = programWords('hapg');"],
  ['replaces what others use', "mock.method(fs, 'readFileSync');"],
  ['waits before its tests begin', 'const context = await contextFor(labCluster());'],
] as const)
  test(`a test file that ${what} has a process of its own`, () => {
    assert.equal(needsOwnProcess(`import { test } from 'node:test';\n${line}\n`), true);
  });

for (const [what, line] of [
  ['only calls functions, also when a test waits', "test('x', async () => {\n  const one = await f();\n});"],
  ['starts sh as a host would', "import { sh } from './sh.ts';"],
  ['reads the environment', 'const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };'],
  ['imports the store of the program', "import { SecretStore } from '../../src/secrets/store.ts';"],
] as const)
  test(`a test file that ${what} shares a process`, () => {
    assert.equal(needsOwnProcess(`import { test } from 'node:test';\n${line}\n`), false);
  });
