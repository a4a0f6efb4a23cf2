import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RunEvent } from '../../src/engine/events.ts';
import { programWords } from '../support/bundle.ts';
import type { Step } from '../support/progress-program.ts';
import { KEY, noTerminal, Terminal, type TerminalOptions } from '../support/terminal.ts';

/** The real screen and the real progress in a terminal, with events that are made up. */
const skip = noTerminal() ?? false;
const PROGRAM = skip ? [] : programWords('progress-program');
const HOSTS = ['db1', 'db2', 'proxy1'];
const LIVE = /^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /m;

function run(context: TestContext, steps: Step[], options?: TerminalOptions & { hosts?: string[] }): Terminal {
  const { hosts = HOSTS } = options ?? {};
  const terminal = new Terminal([...PROGRAM, JSON.stringify({ hosts, steps })], options);
  context.after(() => terminal.close());
  return terminal;
}

const doing = (host: string, text: string): Step => ({ emit: { type: 'doing', host, text } });
const note = (text: string): Step => ({ emit: { type: 'note', text } });
const stage = (name: string): Step => ({ emit: { type: 'stage', stage: name } });
const changed = (host: string, step: string): Step => ({
  emit: { type: 'changed', host, stage: 'packages', step, role: 'etcd', action: 'create', ms: 5 },
});

/** Every event that is said once and not again. */
const LASTING: [event: RunEvent, shown: string][] = [
  [{ type: 'note', text: 'observing again: db2 is starting' }, 'observing again: db2 is starting'],
  [{ type: 'note', text: 'two\nlines' }, 'two\nlines'],
  [{ type: 'stage', stage: 'packages' }, '── packages'],
  [{ type: 'failed', host: 'db2', step: 'unit etcd', message: 'no\nway' }, 'db2: FAILED unit etcd: no\nway'],
];
for (const size of [
  { rows: 24, columns: 80 },
  { rows: 50, columns: 200 },
  // Plain lines, for want of room.
  { rows: 5, columns: 80 },
])
  test(`what is said once stays above the live lines (${size.columns}×${size.rows})`, { skip }, async (context) => {
    const steps = LASTING.map(([emit]): Step => ({ emit }));
    const terminal = run(context, [...steps, doing('db1', 'working'), { hold: true }], size);
    const text = LASTING.map(([, shown]) => shown).join('\n');
    await terminal.until('all of it', ({ all }) => all.includes(text));
    if (size.rows > 5) {
      await terminal.sees(/^. db1 +working$/m);
      assert.match(terminal.screen.slice(text.length), /^\n. db1 +working\n. db2\n. proxy1$/);
      // The live lines were drawn many times, and stand there once.
      assert.equal(terminal.all.split('proxy1').length - 1, 1);
    } else assert.doesNotMatch(terminal.all, LIVE);
    terminal.goOn();
    assert.equal(await terminal.ended, 0);
    assert.ok(terminal.all.includes(text));
  });

test('live lines: one a host, with what it does now', { skip }, async (context) => {
  const terminal = run(context, [
    stage('packages'),
    doing('db1', `installing${' a very long name'.repeat(20)}`),
    doing('db2', 'waiting:\n  db1 is starting'),
    changed('proxy1', 'packages haproxy'),
    { hold: true },
  ]);
  await terminal.sees(/proxy1 +packages/);
  const lines = terminal.screen.split('\n');
  assert.equal(lines.length, 4, terminal.screen);
  assert.match(lines[1]!, /^. db1 +installing a very long name.*…$/);
  assert.match(lines[2]!, /^. db2 +waiting: db1 is starting$/);
  terminal.goOn();
  await terminal.ended;
  assert.match(terminal.screen, /✔ db1 +ok\n✔ db2 +ok\n✔ proxy1 +1 changed\nthe end$/);
});

test('nothing that comes from elsewhere can touch the screen', { skip }, async (context) => {
  const evil = 'text\x1b[2J\x1b[H\x1b[8m\r\x1b[1A';
  const terminal = run(context, [
    { print: 'the plan' },
    { print: evil },
    doing('db1', evil),
    note(evil),
    { hold: true },
  ]);
  const shown = 'text␛[2J␛[H␛[8m␍␛[1A';
  await terminal.sees(new RegExp(`^. db1 +${shown.replaceAll('[', '\\[')}`, 'm'));
  assert.ok(terminal.screen.startsWith(`the plan\n${shown}\n${shown}\n`), terminal.screen);
  terminal.goOn();
  await terminal.ended;
});

test('who only looked leaves no lines', { skip }, async (context) => {
  const terminal = run(context, [doing('db1', 'looking'), { hold: true }, { print: 'what was found' }]);
  await terminal.sees('looking');
  terminal.goOn();
  await terminal.ended;
  assert.match(terminal.all, /^\n?what was found\nthe end$/);
});

test('a question in the middle of a run stands alone, and the run goes on below its answer', {
  skip,
}, async (context) => {
  const terminal = run(context, [
    doing('db1', 'before'),
    { hold: true },
    {
      ask: ['How many? '],
      meanwhile: [doing('db1', 'meanwhile'), note('a note meanwhile'), { print: 'a result' }, { tell: 'a message' }],
    },
    doing('db1', 'after'),
    { hold: true },
  ]);
  await terminal.sees('before');
  terminal.goOn();
  await terminal.until('the question', ({ beforeCursor }) => beforeCursor === 'How many? ');
  assert.doesNotMatch(terminal.screen, LIVE);
  assert.equal(terminal.cursorVisible, true);
  terminal.type(`4${KEY.enter}`);
  await terminal.sees(/db1 +after/);
  assert.match(
    terminal.screen,
    /How many\? 4\na note meanwhile\na result\na message\nanswers: 4\n. db1 +after\n. db2\n. proxy1$/,
  );
  terminal.goOn();
  assert.equal(await terminal.ended, 0);
});

