import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { Unreachable } from '../../../src/errors.ts';
import { loadInventory } from '../../../src/inventory/load.ts';
import { Secret } from '../../../src/secret.ts';
import type { Credentials } from '../../../src/transport/auth.ts';
import type { Machine } from '../../../src/transport/machine.ts';
import { overSsh } from '../../../src/transport/ssh.ts';
import { type FakeHost, type FakeHosts, fakeHosts } from '../../support/fake-hosts.ts';

// ~/.ssh/config of these tests.
const home = mkdtempSync(join(tmpdir(), 'hapg-home-'));
process.env.HOME = home;
after(() => rmSync(home, { recursive: true, force: true }));

/** Gives all following logins this configuration of the SSH client. */
function sshConfig(text: string): void {
  mkdirSync(join(home, '.ssh'), { recursive: true });
  writeFileSync(join(home, '.ssh', 'config'), text);
}

/** A command for ProxyCommand that passes everything on to an address and a port. */
const relay = join(home, 'relay.mjs');
writeFileSync(
  relay,
  `import { connect } from 'node:net';
const socket = connect({ host: process.argv[2], port: Number(process.argv[3]) });
process.stdin.pipe(socket).pipe(process.stdout);
`,
);
const RELAY = `${process.execPath} ${relay} %h %p`;

interface Lab extends FakeHosts {
  dial: (host: string) => Promise<Machine>;
  state: string;
}

