import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, describe, test } from 'node:test';
import type { ClientChannel } from 'ssh2';
import { startUnit } from '../../src/engine/transient.ts';
import { armUndo } from '../../src/engine/undo-script.ts';
import { Secret } from '../../src/secret.ts';
import { CLEAN_ENVIRONMENT, rootShellCommand } from '../../src/shell/environment.ts';
import { awaitShell, becomeRoot } from '../../src/transport/become.ts';
import { RootShell } from '../../src/transport/shell.ts';
import type { SshTarget } from '../../src/transport/target.ts';
import { sshTarget } from '../support/ssh-target.ts';

const directory = mkdtempSync(join(tmpdir(), 'hapg-root-shell-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const target = (user: string): SshTarget => sshTarget({ user });
const NONCE = 'a1b2c3';
const READY = `${NONCE}-ready`;

/** A channel whose other end is a real shell, started as sshd starts a login's. */
const channelOf = (shell: string, env: NodeJS.ProcessEnv, become: readonly string[] = []): ClientChannel =>
  channelFor(shell, ['-c', rootShellCommand(READY, become)], env);

/** A channel whose other end is this program. */
function channelFor(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ClientChannel {
  const child = spawn(program, args, { env, stdio: 'pipe' });
  const channel = Object.assign(new EventEmitter(), {
    stderr: child.stderr,
    write: (text: string) => child.stdin.write(text),
  });
  child.stdout.on('data', (chunk) => channel.emit('data', chunk));
  child.on('close', () => channel.emit('close'));
  after(() => child.kill());
  return channel as unknown as ClientChannel;
}

/** Login files that greet, set everything, and narrow the umask. */
const noisy = join(directory, 'noisy.sh');
writeFileSync(
  noisy,
  `echo 'Welcome to db1!'; echo '0 updates can be applied'; echo locked; echo '{"a": 1}' >&2
export https_proxy=http://127.0.0.1:9 PGHOST=elsewhere PGOPTIONS='-c x=y' LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 LANGUAGE=de PYTHONPATH=/tmp CURL_HOME=/tmp HOME=${directory} PATH=/usr/bin:/bin
umask 077
alias exec=false ls=false
cd ${directory}
`,
);

describe('the root shell', () => {
  for (const shell of ['bash', 'sh'])
    test(`is hapg's own whatever the login files of ${shell} print and set`, async () => {
      const env = { PATH: process.env.PATH, BASH_ENV: noisy, ENV: noisy, https_proxy: 'http://127.0.0.1:9' };
      const channel = channelOf(shell, env);
      await awaitShell(channel, READY, { nonce: NONCE, target: target('root'), credentials: {} });
      const root = new RootShell(channel);
      const { output, code } = await root.run('env | sort; umask; pwd', { timeoutMs: 20_000 });
      assert.equal(code, 0);
      assert.deepEqual(
        output
          .trim()
          .split('\n')
          .filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=/.test(line)),
        [
          'HOME=/nonexistent',
          'LC_ALL=C',
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          '0022',
          '/',
        ],
      );
    });

  test('goes through the command that gives the rights, which gets it as one command of sh', async () => {
    const channel = channelOf('sh', { PATH: process.env.PATH }, ['env', 'BECAME=yes']);
    await awaitShell(channel, READY, { nonce: NONCE, target: target('root'), credentials: {} });
    const { output } = await new RootShell(channel).run('echo "${BECAME-no}"', { timeoutMs: 20_000 });
    assert.equal(output.trim(), 'no');
  });

  test('is not announced by a host that only repeats the command', () => {
    assert.ok(!rootShellCommand(READY).includes(READY));
    assert.ok(!rootShellCommand(READY, ['sudo', '-S', '-p', `${NONCE} `]).includes(READY));
  });

  test('has units and undos started in the same environment', () => {
    assert.ok(startUnit('update', 'true', 60, 'run').includes(` ${CLEAN_ENVIRONMENT} /bin/sh -c `));
    assert.ok(armUndo('update', 'true', 60).includes(`ExecStart=${CLEAN_ENVIRONMENT} /bin/sh `));
  });

  test('of root throws away what login files print, as that behind sudo does', async () => {
    const env = { PATH: process.env.PATH, BASH_ENV: noisy };
    const login = {
      ...{ isAsking: false, failure: undefined, onEnd: () => undefined, end: () => undefined },
      exec: async (command: string) => channelFor('bash', ['-c', command], env),
    };
    const shell = await becomeRoot(login, target('root'), {});
    assert.equal((await shell.run('echo 0', { timeoutMs: 20_000 })).output.trim(), '0');
  });

  test('has units run in the same environment', () => {
    const { stdout } = spawnSync('sh', ['-c', `${CLEAN_ENVIRONMENT} /bin/sh -c 'env | grep -vE "^(PWD|_|SHLVL)="'`], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LANG: 'de_DE.UTF-8', http_proxy: 'x' },
    });
    assert.deepEqual(stdout.trim().split('\n').sort(), [
      'HOME=/nonexistent',
      'LC_ALL=C',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });
});

/** A channel that does what a test says. */
function fakeChannel(): { channel: ClientChannel; out: EventEmitter; err: PassThrough; written: string[] } {
  const written: string[] = [];
  const err = new PassThrough();
  const out = Object.assign(new EventEmitter(), { stderr: err, write: (text: string) => written.push(text) });
  return { channel: out as unknown as ClientChannel, out, err, written };
}

describe('until the root shell is there', () => {
  const cases = [
    ['This account is currently not available.\n', '', 'This account is currently not available.'],
    ['', 'Password change required but no TTY available.\n', 'Password change required but no TTY available.'],
    ['\u001b[31mNo shells\u0007 here\r\n', 'really\n', '[31mNo shells here; really'],
    ['', '', 'it ended at once'],
  ] as const;
  for (const [out, err, reason] of cases)
    test(`a host that closes says why: ${reason}`, async () => {
      const fake = fakeChannel();
      const waiting = awaitShell(fake.channel, READY, { nonce: NONCE, target: target('root'), credentials: {} });
      fake.out.emit('data', Buffer.from(out));
      fake.err.emit('data', Buffer.from(err));
      fake.out.emit('close');
      await assert.rejects(waiting, { message: `the root shell on db1: ${reason}` });
    });

  test('a password is sent only after the prompt with the nonce', async () => {
    const fake = fakeChannel();
    const credentials = { becomePassword: async () => new Secret('hunter22') };
    const waiting = awaitShell(fake.channel, READY, { nonce: NONCE, target: target('admin'), credentials });
    fake.err.emit('data', Buffer.from('We trust you have received the usual lecture\nPassword: '));
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(fake.written, []);
    fake.err.emit('data', Buffer.from(`${NONCE} `));
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(fake.written, ['hunter22\n']);
    fake.out.emit('data', Buffer.from(`motd\n${READY}\n`));
    await waiting;
  });

  test('a second prompt means that the password was wrong', async () => {
    const fake = fakeChannel();
    const credentials = { becomePassword: async () => new Secret('hunter22') };
    const waiting = awaitShell(fake.channel, READY, { nonce: NONCE, target: target('admin'), credentials });
    fake.err.emit('data', Buffer.from(`${NONCE} `));
    await new Promise((done) => setImmediate(done));
    fake.err.emit('data', Buffer.from(`Sorry, try again.\n${NONCE} `));
    await assert.rejects(waiting, { message: 'sudo on db1: the password was not accepted' });
  });
});
