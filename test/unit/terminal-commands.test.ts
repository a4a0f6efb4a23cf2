import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { behind, CLI, setUp, skip, start } from '../support/command-in-terminal.ts';
import { hostsWithBackup } from '../support/fake-hosts.ts';
import { journalEntry } from '../support/journal.ts';
import { KEY, Terminal } from '../support/terminal.ts';

test('apply: the plan in its colours, and "n" ends with 1', { skip }, async (context) => {
  const terminal = start(context, await setUp(context, {}), ['apply']);
  await terminal.sees('[y/N]');
  assert.match(terminal.raw, /\x1b\[32m\+ directory \/etc\/etcd\x1b\[39m/);
  terminal.type(`n${KEY.enter}`);
  assert.equal(await terminal.ended, 1);
  assert.match(terminal.screen, /\[y\/N\] n\nnot confirmed; nothing was changed$/);
});

for (const [how, flags, env] of [
  ['--no-color', ['--no-color'], {}],
  ['NO_COLOR', [], { NO_COLOR: '1' }],
] as const)
  test(`apply with ${how}: no colour anywhere`, { skip }, async (context) => {
    const terminal = start(context, await setUp(context, { small: true }), ['apply', ...flags], { env });
    await terminal.sees('[y/N]');
    terminal.type(KEY.ctrlC);
    await terminal.ended;
    assert.doesNotMatch(terminal.raw, /\x1b\[[\d;]*m/);
  });

test('what was typed before the question could be read is no answer to it', { skip }, async (context) => {
  const terminal = start(context, await setUp(context, { small: true }), ['apply']);
  terminal.type('y\ny\n');
  await terminal.until('the question', ({ beforeCursor }) => /\[y\/N\] $/.test(beforeCursor));
  terminal.type(`n${KEY.enter}`);
  assert.equal(await terminal.ended, 1, terminal.all);
});

for (const [how, redirect, words] of [
  ['standard output goes into a file', '> out', ['apply']],
  ['standard error goes into a file', '2> err', ['apply']],
  ['both go into a file', '> out 2>&1', ['apply']],
  ['standard output goes into a pipe', '| cat > out', ['apply']],
  ['JSON is wanted', '> out', ['apply', '-o', 'json']],
] as const)
  test(`the plan and the question are on the terminal when ${how}`, { skip }, async (context) => {
    const fakes = await setUp(context, { small: true });
    const terminal = start(context, fakes, words, {
      redirect: redirect.replaceAll(/(out|err)$|(out) /g, `${fakes.directory}/$1$2 `),
    });
    await terminal.until('the question', ({ beforeCursor }) =>
      /^Apply \d+ changes to pglab\? \[y\/N\] $/.test(beforeCursor),
    );
    assert.match(terminal.all, /\n {2}db1: \+ directory \/etc\/etcd/);
    terminal.type(KEY.ctrlC);
    await terminal.ended;
    for (const name of ['out', 'err'].map((one) => join(fakes.directory, one)))
      if (existsSync(name)) assert.doesNotMatch(readFileSync(name, 'utf8'), /\x1b/);
  });

test('the password of sudo is asked for once, is not shown, and the run goes on', { skip }, async (context) => {
  const fakes = await setUp(context, { small: true, user: 'operator', hosts: behind('open sesame') });
  const terminal = start(context, fakes, ['apply', '-K']);
  await terminal.sees('sudo password:');
  terminal.type(`open sesame${KEY.enter}`);
  await terminal.sees('[y/N]');
  assert.equal(terminal.all.split('sudo password:').length - 1, 1);
  assert.ok(!terminal.raw.includes('sesame'));
  terminal.type(`n${KEY.enter}`);
  assert.equal(await terminal.ended, 1);
});

test('a wrong password of sudo ends with 4 and says so', { skip }, async (context) => {
  const fakes = await setUp(context, { small: true, user: 'operator', hosts: behind('right') });
  const terminal = start(context, fakes, ['apply', '-K']);
  await terminal.sees('sudo password:');
  terminal.type(`wrong${KEY.enter}`);
  assert.equal(await terminal.ended, 4);
  assert.match(terminal.unwrapped, /db1: unreachable: \S+ sudo on 127\.0\.0\.1: the password was not accepted/);
  assert.equal(terminal.isAsItWas, true);
});

test('the passphrase of a key is asked for once, and the run goes on', { skip }, async (context) => {
  const terminal = start(context, await setUp(context, { small: true, passphrase: 'open sesame' }), ['apply']);
  await terminal.sees('passphrase of');
  terminal.type(`open sesame${KEY.enter}`);
  await terminal.sees('[y/N]');
  assert.equal(terminal.all.split('passphrase of').length - 1, 1);
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130);
});

test('the passphrase of a key is asked for once for the clusters of a status', { skip }, async (context) => {
  const fakes = await setUp(context, { small: true, passphrase: 'open sesame' });
  copyFileSync(fakes.inventory, join(fakes.directory, 'another.yaml'));
  const terminal = new Terminal([...CLI, 'status', '-i', join(fakes.directory, '*.yaml')]);
  context.after(() => terminal.close());
  await terminal.sees('passphrase of');
  terminal.type(`open sesame${KEY.enter}`);
  await terminal.ended;
  assert.equal(terminal.all.split('passphrase of').length - 1, 1, terminal.all);
  assert.equal(terminal.all.split('4 problems').length - 1, 2, terminal.all);
});

test('Ctrl-C at a prompt does not wait for the hosts that are being connected', { skip }, async (context) => {
  const hosts = { ...behind('right'), client: { silent: true } };
  const fakes = await setUp(context, { small: true, user: 'operator', hosts });
  const terminal = start(context, fakes, ['apply', '-K']);
  await terminal.sees('sudo password:');
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130, terminal.all);
});

test('a name that is typed wrong restores nothing', { skip }, async (context) => {
  const fakes = await setUp(context, { hosts: hostsWithBackup(), stored: true });
  const terminal = start(context, fakes, ['restore', '--latest']);
  await terminal.sees('Type its name:');
  terminal.type(`pgalb${KEY.enter}`);
  assert.equal(await terminal.ended, 1);
  assert.match(terminal.screen, /not confirmed; nothing was changed$/);
});

test('Ctrl-C stops work step by step, and leaves the terminal as it was', { skip }, async (context) => {
  const hosts = {
    ...Object.fromEntries(['db1', 'db2', 'db3'].map((name) => [name, { hangsAt: 'chown root:root /etc/hapg' }])),
  };
  const terminal = start(context, await setUp(context, { hosts }), ['apply']);
  await terminal.sees('[y/N]');
  terminal.type(`y${KEY.enter}`);
  await terminal.sees(/⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏/);
  await terminal.sees(/^── \w/m);
  terminal.type(KEY.ctrlC);
  await terminal.sees('Stopping after what is in flight');
  // The live lines stand below what was told.
  await terminal.sees(/Stopping after what is in flight[\s\S]*. db1 /);
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.equal(terminal.isAsItWas, true);
  assert.equal(terminal.cursorVisible, true);
});

test('who has pressed Ctrl-C while hapg looked is asked nothing', { skip }, async (context) => {
  let answer: () => void = () => undefined;
  const after = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const terminal = start(context, await setUp(context, { small: true, hosts: { db1: { after } } }), ['apply']);
  await terminal.sees(/^. db1/m);
  terminal.type(KEY.ctrlC);
  await terminal.sees('Stopping after what is in flight');
  answer();
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.doesNotMatch(terminal.all, /y\/N/);
  assert.match(terminal.screen, /interrupted; nothing was changed$/);
});

test('Ctrl-C twice while hapg looks ends with 130, and not with what failed for it', { skip }, async (context) => {
  const hosts = { db1: { hangsAt: 'flock -w' } };
  const terminal = start(context, await setUp(context, { small: true, hosts }), ['apply']);
  await terminal.sees(/^. db1/m);
  terminal.type(KEY.ctrlC);
  await terminal.sees('Stopping after what is in flight');
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.match(terminal.screen, /interrupted; nothing was changed$/);
  assert.equal(terminal.cursorVisible, true);
});

test('a signal at a question ends it as Ctrl-C does', { skip }, async (context) => {
  const fakes = await setUp(context, { small: true });
  const terminal = start(context, fakes, ['apply']);
  await terminal.sees('[y/N]');
  process.kill(processOf(fakes.inventory), 'SIGTERM');
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.match(terminal.screen, /interrupted; nothing was changed$/);
  assert.equal(terminal.isAsItWas, true);
});

/** The process of the command that reads this inventory. */
function processOf(inventory: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : [];
    if (words[0] === process.execPath && words.includes(inventory)) return Number(pid);
  }
  throw new Error(`no process works on ${inventory}`);
}

