import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import ssh2, { type ParsedKey } from 'ssh2';
import { UsageError } from '../../../src/errors.ts';
import { Secret } from '../../../src/secret.ts';
import { agentKeys, SomeKeys } from '../../../src/transport/agent.ts';
import { authMethods } from '../../../src/transport/auth.ts';
import { clientConfig } from '../../../src/transport/client-config.ts';
import type { ClientConfig } from '../../../src/transport/directives.ts';
import { opensshConfig } from '../../../src/transport/openssh.ts';
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

const reached = (
  file: string,
  alias: string,
  ssh = {},
  config: ClientConfig = clientConfig({ file }),
): Promise<SshTarget> => resolveTarget(cluster, { ...cluster.hosts[0]!, address: alias, ssh }, {}, config);

/** What OpenSSH itself says of a host with this file. */
function oracle(file: string, alias: string): (key: string) => string[] {
  const lines = spawnSync('ssh', ['-G', '-F', file, alias], { encoding: 'utf8' }).stdout.split('\n');
  return (key) => lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
}

/** What a file says of a host, by ssh and by hapg. */
async function agree(target: SshTarget, said: (key: string) => string[]): Promise<void> {
  assert.equal(target.host, said('hostname')[0]);
  assert.equal(String(target.port), said('port')[0]);
  assert.equal(target.user, said('user')[0]);
  assert.equal(target.jumps.length > 0, said('proxyjump').length > 0);
  assert.equal(target.command !== undefined, said('proxycommand').length > 0);
  assert.equal(target.known.host, said('hostkeyalias')[0] ?? target.host);
}

