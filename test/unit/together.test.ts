import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsOwnProcess } from '../support/together.ts';

for (const [what, line] of [
  ['changes the environment', "process.env.HOME = '/x';"],
  ['works in another directory', 'ownController();'],
  ['runs whole commands', "import { inProcess } from '../support/in-process.ts';"],
  ['takes a fixture that changes the environment', "import { root } from './store.ts';"],
  ['starts programs of ours', "const CLI = bundled('src/cli.ts');"],
  ['replaces what others use', "mock.method(fs, 'readFileSync');"],
  ['waits before its tests begin', 'const context = await contextFor(labCluster());'],
] as const)
  test(`a test file that ${what} has a process of its own`, () => {
    assert.equal(needsOwnProcess(`import { test } from 'node:test';\n${line}\n`), true);
  });

test('a test file that only calls functions shares a process, also when a test waits', () => {
  assert.equal(
    needsOwnProcess("import { test } from 'node:test';\ntest('x', async () => {\n  const one = await f();\n});\n"),
    false,
  );
});
