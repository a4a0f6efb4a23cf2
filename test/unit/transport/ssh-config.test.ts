import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { UsageError } from '../../../src/errors.ts';
import { Secret } from '../../../src/secret.ts';
import { agentKeys, SomeKeys } from '../../../src/transport/agent.ts';
import { authMethods } from '../../../src/transport/auth.ts';
import { ALIAS, opensshConfig } from '../../../src/transport/openssh.ts';
import { readSshConfig } from '../../../src/transport/ssh-config.ts';
import { resolveTarget, type SshTarget } from '../../../src/transport/target.ts';
import { labCluster } from '../model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-ssh-config-'));
after(() => rmSync(root, { recursive: true, force: true }));

const cluster = labCluster(['  user: root\n', '']);

/** Writes files below a directory of their own, `HERE` in them being it, and returns the path of `config`. */
function written(files: Record<string, string>): string {
  const here = mkdtempSync(join(root, 'home-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(here, name)), { recursive: true });
    writeFileSync(join(here, name), text.replaceAll('HERE', here));
  }
  return join(here, 'config');
}

const reached = (file: string, alias: string, ssh = {}): SshTarget =>
  resolveTarget(cluster, { ...cluster.hosts[0]!, address: alias, ssh }, {}, readSshConfig(file));

/** What OpenSSH itself says of a host with this file. */
function oracle(file: string, alias: string): (key: string) => string[] {
  const lines = spawnSync('ssh', ['-G', '-F', file, alias], { encoding: 'utf8' }).stdout.split('\n');
  return (key) => lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
}

describe('~/.ssh/config is read as ssh reads it', () => {
  const CASES: [what: string, files: Record<string, string>][] = [
    [
      'a file that another one includes comes in its place',
      {
        config: 'Include HERE/more\nHost *\n  User last\n  Port 2022\n',
        more: 'Host db1\n  User first\n  HostName 192.0.2.7\n',
      },
    ],
    [
      'every file of a pattern, in the order of their names',
      {
        config: 'Include "HERE/config.d/*.conf"\n',
        'config.d/20.conf': 'Host db*\n  User second\n  Port 20\n',
        'config.d/10.conf': 'Host db1\n  User first\n',
        'config.d/.hidden.conf': 'User hidden\n',
        'config.d/other': 'Port 99\n',
      },
    ],
    [
      'files that include others, and several of them in one line',
      {
        config: 'Host db1\n  User own\nHost *\nInclude HERE/a HERE/missing HERE/b\n',
        a: 'Include HERE/c\n',
        b: 'Port 2\n',
        c: 'Host db1\n  Port 3\n  ProxyJump gate\n',
      },
    ],
    [
      'a file that is included for some hosts only',
      { config: 'Host other\n  Include HERE/more\nHost db1\n  include=HERE/own\n', more: 'Port 9\n', own: 'Port 7\n' },
    ],
    [
      'what stands behind an included block is for every host again',
      { config: 'Include HERE/more\nPort 2022\nUser all\n', more: 'Host elsewhere\n  User nobody\n' },
    ],
    ['tokens in the name of a host', { config: 'Host db1\n  HostName %h.example.com\n' }],
    [
      'another name for known_hosts',
      { config: 'Host db1\n  HostName 192.0.2.7\n  Port 22022\n  HostKeyAlias tunnel\n' },
    ],
    [
      'the first way to a host, jump or command',
      { config: 'Host db1\n  ProxyJump gate\nHost db*\n  ProxyCommand nc %h %p\n' },
    ],
    ['no command', { config: 'Host db1\n  ProxyCommand none\nHost *\n  ProxyCommand nc %h %p\n' }],
  ];
  for (const [what, files] of CASES)
    test(what, () => {
      const file = written(files);
      for (const alias of ['db1', 'db2', 'other']) {
        if (alias !== 'db1' && files.config!.includes('ProxyCommand')) continue;
        const said = oracle(file, alias);
        const target = reached(file, alias);
        assert.equal(target.host, said('hostname')[0]);
        assert.equal(String(target.port), said('port')[0]);
        assert.equal(target.user, said('user')[0]);
        assert.equal(target.jumps.length, said('proxyjump').length);
        assert.equal(target.known.host, said('hostkeyalias')[0] ?? target.host);
      }
    });

  test('with names of files that are relative to ~/.ssh', () => {
    const file = written({ config: 'Include config.d/*\n', 'config.d/one': 'Host db1\n  Port 4\n' });
    assert.equal(reached(file, 'db1').port, 4);
  });

  test('the key of a host with an alias is looked up under the alias alone, by hapg and by "hapg ssh"', () => {
    const target = reached(written({ config: 'Host db1\n  Port 22022\n  HostKeyAlias tunnel\n' }), 'db1');
    assert.deepEqual(target.known, { host: 'tunnel', port: 22 });
    const file = join(root, 'openssh');
    writeFileSync(file, opensshConfig(target));
    assert.deepEqual(oracle(file, ALIAS)('hostkeyalias'), ['tunnel']);
  });

  test('tokens in names of files stand for the host and the users', () => {
    const file = written({ config: 'Host db1\n  User me\n  IdentityFile HERE/%r@%h:%p\n', 'me@db1:22': '' });
    assert.deepEqual(reached(file, 'db1').keys, [join(dirname(file), 'me@db1:22')]);
  });

  test('the usual keys are offered only where none is named', () => {
    const usual = join(homedir(), '.ssh', 'id_ed25519');
    const file = written({ config: 'Host db1\n  IdentityFile HERE/own\n', own: '' });
    assert.deepEqual(reached(file, 'db1').keys, [join(dirname(file), 'own')]);
    assert.equal(reached(file, 'db2').keys.includes(usual), existsSync(usual));
  });

  const REFUSED: [what: string, files: Record<string, string>, says: RegExp][] = [
    [
      'a command that makes the connection',
      { config: 'Host db1\n  ProxyCommand ssh -W %h:%p gate\n' },
      /db1 is reached by a ProxyCommand \(ssh -W %h:%p gate\).*ProxyJump/,
    ],
    [
      'a command that stands before a jump host',
      { config: 'Host *\n  ProxyCommand cloud tunnel %h\n  ProxyJump gate\n' },
      /cloud tunnel %h/,
    ],
    [
      'blocks of hosts that are included for some hosts only',
      { config: 'Host db1\n  Include HERE/more\n', more: 'Host *\n  Port 2\n' },
      /"Include .*more" below "Host db1" brings lines of Host or Match/,
    ],
    ['files that include themselves', { config: 'Include HERE/config\n' }, /more than 16 files include each other/],
  ];
  for (const [what, files, says] of REFUSED)
    test(`${what}: refused, not ignored`, () => {
      assert.throws(
        () => reached(written(files), 'db1'),
        (cause) => cause instanceof UsageError && says.test(cause.message),
      );
    });

  test('where the inventory or a flag says how to get there, the command is not needed', () => {
    const file = written({ config: 'Host db1\n  ProxyCommand nc %h %p\n' });
    assert.equal(reached(file, 'db1', { jump: 'none' }).jumps.length, 0);
    assert.equal(reached(file, 'db1', { jump: 'gate' }).jumps.length, 1);
  });
});

describe('an agent', () => {
  const socket = join(root, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  after(() => agent.kill());

  /** Makes a key pair; one that the agent gets is encrypted on the disk behind that. */
  async function key(name: string, held: boolean): Promise<string> {
    const file = join(root, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-a', '1', '-N', '', '-C', name, '-f', file]);
    for (let turn = 0; turn < 200 && !existsSync(socket); turn++) await sleep(20);
    if (held) {
      execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
      execFileSync('ssh-keygen', ['-q', '-p', '-a', '1', '-N', 'long passphrase', '-f', file], { stdio: 'ignore' });
    }
    return file;
  }

  /** What is offered, in order: files, and names of keys of the agent. The passphrases that were asked for. */
  async function offered(target: Partial<SshTarget>): Promise<{ offers: string[]; asked: string[] }> {
    const asked: string[] = [];
    const methods = (await authMethods(
      { user: 'root', keys: [], agent: socket, onlyKeys: false, ...target } as SshTarget,
      {
        passphrase: async (file) => {
          asked.push(file);
          return new Secret('long passphrase');
        },
      },
    )) as { type: string; key?: Buffer; agent?: SomeKeys }[];
    const names = methods.map(
      (one) =>
        new Promise<string[]>((done) => {
          if (!one.agent) done(['a file']);
          else one.agent.getIdentities((_error, keys) => done((keys as ParsedKey[]).map(({ comment }) => comment)));
        }),
    );
    return { offers: (await Promise.all(names)).flat(), asked };
  }

  test('offers the named keys that it holds first, without asking for their passphrases, and its others last', async () => {
    const [other, mine, alone] = [await key('other', true), await key('mine', true), await key('alone', false)];
    assert.ok(other);
    assert.deepEqual(await offered({ keys: [alone, mine] }), { offers: ['a file', 'mine', 'other'], asked: [] });
    assert.deepEqual(await offered({ keys: [mine, alone], onlyKeys: true }), { offers: ['mine', 'a file'], asked: [] });
  });

  test('holds the key of which only the public half is there', async () => {
    const file = join(root, 'mine');
    const half = join(mkdtempSync(join(root, 'half-')), 'mine.pub');
    writeFileSync(half, readFileSync(`${file}.pub`));
    const config = written({ config: `Host db1\n  IdentityFile ${half.slice(0, -4)}\n  IdentitiesOnly yes\n` });
    const { keys, onlyKeys } = reached(config, 'db1');
    assert.deepEqual(await offered({ keys, onlyKeys }), { offers: ['mine'], asked: [] });
  });

  test('that does not hold a key leaves it to its file, and the passphrase is asked for', async () => {
    const file = await key('locked', false);
    execFileSync('ssh-keygen', ['-q', '-p', '-a', '1', '-N', 'long passphrase', '-f', file], { stdio: 'ignore' });
    assert.deepEqual(await offered({ keys: [file], onlyKeys: true }), { offers: ['a file'], asked: [file] });
    assert.deepEqual(await offered({ keys: [file], agent: join(root, 'nobody') }), {
      offers: ['a file'],
      asked: [file],
    });
  });

  test('signs for the keys that are offered of it', async () => {
    const held = (await agentKeys(socket)).find(({ comment }) => comment === 'mine')!;
    const data = Buffer.from('what is signed');
    const signature = await new Promise<Buffer>((done, failed) =>
      new SomeKeys(socket, [held]).sign(held, data, {}, (error, text) => (error ? failed(error) : done(text!))),
    );
    const half = ssh2.utils.parseKey(readFileSync(join(root, 'mine.pub'))) as ParsedKey;
    assert.equal(half.verify(data, signature), true);
  });
});
