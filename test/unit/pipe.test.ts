import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pipe } from '../../src/shell/pipe.ts';
import { programs, sh } from './sh.ts';

describe('a pipeline that keeps its first failure', () => {
  for (const [name, script, code, out] of [
    ['ends well when all do', pipe('echo b; echo a', 'sort', 'tr a-z A-Z'), 0, 'A\nB\n'],
    ['ends as its first command, whose output is passed on', pipe('echo a; (exit 7)', 'cat'), 7, 'a\n'],
    ['ends as one in the middle', pipe('echo a', 'cat; (exit 6)', 'cat'), 6, 'a\n'],
    ['ends as its last command', pipe('echo a', 'cat', 'cat; (exit 5)'), 5, 'a\n'],
    ['ends as the left one of two that failed', pipe('(exit 3)', '(exit 4)', '(exit 5)'), 3, ''],
    ['ends as a program that is not there', pipe('no-such-program 2>/dev/null', 'cat'), 127, ''],
    ['of one command is that command', pipe('(exit 9)'), 9, ''],
    ['takes a command that ends with a comment', pipe('echo a # b', 'cat # d'), 0, 'a\n'],
    ['takes a pipeline as a part', pipe(pipe('echo a; (exit 8)', 'cat'), 'cat'), 8, 'a\n'],
  ] as const)
    test(name, () => assert.deepEqual(sh(script), { code, out }));

  test('under set -e ends the script, also as an assignment', () => {
    assert.deepEqual(sh(`set -e\n${pipe('false', 'cat')}\necho on`), { code: 1, out: '' });
    assert.deepEqual(sh(`set -e\nx=$(${pipe('false', 'cat')})\necho on`), { code: 1, out: '' });
  });

  test('its status is seen by a condition, and an assignment has its output', () => {
    assert.deepEqual(sh(`x=$(${pipe('echo a; false', 'cat')}) || echo "failed with $x"`).out, 'failed with a\n');
    assert.deepEqual(sh(`set -e\nif ${pipe('true', 'false')}; then echo yes; else echo no; fi`).out, 'no\n');
  });

  test('what a command prints as an error goes where errors go', () =>
    assert.equal(sh(`x=$(${pipe('echo a; echo e >&2', 'cat')}) 2>/dev/null; echo "$x"`).out, 'a\n'));

  test('writes into a file, and reads from one', () => {
    const box = programs({});
    const into = (script: string) => sh(`{ ${script} > ${box}/a; } && cat ${box}/a`);
    assert.deepEqual(into(pipe('echo a', 'cat')), { code: 0, out: 'a\n' });
    assert.deepEqual(into(pipe('echo a; false', 'cat')), { code: 1, out: '' });
    assert.deepEqual(sh(`echo a > ${box}/b; ${pipe('cat', 'cat')} < ${box}/b`), { code: 0, out: 'a\n' });
    assert.deepEqual(sh(`f() { ${pipe('echo a', 'cat')}; }; f > ${box}/a 2>&1; cat ${box}/a`), { code: 0, out: 'a\n' });
  });

  test('takes descriptors that the shell has in use already', () => {
    const box = programs({});
    const script = `exec 3> ${box}/three 4> ${box}/four\n${pipe('echo a', 'cat')}\necho b >&3; echo c >&4; cat ${box}/three ${box}/four`;
    assert.deepEqual(sh(script), { code: 0, out: 'a\nb\nc\n' });
  });

  test('passes on more than a pipe holds', () =>
    assert.equal(sh(pipe('seq 100000', 'cat', 'wc -l')).out.trim(), '100000'));
});