describe('~/.ssh/config is read as ssh reads it', () => {
  const CASES: [what: string, files: Record<string, string>, alone?: boolean][] = [
    [
      'a file that another one includes',
      {
        config: 'Include HERE/more\nHost *\n  User last\n  Port 2022\n',
        more: 'Host db1\n  User first\n  HostName 192.0.2.7\n',
      },
    ],
    [
      'blocks of hosts that are included for some hosts only',
      { config: 'Host db1\n  Include HERE/more\n', more: 'Host *\n  Port 2\n' },
    ],
    ['a condition', { config: 'Match host db1 exec "true"\n  Port 7\nMatch user nobody\n  Port 8\n' }],
    ['a name made whole', { config: 'CanonicalizeHostname no\nHost db1\n  Port 7\n' }, true],
    ['tokens in the name of a host', { config: 'Host db1\n  HostName %h.example.com\n' }, true],
    ['patterns and what they leave out', { config: 'Host db* !db2\n  Port 7\nHost *\n  User all\n' }, true],
    [
      'another name for known_hosts',
      { config: 'Host db1\n  HostName 192.0.2.7\n  Port 22022\n  HostKeyAlias tunnel\n' },
      true,
    ],
    ['a chain of jump hosts', { config: 'Host db1\n  ProxyJump a@gate:99,b@[fd00::1]:23\n' }, true],
    ['a jump host as a URI', { config: 'Host db1\n  ProxyJump ssh://a@gate:99\n' }, true],
    ['a command that makes the connection', { config: 'Host db1\n  ProxyCommand nc %h %p\n' }, true],
    [
      'the first way to a host, jump or command',
      { config: 'Host db1\n  ProxyJump gate\nHost db*\n  ProxyCommand nc %h %p\n' },
      true,
    ],
    [
      'a command that stands before a jump host',
      { config: 'Host *\n  ProxyCommand cloud tunnel %h\n  ProxyJump gate\n' },
      true,
    ],
    ['no command', { config: 'Host db1\n  ProxyCommand none\nHost *\n  ProxyCommand nc %h %p\n' }],
  ];
  for (const [what, files, alone] of CASES) {
    const alike = async (config: (file: string) => ClientConfig) => {
      const file = written(files);
      for (const alias of ['db1', 'db2', 'other'])
        await agree(await reached(file, alias, {}, config(file)), oracle(file, alias));
    };
    test(what, () => alike((file) => clientConfig({ file })));
    if (alone) test(`${what}, without an OpenSSH client`, () => alike(readSshConfig));
    else
      test(`${what}, without an OpenSSH client: right, or refused with the line`, () =>
        alike(readSshConfig).catch((cause) => {
          assert.ok(cause instanceof UsageError, cause);
          assert.match(cause.message, /^~\/\.ssh\/config: "\S.*" needs the OpenSSH client on this machine/);
        }));
  }

  test('over any directives, with an OpenSSH client and without', async () => {
    const pattern = fc.constantFrom('db1', 'db*', '*', '!db2 *', 'd?1', 'other', 'db1 db2');
    const directive = fc.oneof(
      fc.constantFrom('HostName 192.0.2.7', 'HostName %h.example.com', 'hostname=192.0.2.8', 'Port 2022', 'PORT 99'),
      fc.constantFrom('User me', 'User "jane@corp.example.com"', 'ProxyJump gate', 'ProxyJump none'),
      fc.constantFrom('ProxyCommand nc %h %p', 'ProxyCommand none', 'HostKeyAlias alias', 'IdentitiesOnly yes'),
      fc.constantFrom('# comment', 'ForwardAgent yes', 'ServerAliveInterval 5', 'ConnectTimeout 3'),
    );
    const blocks = fc.array(fc.tuple(pattern, fc.array(directive, { maxLength: 4 })), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(blocks, fc.constantFrom('db1', 'db2', 'other'), async (parts, alias) => {
        const file = written({
          config: parts.map(([name, lines]) => [`Host ${name}`, ...lines].join('\n  ')).join('\n'),
        });
        // Who jumps to where it is already needs no jump; a jump host behind itself is refused by both.
        const gate = oracle(file, 'gate');
        const at = gate('hostname')[0];
        fc.pre(at !== undefined && gate('proxyjump').length === 0 && at !== oracle(file, alias)('hostname')[0]);
        for (const config of [clientConfig({ file }), readSshConfig(file)])
          await agree(await reached(file, alias, {}, config), oracle(file, alias));
      }),
      { numRuns: 40 },
    );
  });

  test('with names of files that are relative to ~/.ssh', async () => {
    const file = written({ config: 'Include HERE/config.d/*\n', 'config.d/one': 'Host db1\n  Port 4\n' });
    assert.equal((await reached(file, 'db1')).port, 4);
  });

  test('the key of a host with an alias is looked up under the alias alone, by hapg and by "hapg ssh"', async () => {
    const target = await reached(written({ config: 'Host db1\n  Port 22022\n  HostKeyAlias tunnel\n' }), 'db1');
    assert.deepEqual(target.known, { host: 'tunnel', port: 22 });
    const file = join(root, 'openssh');
    writeFileSync(file, opensshConfig(target));
    assert.deepEqual(oracle(file, 'db1')('hostkeyalias'), ['tunnel']);
  });

  test('tokens in names of files stand for the host and the users', async () => {
    const file = written({ config: 'Host db1\n  User me\n  IdentityFile HERE/%r@%h:%p\n', 'me@db1:22': '' });
    assert.deepEqual((await reached(file, 'db1')).keys, [join(dirname(file), 'me@db1:22')]);
  });

  test('variables in names of files stand for the environment, and one that is not there is refused', async () => {
    process.env.HAPG_TEST_KEYS = dirname(written({ config: '', own: '' }));
    const { keys } = await reached(written({ config: 'IdentityFile ${HAPG_TEST_KEYS}/own\n' }), 'db1');
    assert.deepEqual(keys, [join(process.env.HAPG_TEST_KEYS, 'own')]);
    const missing = written({ config: 'IdentityFile ${HAPG_TEST_NOTHING}/own\n' });
    await assert.rejects(reached(missing, 'db1'), /the environment has no HAPG_TEST_NOTHING|vdollar_percent_expand/);
  });

  test('tokens in other names of files stand for each host, though nothing else differs between hosts', async () => {
    const file = written({ config: 'UserKnownHostsFile HERE/known/%k\n' });
    const config = clientConfig({ file });
    for (const alias of ['db1', 'db2'])
      assert.ok(
        (await reached(file, alias, {}, config)).knownHosts.includes(join(dirname(file), 'known', alias)),
        alias,
      );
  });

  test('the usual keys are offered only where none is named', async () => {
    const usual = join(homedir(), '.ssh', 'id_ed25519');
    const file = written({ config: 'Host db1\n  IdentityFile HERE/own\n', own: '' });
    assert.deepEqual((await reached(file, 'db1')).keys, [join(dirname(file), 'own')]);
    assert.equal((await reached(file, 'db2')).keys.includes(usual), existsSync(usual));
  });

  test('a user and a port of the inventory count in conditions', async () => {
    const file = written({ config: 'Match user operator\n  HostName 192.0.2.9\n' });
    assert.equal((await reached(file, 'db1', { user: 'operator' })).host, '192.0.2.9');
    assert.equal((await reached(file, 'db1', { user: 'other' })).host, 'db1');
  });

  describe('is asked', () => {
    /** A configuration that counts how often ssh is asked for it. */
    function counted(files: Record<string, string>) {
      const file = written(files);
      const asked = join(dirname(file), 'asked');
      const program = join(dirname(file), 'ssh');
      writeFileSync(program, `#!/bin/sh\necho x >> ${asked}\nexec ssh "$@"\n`, { mode: 0o755 });
      const config = clientConfig({ program, file });
      const port = async (alias: string) => (await reached(file, alias, {}, config)).port;
      return { file, port, count: () => readFileSync(asked, 'utf8').split('\n').length - 1 };
    }

    test('once for all hosts where it says the same of all', async () => {
      const { file, port, count } = counted({ config: 'Include HERE/more\nHost *\n  User me\n', more: 'Port 1\n' });
      assert.deepEqual(await Promise.all(['db1', 'db1', 'db2'].map(port)), [1, 1, 1]);
      assert.equal(count(), 1);
      assert.equal((await reached(file, 'db2', {}, clientConfig({ file }))).host, 'db2');
    });

    test('once for each host where it does not, and again when a file has changed', async () => {
      const { file, port, count } = counted({ config: 'Include HERE/more\nHost db2\n  Port 2\n', more: '# none\n' });
      assert.deepEqual(await Promise.all(['db1', 'db1', 'db2'].map(port)), [22, 22, 2]);
      assert.deepEqual(await Promise.all(['db1', 'db1', 'db2'].map(port)), [22, 22, 2]);
      assert.equal(count(), 3);
      writeFileSync(join(dirname(file), 'more'), 'Port 99\n');
      utimesSync(join(dirname(file), 'more'), 1, 1);
      assert.equal(await port('db1'), 99);
      assert.equal(count(), 5);
    });
  });

  test('a file that ssh does not take is refused in its words', async () => {
    const file = written({ config: 'Host db1\n  Prot 22\n' });
    await assert.rejects(reached(file, 'db1'), (cause: Error) => {
      assert.ok(cause instanceof UsageError);
      assert.match(
        cause.message,
        /ssh does not take its configuration for db1: .*line 2: Bad configuration option: prot/,
      );
      return true;
    });
  });

  test('where the inventory or a flag says how to get there, the command is not needed', async () => {
    const file = written({ config: 'Host db1\n  ProxyCommand nc %h %p\n' });
    for (const [jump, jumps] of [
      ['none', 0],
      ['gate', 1],
    ] as const) {
      const target = await reached(file, 'db1', { jump });
      assert.equal(target.jumps.length, jumps);
      assert.equal(target.command, undefined);
    }
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
    const { keys, onlyKeys } = await reached(config, 'db1');
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
