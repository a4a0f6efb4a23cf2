import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { words } from '../../src/shell/quote.ts';
import { hasColour, plain } from '../../src/view/style.ts';
import { visible } from '../../src/view/visible.ts';
import { programWords } from '../support/bundle.ts';

const TERMINAL = { isTTY: true };
const PIPE = {};

const COLOURS: [what: string, stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv, shown: boolean][] = [
  ['a terminal', TERMINAL, { TERM: 'xterm' }, true],
  ['a terminal without TERM', TERMINAL, {}, true],
  ['a dumb terminal', TERMINAL, { TERM: 'dumb' }, false],
  ['a pipe', PIPE, { TERM: 'xterm' }, false],
  ['a pipe in CI', PIPE, { CI: 'true' }, false],
  ['a terminal with NO_COLOR', TERMINAL, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', TERMINAL, { NO_COLOR: '' }, true],
  ['a pipe with FORCE_COLOR', PIPE, { FORCE_COLOR: '1' }, true],
  ['a terminal with FORCE_COLOR=0', TERMINAL, { FORCE_COLOR: '0' }, false],
  ['a pipe with FORCE_COLOR and NO_COLOR', PIPE, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
];
for (const [what, stream, env, shown] of COLOURS)
  test(`${what} shows ${shown ? 'colours' : 'no colours'}`, () => assert.equal(hasColour(stream, env), shown));

const TEXTS: [what: string, text: string, shown: string][] = [
  ['lines and tabs', 'one\n\ttwo\n', 'one\n\ttwo\n'],
  ['colours of ours', '\x1b[1m\x1b[32m+ file\x1b[39m\x1b[22m', '\x1b[1m\x1b[32m+ file\x1b[39m\x1b[22m'],
  ['black on black', '\x1b[30;40mhidden\x1b[0m', '␛[30;40mhidden\x1b[0m'],
  ['a concealed text', '\x1b[8mhidden', '␛[8mhidden'],
  ['an erased screen', 'a plan\x1b[2J\x1b[H', 'a plan␛[2J␛[H'],
  ['a line that is overwritten', 'delete all\rkeep all  ', 'delete all␍keep all  '],
  ['backspaces', 'evil\b\b\b\bgood', 'evil␈␈␈␈good'],
  ['the title of the window', '\x1b]0;x\x07', '␛]0;x␇'],
  ['eight-bit controls', '\u009b2J', '<U+009B>2J'],
  ['a text that is turned round', 'user\u202etxt', 'user<U+202E>txt'],
  ['DEL', 'a\x7fb', 'a␡b'],
  ['other languages', 'grün 日本 🐘', 'grün 日本 🐘'],
];
for (const [what, text, shown] of TEXTS)
  test(`a terminal gets ${what} as what can be seen`, () => assert.equal(visible(text), shown));

test('no text can move the cursor, hide or erase anything', () => {
  const nasty = fc.array(
    fc.oneof(fc.constantFrom('\x1b', '[', ']', '8m', '2J', '\r', '\b', '\u009b', '\x07', 'a', ';', '31m'), fc.string()),
  );
  fc.assert(
    fc.property(nasty, (pieces) => {
      const shown = visible(pieces.join(''));
      assert.doesNotMatch(shown.replace(/\x1b\[(?:[012]|22|3[1-69])m/g, ''), /[\0-\x08\x0b-\x1f\x7f-\x9f]/);
      // What can be seen anyway stays.
      const seen = (text: string) => plain(text).replace(/[^a-z]/g, '');
      assert.ok(seen(shown).length >= seen(pieces.join('')).length);
    }),
  );
});

/** All source files below a directory. */
const sources = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(directory, name));

test('nothing writes past the screen', () => {
  const others = ['src', 'roles', 'playbooks'].flatMap(sources).filter((file) => file !== 'src/view/screen.ts');
  const writers = others.filter((file) =>
    /console\.|process\.(stdout|stderr)\s*\.\s*\w*(write|end|pipe|cursor|clear)|createInterface|stdio: .*inherit/i.test(
      readFileSync(file, 'utf8'),
    ),
  );
  // The prompt of the screen; programs that get the whole terminal, when nothing of ours is on it: ssh, an editor.
  assert.deepEqual(writers.sort(), ['src/commands/config.ts', 'src/commands/ssh.ts', 'src/view/prompt.ts']);
});

const CLI = programWords('hapg');
const hapg = (command: string) =>
  spawnSync('bash', ['-c', `set -o pipefail; ${command.replace('hapg', words(...CLI))}`], { encoding: 'utf8' });

test('whoever reads the output may go before its end', () => {
  const { status, stdout, stderr } = hapg('hapg schema | head -c 1');
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '{', stderr: '' });
});

test('output that cannot be written is a failure', { skip: existsSync('/dev/full') ? false : 'no /dev/full' }, () => {
  const { status, stderr } = hapg('hapg schema > /dev/full');
  assert.equal(status, 2);
  assert.match(stderr, /^standard output could not be written: .*ENOSPC/);
});
