/**
 * Proves that a new operator sees in a terminal what docs/first-hour.md shows, from init to the first switchover;
 * HAPG_WRITE_SCREENS=1 writes the screens into that page instead. Takes about 8 minutes.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { comparable, rewrite, type Screen, screensOf } from '../support/first-hour.ts';
import { before, test } from '../support/group.ts';
import { TestLab } from '../support/lab.ts';
import { KEY, noTerminal, Terminal } from '../support/terminal.ts';

const lab = new TestLab('pghour');
/** The network of the page, and that of the lab; both have names of one length, so that columns stay. */
const [SHOWN, REAL] = ['10.0.0.', '10.9.1.'];
const writes = process.env.HAPG_WRITE_SCREENS === '1';

/** What a person types at the questions of a command, by its first word. */
const ANSWERS: Readonly<Record<string, readonly (readonly [question: string, answer: string])[]>> = {
  init: [
    ['Name of the cluster', 'shop'],
    ['database hosts', '10.0.0.10, 10.0.0.11, 10.0.0.12'],
    ['balancers (empty', '10.0.0.14, 10.0.0.15'],
    ['Virtual address', '10.0.0.100/24'],
    ['backup host', '10.0.0.13'],
    ['Networks of the clients', '10.0.0.0/24'],
    ['Login name', ''],
  ],
  trust: [['Store', 'y']],
  apply: [['Apply', 'y']],
  switchover: [['Switch shop over?', 'y']],
};

/** The agent that a person logs in with. */
const agent = { SSH_AUTH_SOCK: '', SSH_AGENT_PID: '' };
before(async () => {
  assert.equal((await lab.hapg(['lab', 'up'])).code, 0);
  const said = execFileSync('ssh-agent', ['-s'], { encoding: 'utf8' });
  for (const name of ['SSH_AUTH_SOCK', 'SSH_AGENT_PID'] as const)
    agent[name] = new RegExp(`${name}=([^;]+)`).exec(said)![1]!;
  const key = join(lab.directory, '.hapg', lab.cluster, 'lab_ed25519');
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, ...agent }, stdio: 'pipe' });
});
after(async () => {
  if (agent.SSH_AGENT_PID) process.kill(Number(agent.SSH_AGENT_PID));
  await lab.down();
});

/** Runs a command of the page in a terminal, answers its questions, and returns what was shown. */
async function seen(command: string): Promise<string> {
  const [, ...args] = command.split(' ');
  const terminal = new Terminal([process.execPath, resolve('dist/hapg.js'), ...args], {
    rows: 40,
    columns: 110,
    cwd: lab.directory,
    env: { ...agent, HOME: lab.directory },
  });
  for (const [question, answer] of ANSWERS[args[0]!] ?? []) {
    await terminal.until(question, ({ beforeCursor }) => beforeCursor.includes(question));
    terminal.type(`${answer.replaceAll(SHOWN, REAL)}${KEY.enter}`);
  }
  const code = await terminal.ended;
  assert.equal(code, 0, terminal.screen);
  return terminal.unwrapped
    .replaceAll(REAL, SHOWN)
    .replaceAll(lab.directory, '~')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}

test('a new operator sees what the page shows, from init to the first switchover', async () => {
  assert.equal(noTerminal(), undefined);
  const shown: Screen[] = [];
  for (const { command, shown: expected } of screensOf()) {
    const actual = await seen(command);
    shown.push({ command, shown: actual });
    const both = comparable(actual, expected);
    if (!writes) assert.deepEqual(both.actual, both.expected, command);
  }
  assert.ok(shown.length >= 8, 'the page has the whole hour');
  if (writes) rewrite(shown);
});