for (const [command, expected] of [
  ['lock', /^db1 +free\n[\s\S]*client +free$/],
  ['logs', /^db1 +2026-01-01T00:00:00\.000000Z patroni\[1\]: something happened/m],
] as const)
  test(`${command} shows on a terminal what it found`, { skip }, async (context) => {
    const hosts = { db1: { answers: { journalctl: `${journalEntry('something happened')}\n` } } };
    const terminal = start(context, await setUp(context, { small: true, hosts, stored: true }), [command]);
    assert.equal(await terminal.ended, 0);
    assert.match(terminal.screen, expected);
  });

for (const endless of [
  ['status', '--watch'],
  ['logs', '-f'],
])
  test(`${endless.join(' ')} ends when nobody reads on`, { skip }, async (context) => {
    const hosts = { db1: { answers: { journalctl: `${journalEntry('something happened')}\n` } } };
    const fakes = await setUp(context, { small: true, hosts, stored: true });
    const terminal = start(context, fakes, endless, { redirect: '| head -n 1' });
    assert.equal(await terminal.ended, 0, terminal.all);
    assert.equal(terminal.screen.split('\n').length, 1, terminal.screen);
  });

for (const where of ['in a terminal', 'in a pipe'])
  test(`a host out of reach is told once ${where}`, { skip }, async (context) => {
    const fakes = await setUp(context, {});
    const terminal = start(context, fakes, ['apply', '--yes', '-e', 'hosts.db2.ssh.port=1'], {
      redirect: where === 'in a pipe' ? '2>&1 | cat' : '',
    });
    await terminal.ended;
    assert.equal(terminal.all.split('db2: unreachable:').length - 1, 1, terminal.all);
  });

