import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '../support/group.ts';
import { leftovers, type TestLab } from '../support/lab.ts';

/** Ways to log in, and to be refused. */
export function loggingIn(lab: TestLab): void {
  test('a bad inventory ends with 5 before any host is contacted', async () => {
    const bad = lab.variant('bad.yaml', (text) => text.replace('port: 3101', 'prot: 3101'));
    for (const command of ['validate', 'plan', 'apply', 'status']) {
      const { code, stderr } = await lab.hapg([command, '-i', bad]);
      assert.equal(code, 5, command);
      assert.match(stderr, /bad\.yaml:\d+:\d+: error: unknown key "prot" \(did you mean "port"\?\)/);
    }
    assert.equal((await lab.hapg(['apply', '--no-such-flag'])).code, 5);
  });

  test('logins: sudo with and without a password, an encrypted key, the agent', async () => {
    const key = join(lab.directory, '.hapg', lab.cluster, 'lab_ed25519');
    const publicKey = readFileSync(`${key}.pub`, 'utf8').trim();
    const addUser = (name: string, sudoers: string) =>
      lab.on(
        'client',
        `useradd -m -s /bin/sh ${name}; echo '${name}:correct horse battery' | chpasswd; mkdir -p -m 700 /home/${name}/.ssh; echo '${publicKey}' > /home/${name}/.ssh/authorized_keys; chown -R ${name}: /home/${name}/.ssh; echo '${sudoers}' > /etc/sudoers.d/${name}; chmod 440 /etc/sudoers.d/${name}`,
      );
    addUser('free', 'free ALL=(ALL) NOPASSWD: ALL');
    addUser('asked', 'asked ALL=(ALL) ALL');
    const plan = (flags: string[], env: Record<string, string> = {}) =>
      lab.hapg(['plan', '-l', 'client', '-o', 'json', ...flags], env);
    const good = await plan(['-u', 'free']);
    assert.equal(good.code, 0, good.stderr);
    const needs = await plan(['-u', 'asked']);
    assert.equal(needs.code, 4);
    assert.match(needs.stderr, /a password is needed for asked: use -K/);
    const wrong = await plan(['-u', 'asked'], { HAPG_BECOME_PASSWORD: 'not this one at all' });
    assert.equal(wrong.code, 4);
    assert.match(wrong.stderr, /password was not accepted/);
    assert.doesNotMatch(wrong.stderr + wrong.stdout, /not this one at all/);
    const right = await plan(['-u', 'asked'], { HAPG_BECOME_PASSWORD: 'correct horse battery' });
    assert.equal(right.code, 0, right.stderr);

    const encrypted = join(lab.directory, 'encrypted');
    copyFileSync(key, encrypted);
    chmodSync(encrypted, 0o600);
    assert.equal(spawnSync('ssh-keygen', ['-q', '-p', '-N', 'a long passphrase', '-f', encrypted]).status, 0);
    const open = await plan(['--private-key', encrypted], { HAPG_KEY_PASSPHRASE: 'a long passphrase' });
    assert.equal(open.code, 0, open.stderr);
    const closed = await plan(['--private-key', encrypted]);
    assert.equal(closed.code, 4);

    const noKey = lab.variant('agent.yaml', (text) => text.replace(/^ {2}key: .*\n/m, ''));
    const agent = spawnSync('ssh-agent', ['-s'], { encoding: 'utf8' }).stdout;
    const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(agent)![1]!;
    try {
      const without = await lab.hapg(['plan', '-l', 'client', '-i', noKey], { HOME: lab.directory });
      assert.equal(without.code, 4, 'no key and no agent');
      assert.equal(spawnSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status, 0);
      const reached = await lab.hapg(['plan', '-l', 'client', '-i', noKey], {
        HOME: lab.directory,
        SSH_AUTH_SOCK: socket,
      });
      assert.equal(reached.code, 0, reached.stderr);
    } finally {
      spawnSync('kill', [/SSH_AGENT_PID=(\d+)/.exec(agent)![1]!]);
    }
  });

  test('jump hosts are hardened however they are written, and who is behind them stays in reach', async () => {
    const known = join(lab.directory, '.hapg', lab.cluster, 'known_hosts');
    const alsoKnown = (port: number, name: string) => {
      const text = readFileSync(known, 'utf8');
      const line = text.split('\n').find((one) => one.startsWith(`[127.0.0.1]:${port} `))!;
      writeFileSync(known, `${text}${line.replace(`[127.0.0.1]:${port}`, name)}\n`);
    };
    alsoKnown(3107, '10.9.1.16');
    alsoKnown(3105, '10.9.1.14');
    alsoKnown(3105, '[localhost]:3105');
    const behind = (name: string, jump: string) =>
      lab.variant(`jump-${name}.yaml`, (text) =>
        text.replace(
          /client: .*/,
          `client: {address: 10.9.1.16, ssh: {host: 10.9.1.16, port: 22${jump && `, jump: "${jump}"`}}, roles: [client]}`,
        ),
      );
    const plain = behind('plain', '');
    const home = join(lab.directory, 'home-with-config');
    mkdirSync(join(home, '.ssh'), { recursive: true });
    writeFileSync(
      join(home, '.ssh', 'config'),
      'Host 10.9.1.16\n  ProxyJump gate\nHost gate\n  HostName 127.0.0.1\n  Port 3105\n  User root\n',
    );
    const ways: [how: string, ways: string[], flags: string[], env?: Record<string, string>][] = [
      ['a name', ['proxy1'], ['-i', behind('name', 'proxy1')]],
      ['user@address:port', ['proxy1'], ['-i', behind('address', 'root@127.0.0.1:3105')]],
      ['a name that is looked up', ['proxy1'], ['-i', behind('lookup', 'root@localhost:3105')]],
      ['a chain', ['proxy1', 'proxy2'], ['-i', behind('chain', 'root@127.0.0.1:3106,root@10.9.1.14:22')]],
      ['-J', ['proxy1'], ['-i', plain, '-J', 'root@127.0.0.1:3105']],
      ['~/.ssh/config', ['proxy1'], ['-i', plain], { HOME: home }],
    ];
    const forwarding = (host: string) => lab.on(host, "sshd -T | sed -n 's/^allowtcpforwarding //p'").out;
    for (const [how, hosts, flags, env = {}] of ways) {
      for (const host of ['proxy1', 'proxy2'])
        lab.on(host, 'rm -f /etc/ssh/sshd_config.d/10-hapg.conf; systemctl reload ssh');
      const applied = await lab.hapg(['apply', '--yes', '-l', hosts.join(','), ...flags], env);
      assert.equal(applied.code, 0, `${how}: ${applied.stderr}${applied.stdout}`);
      for (const host of hosts) assert.equal(forwarding(host), 'yes', how);
      const reached = await lab.hapg(['plan', '-l', 'client', '-o', 'json', ...flags], env);
      assert.equal(reached.code, 0, `${how}: ${reached.stderr}`);
    }
    // A login by another way removes nothing, until the inventory says that nobody uses this one.
    assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
    assert.equal(forwarding('proxy1'), 'yes');
    const closed = (text: string) => text.replace('proxy1: {', 'proxy1: {jump_host: false, ');
    const denied = lab.variant('jump-denied.yaml', (text) =>
      closed(text).replace(
        /client: .*/,
        'client: {address: 10.9.1.16, ssh: {port: 22, jump: proxy1}, roles: [client]}',
      ),
    );
    const refused = await lab.hapg(['apply', '--yes', '-i', denied]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /proxy1: jump_host is false, and client is reached through it/);
    const shut = await lab.hapg(['apply', '--yes', '-l', 'proxy1', '-i', lab.variant('jump-closed.yaml', closed)]);
    assert.equal(shut.code, 0, shut.stderr);
    assert.equal(forwarding('proxy1'), 'no');
    const back = await lab.hapg(['apply', '--yes']);
    assert.equal(back.code, 0, back.stderr);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('a certificate logs in, by the ssh program, and node-ssh says that it cannot use it', async () => {
    const key = join(lab.directory, 'certified');
    const authority = join(lab.directory, 'authority');
    const keygen = (...args: string[]) => assert.equal(spawnSync('ssh-keygen', ['-q', ...args]).status, 0);
    for (const file of [key, authority]) keygen('-t', 'ed25519', '-N', '', '-f', file);
    const trusted = readFileSync(`${authority}.pub`, 'utf8').trim();
    lab.on(
      'client',
      `echo '${trusted}' > /etc/ssh/authority.pub; echo 'TrustedUserCAKeys /etc/ssh/authority.pub' > /etc/ssh/sshd_config.d/01-authority.conf; systemctl reload ssh`,
    );
    const plan = (...flags: string[]) =>
      lab.hapg(['plan', '-l', 'client', '-o', 'json', '--private-key', key, ...flags]);
    assert.equal((await plan()).code, 4, 'the key alone is let in by nobody');
    keygen('-s', authority, '-I', 'lab', '-n', 'root', `${key}.pub`);
    const certified = await plan();
    assert.equal(certified.code, 0, certified.stderr);
    const refused = await plan('-e', 'ssh.transport=node-ssh');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /node-ssh cannot use the certificate .*certified-cert\.pub; .*openssh/);
    lab.on('client', 'rm /etc/ssh/sshd_config.d/01-authority.conf /etc/ssh/authority.pub; systemctl reload ssh');
  });

  test('by the ssh program everything is as by hapg itself', async () => {
    const openssh = ['-e', 'ssh.transport=openssh'];
    const plan = await lab.hapg(['plan', '--detailed-exitcode', ...openssh]);
    assert.equal(plan.code, 0, plan.stdout + plan.stderr);
    const edited = lab.on('client', "echo '# edited' >> /etc/profile.d/60-hapg.sh");
    assert.equal(edited.code, 0);
    const applied = await lab.hapg(['apply', '--yes', '-l', 'client', ...openssh]);
    assert.equal(applied.code, 0, applied.stderr);
    assert.equal((await lab.hapg(['plan', '--detailed-exitcode'])).code, 0);
    assert.deepEqual(leftovers(lab), {});
  });

  for (const transport of ['node-ssh', 'openssh'])
    test(`what a host says when it ends a login is the message, exit 4 (${transport})`, async () => {
      const publicKey = readFileSync(join(lab.directory, '.hapg', lab.cluster, 'lab_ed25519.pub'), 'utf8').trim();
      const user = `turned-${transport}`;
      lab.on(
        'client',
        `useradd -m -s /bin/sh ${user}; echo '${user}:correct horse battery' | chpasswd; mkdir -p -m 700 /home/${user}/.ssh; chown ${user}: /home/${user}/.ssh; echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user}`,
      );
      const authorize = (options: string) =>
        lab.on(
          'client',
          `printf '%s\n' '${options} ${publicKey}' > /home/${user}/.ssh/authorized_keys; chown ${user}: /home/${user}/.ssh/authorized_keys`,
        );
      const refused = async (says: RegExp) => {
        const { code, stderr } = await lab.hapg([
          'plan',
          '-l',
          'client',
          '-u',
          user,
          '-e',
          `ssh.transport=${transport}`,
        ]);
        assert.equal(code, 4, stderr);
        assert.match(stderr, says);
      };
      authorize('command="echo This account runs backups only; exit 1"');
      await refused(/client: unreachable: .*This account runs backups only/);
      authorize('');
      lab.on('client', "echo 'Maintenance until noon' > /etc/nologin");
      await refused(/client: unreachable: .*Maintenance until noon/);
      lab.on('client', 'rm /etc/nologin');
      lab.on('client', `chage -d 0 ${user}`);
      await refused(/client: unreachable: .*password/i);
      lab.on('client', `chage -d 1 -M -1 ${user}; usermod -s /usr/sbin/nologin ${user}`);
      await refused(/client: unreachable: .*This account is currently not available/);
      lab.on('client', `userdel -r ${user}; rm -f /etc/sudoers.d/${user}`);
    });

  test('hapg ssh and hapg psql get in the way hapg does, and end as the program does', async () => {
    const there = await lab.hapg(['ssh', '-i', lab.inventory, 'db2', '--', 'hostname; exit 7']);
    assert.deepEqual([there.stdout.trim(), there.code], ['db2', 7], there.stderr);
    const asked = await lab.hapg(['psql', '-i', lab.inventory, '--', '-XAtc', 'select pg_is_in_recovery()']);
    assert.deepEqual([asked.stdout.trim(), asked.code], ['f', 0], asked.stderr);
    const leader = (await lab.status()).status.members.find((member) => member.role === 'leader')!.name;
    const replica = ['db1', 'db2', 'db3'].find((name) => name !== leader)!;
    assert.equal(
      (
        await lab.hapg([
          'psql',
          '-i',
          lab.inventory,
          '--host',
          replica,
          '--',
          '-XAtc',
          "select 'it''s' || pg_is_in_recovery()",
        ])
      ).stdout.trim(),
      "it'strue",
    );
    assert.equal((await lab.hapg(['ssh', 'nobody'])).code, 5);
  });

  test('a changed host key is refused with exit 4, and nothing is run', async () => {
    const known = join(lab.directory, '.hapg', lab.cluster, 'known_hosts');
    const good = readFileSync(known, 'utf8');
    const other = good
      .split('\n')
      .find((line) => line.startsWith('[127.0.0.1]:3102 '))!
      .split(' ')[2]!;
    writeFileSync(known, good.replace(/^(\[127\.0\.0\.1\]:3101 \S+) \S+$/m, `$1 ${other}`));
    const { code, stderr } = await lab.hapg(['apply', '--yes']);
    assert.equal(code, 4);
    assert.match(stderr, /db1: .*its host key is ssh-ed25519 SHA256:.*has another one/);
    writeFileSync(
      known,
      good
        .split('\n')
        .filter((line) => !line.startsWith('[127.0.0.1]:3101 '))
        .join('\n'),
    );
    const unknown = await lab.hapg(['plan', '-l', 'db1']);
    assert.equal(unknown.code, 4);
    assert.match(unknown.stderr, /is not known.*hapg trust/);
    const trusted = await lab.hapg(['trust', '-l', 'db1', '--yes']);
    assert.equal(trusted.code, 0, trusted.stderr);
    assert.equal((await lab.hapg(['plan', '-l', 'db1'])).code, 0);
  });
}
