import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behind, type Setting, setUp, skip, start } from '../support/command-in-terminal.ts';
import { healthyHosts, hostsWithBackup } from '../support/fake-hosts.ts';
import { KEY } from '../support/terminal.ts';

/** Each question that a command can ask on its way, and what has to be on the screen together with it. */
const QUESTIONS: { what: string; command: string[]; setting: Setting; question: RegExp; shown: string[] }[] = [
  {
    what: 'the plan and the question',
    command: ['apply'],
    setting: {},
    question: /^Apply \d+ changes to pglab\? \[y\/N\] $/,
    shown: ['bookkeeping on ', ' create, '],
  },
  {
    what: 'the explanation and the question',
    command: ['switchover'],
    setting: { hosts: healthyHosts(), stored: true },
    question: /^Switch pglab over\? \[y\/N\] $/,
    shown: ['db1 hands over to db2: sync_standby, streaming'],
  },
  {
    what: 'the explanation and the question for the name',
    command: ['restore', '--latest'],
    setting: { hosts: hostsWithBackup(), stored: true },
    question: /^Restore pglab\? Type its name: $/,
    shown: ['pglab as it was at the newest archived transaction', 'the present data of db1 is moved to'],
  },
  {
    what: "the question for sudo's password",
    command: ['apply', '-K'],
    setting: { user: 'operator', hosts: behind('right') },
    question: /^sudo password: $/,
    shown: [],
  },
  {
    what: "the question for a key's passphrase",
    command: ['apply'],
    setting: { passphrase: 'long' },
    question: /^passphrase of \S+\/user: $/,
    shown: [],
  },
];

/** The sizes of terminals, and the key that ends the question there. */
const SIZES = [
  { rows: 24, columns: 80, key: KEY.ctrlC, name: 'Ctrl-C' },
  { rows: 50, columns: 200, key: KEY.ctrlD, name: 'Ctrl-D' },
];
/** Fewer rows than hosts: there are no live lines, but plain ones. */
const SMALL = { rows: 6, columns: 80, key: KEY.ctrlC, name: 'Ctrl-C' };

for (const { what, command, setting, question, shown } of QUESTIONS)
  for (const { rows, columns, key, name } of [...SIZES, ...(command.length === 1 ? [SMALL] : [])])
    test(`${command.join(' ')} in ${columns}×${rows} shows ${what} before the answer, and ${name} there ends with 130`, {
      skip,
    }, async (context) => {
      // The lab's seven where rows are scarce or its cluster is what is spoken of.
      const fakes = await setUp(context, { small: rows > SMALL.rows && !setting.stored, ...setting });
      const terminal = start(context, fakes, command, { rows, columns });
      await terminal.until(`the question ${question}`, ({ beforeCursor }) => question.test(beforeCursor));
      for (const text of shown) assert.ok(terminal.unwrapped.includes(text), `${text} is not in\n${terminal.all}`);
      assert.equal(terminal.cursorVisible, true);
      assert.doesNotMatch(terminal.screen, /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
      terminal.type(key);
      assert.equal(await terminal.ended, 130, terminal.all);
      const last = terminal.all.split('\n').slice(-2);
      assert.match(last[0]!, new RegExp(question.source.slice(1, -2)));
      assert.equal(last[1], 'interrupted; nothing was changed');
      assert.equal(terminal.isAsItWas, true);
      assert.equal(terminal.cursorVisible, true);
      assert.equal(
        fakes.scripts.every(({ script }) => !script.includes('systemd-run')),
        true,
      );
    });