test('trust shows the keys before it asks, and Ctrl-D stores none', { skip }, async (context) => {
  const fakes = await setUp(context, {});
  const file = join(fakes.directory, '.hapg', 'pglab', 'known_hosts');
  rmSync(file);
  const terminal = start(context, fakes, ['trust']);
  await terminal.sees('Store 7 keys?');
  assert.match(terminal.screen, /^client {2}ssh-ed25519 {2}SHA256:\S+ {2}new$/m);
  terminal.type(KEY.ctrlD);
  assert.equal(await terminal.ended, 130);
  assert.equal(existsSync(file), false);
});

test('init asks a question again whose answer cannot be right, and for a third vote beside two databases', {
  skip,
}, async (context) => {
  const fakes = await setUp(context, { small: true });
  const file = join(fakes.directory, 'new.yaml');
  const terminal = new Terminal([...CLI, 'init', file]);
  context.after(() => terminal.close());
  const answer = async (question: string, text: string) => {
    await terminal.until(
      question,
      ({ beforeCursor }) => beforeCursor.startsWith(question) && beforeCursor.endsWith(': '),
    );
    terminal.type(`${text}${KEY.enter}`);
  };
  await answer('Name of the cluster', 'Shop!');
  await terminal.sees('a cluster name starts with a letter');
  await answer('Name of the cluster', 'shop');
  await answer('Addresses of the database hosts', 'db1.example 10.0.0.2');
  await terminal.sees('db1.example is a name');
  await answer('Addresses of the database hosts', '10.0.0.1 10.0.0.2');
  await answer('Address of a small host that votes', '10.0.0.3');
  await answer('Addresses of the balancers', '');
  await answer('Address of the backup host', '');
  await answer('Networks of the clients', '10.0.0.0/24');
  await answer('Login name', '');
  assert.equal(await terminal.ended, 0, terminal.all);
  assert.match(readFileSync(file, 'utf8'), /witness: +\{address: 10\.0\.0\.3, roles: \[etcd\]\}/);
});

test('init asks on a terminal, and Ctrl-C writes no inventory', { skip }, async (context) => {
  const fakes = await setUp(context, {});
  const file = join(fakes.directory, 'new.yaml');
  const terminal = new Terminal([...CLI, 'init', file]);
  context.after(() => terminal.close());
  await terminal.sees('Name of the cluster [main]:');
  terminal.type(`shop${KEY.enter}`);
  await terminal.sees('Addresses of the database hosts, separated by commas:');
  terminal.type(KEY.ctrlC);
  assert.equal(await terminal.ended, 130, terminal.all);
  assert.match(terminal.screen, /interrupted; nothing was changed$/);
  assert.equal(existsSync(file), false);
});