test('two that ask at once are answered one after the other', { skip }, async (context) => {
  const terminal = run(context, [{ ask: ['First: ', 'Second: '], hidden: true }]);
  await terminal.until('the first', ({ beforeCursor }) => beforeCursor === 'First: ');
  terminal.type(`one${KEY.enter}`);
  await terminal.until('the second', ({ beforeCursor }) => beforeCursor === 'Second: ');
  terminal.type(`two${KEY.enter}`);
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.screen, /First:\nSecond:\nanswers: one, two\nthe end$/);
});

test('who leaves one question with Ctrl-C is not asked the other', { skip }, async (context) => {
  const terminal = run(context, [{ ask: ['First: ', 'Second: '] }]);
  await terminal.sees('First:');
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130);
  assert.doesNotMatch(terminal.all, /Second/);
  assert.equal(terminal.isAsItWas, true);
});

for (const hidden of [false, true])
  test(`a program that dies at a ${hidden ? 'hidden ' : ''}question leaves the terminal as it was`, {
    skip,
  }, async (context) => {
    const terminal = run(context, [
      doing('db1', 'working'),
      { hold: true },
      { ask: ['Answer: '], hidden, meanwhile: [{ hold: true }, { die: 'a bug' }] },
    ]);
    await terminal.sees('working');
    terminal.goOn();
    await terminal.sees('Answer:');
    terminal.goOn();
    assert.equal(await terminal.ended, 1);
    assert.match(terminal.all, /Answer:[\s\S]*a bug/);
    assert.equal(terminal.isAsItWas, true);
    assert.equal(terminal.cursorVisible, true);
  });

for (const [what, keys, shown] of [
  ['backspace', `ab\x7fc${KEY.enter}`, 'ac'],
  ['Ctrl-U', `wrong\x15right${KEY.enter}`, 'right'],
  ['Ctrl-D in a line that is not empty', `ab${KEY.ctrlD}c${KEY.enter}`, 'abc'],
  ['letters of other languages', `grün 日本${KEY.enter}`, 'grün 日本'],
] as const)
  test(`an answer may be edited: ${what}`, { skip }, async (context) => {
    const terminal = run(context, [{ ask: ['Answer: '], hidden: true }]);
    await terminal.sees('Answer:');
    terminal.type(keys);
    assert.equal(await terminal.ended, 0);
    assert.ok(terminal.screen.includes(`answers: ${shown}\n`), terminal.screen);
    // It is printed by the program, and was not shown while it was typed.
    assert.match(terminal.screen, /^Answer:\nanswers/m);
  });

test('a question that is longer than a line is asked in whole', { skip }, async (context) => {
  const question = `${'All of this? '.repeat(12)}[y/N] `;
  const terminal = run(context, [{ print: 'before' }, { ask: [question] }]);
  await terminal.until('its end', ({ unwrapped }) => unwrapped.endsWith('[y/N]'));
  terminal.type(`yx\x7f${KEY.enter}`);
  assert.equal(await terminal.ended, 0);
  assert.ok(terminal.unwrapped.includes(`before\n${question}y\nanswers: y`), terminal.unwrapped);
});

test('a terminal that becomes smaller is drawn for what it is then', { skip }, async (context) => {
  const long = 'a long text that a narrow terminal cuts';
  const terminal = run(context, [doing('db1', long), { hold: true }, note('a note'), { hold: true }]);
  await terminal.sees(long);
  terminal.resize(24, 30);
  await terminal.sees(/^. db1 +a long text.*…$/m);
  terminal.goOn();
  await terminal.sees('a note');
  await terminal.sees(/a note\n. db1 .*…\n. db2\n. proxy1$/);
  terminal.goOn();
  assert.equal(await terminal.ended, 0);
});

test('who comes back from Ctrl-Z finds what the shell wrote, and the live lines below it', {
  skip,
}, async (context) => {
  const terminal = run(context, [
    doing('db1', 'working'),
    { hold: true },
    { stopped: '$ ls\nfile\n$ fg\n' },
    { hold: true },
  ]);
  await terminal.sees('working');
  terminal.goOn();
  await terminal.sees(/\$ ls\nfile\n\$ fg\n. db1 +working\n. db2\n. proxy1$/);
  terminal.goOn();
  assert.equal(await terminal.ended, 0);
});

test('colours are decided for each stream', { skip }, async (context) => {
  const both: Step[] = [{ emit: { type: 'stage', stage: 'coloured' } }, { tell: 'a message' }];
  const terminal = run(context, both);
  await terminal.ended;
  assert.match(terminal.raw, /\x1b\[1m── coloured\x1b\[22m/);
  assert.match(terminal.raw, /\x1b\[31ma message\x1b\[39m/);
  const messages = run(context, both, { redirect: '2>&1 >/dev/null | cat', env: { CI: 'true' } });
  await messages.ended;
  assert.match(messages.raw, /a message/);
  assert.doesNotMatch(messages.raw, /\x1b/);
});

for (const [what, env] of [
  ['TERM=dumb', { TERM: 'dumb' }],
  ['no size', {}],
] as const)
  test(`a terminal with ${what} gets plain lines`, { skip }, async (context) => {
    const size = what === 'no size' ? { rows: 0, columns: 0 } : {};
    const terminal = run(context, [stage('packages'), doing('db1', 'working'), { hold: true }], { env, ...size });
    await terminal.until('the stage', ({ raw }) => raw.includes('── packages'));
    terminal.goOn();
    assert.equal(await terminal.ended, 0);
    assert.doesNotMatch(terminal.raw, /\x1b\[\d*[A-LN-Za-l]/);
  });
