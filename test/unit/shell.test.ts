import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { frame, unframe } from '../../src/shell/frame.ts';
import { print, quote, words } from '../../src/shell/quote.ts';
import { composeSections, splitSections } from '../../src/shell/sections.ts';
import { codePoint } from '../support/code-point.ts';

const sh = (script: string, input?: string) =>
  execFileSync('/bin/sh', input === undefined ? ['-c', script] : [], { input }).toString();
const text = fc.string({ unit: codePoint, maxLength: 40 }).filter((one) => !one.includes('\0') && one.isWellFormed());

test('any text is one word of the shell, unchanged', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (list) => {
      assert.equal(sh(`printf '%s\\001' ${words(...list)}`), list.map((one) => `${one}\u0001`).join(''));
    }),
    { numRuns: 200 },
  );
});

test('print writes exactly the text, with its last newline or without', () => {
  for (const one of ['', 'a', 'a\n', "it's\n\n", '$HOME `id` \\n %s %d', '--', '-n']) assert.equal(sh(print(one)), one);
});

test('a NUL byte is refused', () => {
  assert.throws(() => quote('a\0b'), /NUL/);
});

test('sections come back by name, whatever they print', () => {
  const scripts = new Map([
    ['one', 'echo first; echo; echo last'],
    ['two', 'printf "no newline"'],
    ['three', '(exit 3)'],
    ['four', 'cat'],
  ]);
  const answer = sh(frame(composeSections(scripts, 'NONCE'), 'mark'), frame(composeSections(scripts, 'NONCE'), 'mark'));
  const parts = splitSections(scripts.keys(), answer, 'NONCE');
  assert.equal(parts.get('one'), 'first\n\nlast\n');
  assert.equal(parts.get('two'), 'no newline');
  assert.equal(parts.get('three'), '');
  assert.equal(parts.get('four'), '');
});

test('a section that ends the shell is an error, never the silence of those behind it', () => {
  const scripts = new Map([
    ['one', 'exit 0'],
    ['two', 'echo b'],
  ]);
  const answer = sh(frame(composeSections(scripts, 'N'), 'mark'));
  assert.throws(() => splitSections(scripts.keys(), answer, 'N'), /truncated/);
  assert.match(answer, /^mark 0$/m);
});

test('a truncated answer is an error, never an empty one', () => {
  const scripts = new Map([
    ['one', 'echo a'],
    ['two', 'echo b'],
  ]);
  const answer = sh(composeSections(scripts, 'N'));
  for (let length = 0; length < answer.length - 1; length++)
    assert.throws(() => splitSections(scripts.keys(), answer.slice(0, length), 'N'), /truncated/);
});

test('a framed answer is complete only with its mark, in any chunks', () => {
  const whole = Buffer.from('héllo\nworld\nm.1 7\nrest');
  for (let length = 0; length < whole.length - 5; length++)
    assert.equal(unframe(whole.subarray(0, length), 'm.1'), undefined);
  assert.deepEqual(unframe(whole, 'm.1'), { output: 'héllo\nworld', code: 7, rest: Buffer.from('rest') });
});

test('an empty script does not end the shell', () => {
  assert.equal(sh('', frame('', 'm.1') + frame('echo still here', 'm.2')).includes('still here'), true);
});

test('a framed script cannot eat the requests behind it', () => {
  assert.equal(sh('', frame('cat', 'm.1') + frame('echo still here', 'm.2')).includes('still here'), true);
});

test('what a request starts has no descriptor of the lock; only a request in the shell itself has it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-shell-'));
  try {
    const seen = 'if [ -e /proc/self/fd/9 ]; then echo open; else echo closed; fi';
    const output = sh(`exec 9>${join(directory, 'lock')}\n${frame(seen, 'a')}${frame(seen, 'b', true)}`);
    assert.match(output, /^closed\n\na 0\nopen\n\nb 0\n$/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('no script reads a number of /proc/sys with read, which gets its first digit only', () => {
  const texts = ['src', 'roles', 'playbooks', 'templates'].flatMap((top) =>
    readdirSync(top, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|eta)$/.test(name))
      .map((name) => [join(top, name), readFileSync(join(top, name), 'utf8')] as const),
  );
  const read = texts.flatMap(([file, text]) =>
    [...text.matchAll(/read -r \w+ < (\/proc\/sys\/\S+?)[;\s]/g)].map(([, path]) => `${file} ${path}`),
  );
  // The kernel gives texts in pieces (sysctl.c, proc_dostring), and numbers not.
  assert.deepEqual(read, [
    'src/doctor/address.ts /proc/sys/kernel/random/boot_id',
    'src/observe/host.ts /proc/sys/kernel/osrelease',
  ]);
});
