import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualTerminal } from '../support/vt.ts';

const after = (text: string, rows = 5, columns = 10): VirtualTerminal => {
  const terminal = new VirtualTerminal(rows, columns);
  terminal.write(text);
  return terminal;
};

const SCREENS: [what: string, text: string, screen: string][] = [
  ['lines', 'one\r\ntwo\r\n', 'one\ntwo'],
  ['a newline keeps the column', 'one\ntwo', 'one\n   two'],
  ['a long line wraps', '0123456789abc', '0123456789\nabc'],
  ['a full line wraps only with the next character', '0123456789\r\nabc', '0123456789\nabc'],
  ['what does not fit scrolls away', '1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7', '3\n4\n5\n6\n7'],
  ['a return overwrites', 'spinning\rdone', 'donening'],
  ['backspace and overwrite', 'abc\b\bX', 'aXc'],
  ['a tab goes to the next eighth column', 'a\tb', 'a       b'],
  ['two lines up, and erased from there on', 'a\r\nb\r\nc\r\n\x1b[2A\r\x1b[Jnew', 'a\nnew'],
  ['up stops at the top of the screen', 'a\r\nb\x1b[9A\rX', 'X\nb'],
  ['as log-update erases three lines', 'a\r\nb\r\n\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K\x1b[Gnew', 'new'],
  ['a line erased behind the cursor', 'abcdef\x1b[4D\x1b[K', 'ab'],
  ['as readline writes its prompt again', 'Go? nX\x1b[1G\x1b[0JGo? n\x1b[6G', 'Go? n'],
  ['cursor to a place', '\x1b[2;3Hx', '\n  x'],
  ['an emptied screen', 'a\r\nb\x1b[H\x1b[2Jc', 'c'],
  ['colours take no room', '\x1b[31mred\x1b[39m \x1b[1mbold\x1b[22m', 'red bold'],
  ['signs of the spinner', '⠋ db1\r\n✔ db2', '⠋ db1\n✔ db2'],
];
for (const [what, text, expected] of SCREENS)
  test(`terminal: ${what}`, () => assert.equal(after(text).screen, expected));

test('terminal: what has scrolled away is still in the whole', () =>
  assert.equal(after('1\r\n2\r\n3\r\n4\r\n5\r\n6').all, '1\n2\n3\n4\n5\n6'));

test('terminal: a long line can be had in one piece', () => {
  assert.equal(after('0123456789abc\r\nd').unwrapped, '0123456789abc\nd');
  assert.equal(after('0123456789abc\r\x1b[J\r\nd').unwrapped, '0123456789\n\nd');
});

test('terminal: the cursor is hidden and shown', () => {
  assert.equal(after('\x1b[?25l').cursorVisible, false);
  assert.equal(after('\x1b[?25l\x1b[?25h').cursorVisible, true);
});

for (const unknown of ['\x1b[5n', '\x1b]0;title\x07', '\x1bc', '\x0e', '\x1b[?1049h', '\x1b[1K'])
  test(`terminal: ${JSON.stringify(unknown)} is not understood, and said to be so`, () =>
    assert.throws(() => after(unknown), /unknown/));

test('terminal: it makes no difference where a text is cut', () => {
  const texts = SCREENS.map(([, text]) => text);
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(), (text, at) => {
      const terminal = after(text.slice(0, at % text.length));
      terminal.write(text.slice(at % text.length));
      assert.equal(terminal.screen, after(text).screen);
    }),
  );
});