for (const transport of ['node-ssh', 'openssh'] as const) {
  /** Fake hosts that are reached by this transport, for the duration of the test. */
  const lab = async (
    context: TestContext,
    hosts: Record<string, FakeHost> = {},
    {
      credentials = {},
      timeoutMs = 5000,
      ...options
    }: Parameters<typeof fakeHosts>[1] & { credentials?: Credentials; timeoutMs?: number } = {},
  ): Promise<Lab> => {
    const fakes = await fakeHosts(hosts, { small: true, ...options });
    const text = readFileSync(fakes.inventory, 'utf8');
    writeFileSync(fakes.inventory, text.replace(/^ {2}user: .*$/m, `$&\n  transport: ${transport}`));
    const { cluster } = loadInventory(fakes.inventory);
    const network = overSsh({ flags: {}, credentials, timeoutMs });
    const machines: Machine[] = [];
    context.after(() => {
      for (const machine of machines) machine.close();
      fakes.close();
      sshConfig('');
    });
    const dial = async (name: string) => {
      const machine = await network.dial(cluster, cluster.hosts.find((host) => host.name === name)!);
      machines.push(machine);
      return machine;
    };
    return { ...fakes, dial, state: cluster.stateDir };
  };
  const said = async (machine: Machine, script: string) =>
    (await machine.run(script, { timeoutMs: 5000 })).output.trim();

  describe(`over ${transport}`, () => {
    test('scripts run one after another, and beside them in a second shell', async (context) => {
      const { dial } = await lab(context, { db1: { answers: { one: 'first', two: 'second' } } });
      const db1 = await dial('db1');
      assert.deepEqual(await Promise.all([said(db1, 'one'), said(db1, 'two')]), ['first', 'second']);
      assert.equal((await db1.beside('two', { timeoutMs: 5000 })).output.trim(), 'second');
      assert.ok(db1.isOpen);
    });

    test('a closed machine runs nothing any more', async (context) => {
      const { dial } = await lab(context);
      const db1 = await dial('db1');
      db1.close();
      assert.equal(db1.isOpen, false);
      await assert.rejects(said(db1, 'one'), /the connection was closed/);
    });

    test('a host that never answers is given up, and reported with its address', async (context) => {
      const { dial } = await lab(context, { db1: { silent: true } }, { timeoutMs: 1000 });
      await assert.rejects(dial('db1'), (cause) => {
        assert.ok(cause instanceof Unreachable);
        assert.match(cause.message, /^db1: unreachable: root@127\.0\.0\.1:\d+: .*no answer within 1 s/);
        return true;
      });
    });

    test('the words of a forced command are the reason, with sudo and without', async (context) => {
      for (const user of ['root', 'backup']) {
        const { dial } = await lab(context, { db1: { forced: 'This account runs backups only' } }, { user });
        await assert.rejects(dial('db1'), /^Unreachable: db1: unreachable: .*This account runs backups only$/);
      }
    });

    test('what a host says before it ends a login is the reason, and it is not tried again', async (context) => {
      const { dial } = await lab(context, { db1: { closes: 'Maintenance until noon' } });
      const began = performance.now();
      await assert.rejects(dial('db1'), /^Unreachable: db1: unreachable: .*Maintenance until noon/);
      assert.ok(performance.now() - began < 4000);
    });

    test('the passphrase of a key is asked for, with the name of its file', async (context) => {
      const asked: string[] = [];
      const passphrase = async (file: string) => {
        asked.push(file);
        return new Secret('long passphrase');
      };
      const { dial, directory } = await lab(
        context,
        { db1: { answers: { one: 'first' } } },
        { passphrase: 'long passphrase', credentials: { passphrase } },
      );
      assert.equal(await said(await dial('db1'), 'one'), 'first');
      assert.deepEqual(asked, [join(directory, 'user')]);
    });

    test('a passphrase that nobody can be asked for is a login that is refused, at once', async (context) => {
      const { dial } = await lab(context, {}, { passphrase: 'long passphrase' });
      await assert.rejects(dial('db1'), /db1: unreachable: .*(login refused|no private key was found)/);
    });

    test('the password of sudo is asked for', async (context) => {
      const becomePassword = async () => new Secret('right');
      const { dial } = await lab(
        context,
        { db1: { sudoPassword: 'right', answers: { one: 'first' } } },
        { user: 'operator', credentials: { becomePassword } },
      );
      assert.equal(await said(await dial('db1'), 'one'), 'first');
    });

    test('a host key that is not known is refused with what to do, and one that changed too', async (context) => {
      const { dial, state } = await lab(context);
      const file = join(state, 'known_hosts');
      const lines = readFileSync(file, 'utf8');
      writeFileSync(file, '');
      await assert.rejects(dial('db1'), /db1: unreachable: .*host key.* known.*hapg trust/);
      const other = lines
        .split('\n')[0]!
        .replace(/AAAA\S+/, 'AAAAC3NzaC1lZDI1NTE5AAAAIGhhcGdoYXBnaGFwZ2hhcGdoYXBnaGFwZ2hhcGdoYXBn');
      writeFileSync(file, `${other}\n`);
      await assert.rejects(
        dial('db1'),
        /db1: unreachable: .*(another one|IDENTIFICATION HAS CHANGED|verification failed)/,
      );
    });

    test('a new host key is stored where the configuration says so (StrictHostKeyChecking accept-new)', async (context) => {
      const { dial, state } = await lab(context);
      const file = join(state, 'known_hosts');
      const [line] = readFileSync(file, 'utf8').split('\n');
      writeFileSync(file, '');
      sshConfig('Host 127.0.0.1\n  StrictHostKeyChecking accept-new\n');
      await dial('db1');
      assert.equal(readFileSync(file, 'utf8').trim(), line);
    });

    test('a command makes the connection (ProxyCommand)', async (context) => {
      const { dial } = await lab(context, { db1: { answers: { one: 'first' } } });
      sshConfig(`Host 127.0.0.1\n  ProxyCommand ${RELAY}\n`);
      assert.equal(await said(await dial('db1'), 'one'), 'first');
    });

    test('the words of a command that fails are the reason', async (context) => {
      const { dial } = await lab(context);
      sshConfig('Host 127.0.0.1\n  ProxyCommand sh -c "echo the tunnel is closed >&2; exit 1"\n');
      await assert.rejects(dial('db1'), /db1: unreachable: .*the tunnel is closed/);
    });

    test('a host whose sshd does not run is reported as such', async (context) => {
      const one = await lab(context);
      const text = readFileSync(one.inventory, 'utf8');
      writeFileSync(one.inventory, text.replace(/port: \d+/, 'port: 1'));
      const { cluster } = loadInventory(one.inventory);
      const network = overSsh({ flags: {}, credentials: {}, timeoutMs: 5000 });
      await assert.rejects(
        network.dial(cluster, cluster.hosts[0]!),
        /db1: unreachable: .*connection refused\. Is sshd running/,
      );
    });
  });
}
