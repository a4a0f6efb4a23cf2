import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rulesFor } from '../../roles/index.ts';
import { ufw } from '../../roles/ufw/ufw.ts';
import { workOn } from '../../src/engine/host-work.ts';
import { Interrupt } from '../../src/engine/interrupt.ts';
import { Journal } from '../../src/engine/journal.ts';
import { Recorder } from '../../src/engine/record.ts';
import { Session } from '../../src/engine/session.ts';
import { Refused, UsageError } from '../../src/errors.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import type { FirewallWant } from '../../src/steps/firewall.ts';
import { type Kind, step } from '../../src/steps/step.ts';
import { findJumpHosts, type Lookup } from '../../src/transport/jump-hosts.ts';
import type { Machine } from '../../src/transport/machine.ts';
import { overSsh } from '../../src/transport/ssh.ts';
import { parsedSshConfig } from '../../src/transport/ssh-config.ts';
import { resolveTarget, type SshFlags } from '../../src/transport/target.ts';
import { contextFor, labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-ways-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A name server that knows some names. */
const NAMES: Record<string, string[]> = { localhost: ['127.0.0.1', '::1'], 'bastion.example.com': ['10.1.1.14'] };
const find: Lookup = async (name) => NAMES[name] ?? [];

interface Way {
  /** Of db1. */
  ssh?: string;
  flags?: SshFlags;
  config?: string;
  knownHosts?: string;
}

async function ways({ ssh, flags = {}, config = '', knownHosts = '' }: Way) {
  const cluster: Cluster = {
    ...(ssh ? labCluster(['ssh: {host: 127.0.0.1, port: 3001}', `ssh: {${ssh}}`]) : labCluster()),
    stateDir: mkdtempSync(join(root, 'state-')),
  };
  writeFileSync(join(cluster.stateDir, 'known_hosts'), knownHosts);
  return findJumpHosts(cluster, (host) => resolveTarget(cluster, host, flags, parsedSshConfig(config)), find);
}
const through = 'host: 10.1.1.10, port: 22';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGhhcGc=';

// proxy1 is 10.1.1.14 in the cluster network, and the controller reaches it at 127.0.0.1:3005.
const WRITTEN: [how: string, way: Way, names: string[]][] = [
  ['not at all', {}, []],
  ['as a name of the inventory', { ssh: `${through}, jump: proxy1` }, ['proxy1']],
  ['as an address', { ssh: `${through}, jump: 10.1.1.14` }, ['proxy1']],
  ['as user@address', { ssh: `${through}, jump: "root@10.1.1.14"` }, ['proxy1']],
  ['as the address and port of its way in', { ssh: `${through}, jump: "root@127.0.0.1:3005"` }, ['proxy1']],
  ['as a name that is looked up', { ssh: `${through}, jump: "localhost:3005"` }, ['proxy1']],
  ['as another name that is looked up', { ssh: `${through}, jump: Bastion.Example.COM.` }, ['proxy1']],
  ['as a name that only a jump host can look up', { ssh: `${through}, jump: proxy1.internal` }, ['proxy1']],
  ['as an address of IPv6 in another spelling', { ssh: `${through}, jump: "[::ffff:10.1.1.14]:22"` }, ['proxy1']],
  ['in a chain', { ssh: `${through}, jump: "root@192.0.2.1:22,10.1.1.14,proxy2"` }, ['proxy1', 'proxy2']],
  ['with -J', { flags: { jump: 'root@127.0.0.1:3005' } }, ['proxy1']],
  [
    'in ~/.ssh/config of the target',
    { ssh: through, config: 'Host 10.1.1.10\n  ProxyJump gate\nHost gate\n  HostName 127.0.0.1\n  Port 3005\n' },
    ['proxy1'],
  ],
  [
    'in ~/.ssh/config of a jump host',
    { ssh: `${through}, jump: gate`, config: 'Host gate\n  HostName 192.0.2.1\n  ProxyJump 10.1.1.14\n' },
    ['proxy1'],
  ],
  [
    'as an alias of which nothing but the host key is known',
    {
      ssh: `${through}, jump: "gate.example.net:2222"`,
      knownHosts: `[127.0.0.1]:3005 ${KEY}\n[gate.example.net]:2222 ${KEY}\n`,
    },
    ['proxy1'],
  ],
  ['as a host that is not in the inventory', { ssh: `${through}, jump: "root@192.0.2.1:22"` }, []],
  ['as the port of another host', { ssh: `${through}, jump: "root@127.0.0.1:2999"` }, []],
];
for (const [how, way, names] of WRITTEN)
  test(`a jump host that is written ${how}: ${names.join(', ') || 'none of ours'}`, async () => {
    const found = await ways(way);
    assert.deepEqual([...found.keys()].sort(), names);
    for (const name of names) assert.ok(found.get(name)!.flat().length > 0, 'with those behind it');
  });

test('hosts behind a way are told apart by their chains, and the way itself is not behind itself', async () => {
  const cluster = labCluster(
    [
      'db1:    {address: 10.1.1.10, ssh: {host: 127.0.0.1, port: 3001}',
      `db1:    {address: 10.1.1.10, ssh: {${through}, jump: proxy1}`,
    ],
    [
      'db2:    {address: 10.1.1.11, ssh: {host: 127.0.0.1, port: 3002}',
      `db2:    {address: 10.1.1.11, ssh: {${through.replace('10.1.1.10', '10.1.1.11')}, jump: proxy1}`,
    ],
    [
      'db3:    {address: 10.1.1.12, ssh: {host: 127.0.0.1, port: 3003}',
      `db3:    {address: 10.1.1.12, ssh: {${through.replace('10.1.1.10', '10.1.1.12')}, jump: "proxy2,proxy1"}`,
    ],
  );
  const found = await findJumpHosts(cluster, (host) => resolveTarget(cluster, host, {}, parsedSshConfig('')), find);
  const names = (way: string) => found.get(way)!.map((chain) => chain.map(({ name }) => name));
  assert.deepEqual(names('proxy1'), [['db1', 'db2'], ['db3']]);
  assert.deepEqual(names('proxy2'), [['db3']]);
});

test('with -J to a host of the inventory that host itself is reached directly', async () => {
  const cluster = labCluster();
  const proxy = cluster.hosts.find(({ name }) => name === 'proxy1')!;
  for (const jump of ['proxy1', 'root@127.0.0.1:3005'])
    assert.deepEqual((await resolveTarget(cluster, proxy, { jump }, parsedSshConfig(''))).jumps, []);
});

test('jump hosts in a circle are bad usage, not a bug', async () => {
  const cluster = labCluster();
  const config = parsedSshConfig('Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n');
  const host = { ...cluster.hosts[0]!, ssh: { host: 'a' } };
  await assert.rejects(resolveTarget(cluster, host, {}, config), UsageError);
});

test('where only some networks may log in, a jump host of the inventory may as well', async () => {
  const cluster = labCluster(['hosts:', 'ufw: {ssh_from: [198.51.100.0/24]}\nhosts:']);
  const context = await contextFor(cluster);
  const db1 = cluster.hosts.find(({ name }) => name === 'db1')!;
  const from = (seen: typeof context) =>
    (ufw(db1, seen, rulesFor)[0]!.want as FirewallWant).rules
      .filter(({ purpose }) => purpose === 'ssh')
      .map((rule) => rule.from);
  assert.deepEqual(from(context), ['198.51.100.0/24']);
  assert.deepEqual(from({ ...context, jumpHosts: new Set(['proxy1']) }), ['198.51.100.0/24', '10.1.1.14']);
});

/** A session whose logins are made here: `reach` says whether a host can be logged in to now. */
class Rehearsal extends Session {
  readonly logins: string[] = [];
  reach: (host: Host) => boolean = () => true;

  constructor(cluster: Cluster, jump: string, opened: string[]) {
    super(
      cluster,
      {
        network: overSsh({ flags: { jump }, credentials: {} }),
        forks: 5,
        emit: () => undefined,
        run: 'test',
        secrets: () => [],
      },
      new Map(opened.map((name) => [name, { isOpen: true } as Machine])),
    );
  }

  protected override async logIn(host: Host): Promise<void> {
    this.logins.push(host.name);
    if (!this.reach(host)) throw new Error(`channel open failure for ${host.name}`);
  }
}
const rehearsal = (opened: string[]) =>
  new Rehearsal({ ...labCluster(), stateDir: join(root, 'rehearsal') }, 'proxy1', opened);
const hostOf = (session: Session, name: string) => session.cluster.hosts.find((one) => one.name === name)!;

test('some of those behind a way are its witnesses: who is connected, else who can be reached before the change', async () => {
  const open = rehearsal(['proxy1', 'db2', 'client']);
  const proxy = hostOf(open, 'proxy1');
  assert.deepEqual(
    (await open.witnesses(proxy)).map((chain) => chain.map(({ name }) => name)),
    [['db2', 'client']],
  );
  assert.deepEqual(open.logins, [], 'nobody logs in again for that');
  const alone = rehearsal(['proxy1']);
  alone.reach = ({ name }) => name === 'db2';
  assert.deepEqual(
    (await alone.witnesses(hostOf(alone, 'proxy1'))).map((chain) => chain.map(({ name }) => name)),
    [['db2']],
  );
  alone.reach = () => false;
  assert.deepEqual(await alone.witnesses(hostOf(alone, 'proxy1')), [], 'who was out of reach before proves nothing');
  assert.deepEqual(await open.witnesses(hostOf(open, 'db1')), [], 'nobody is behind a host that is no way');
});

test('a proof of a login covers those behind: one of them is enough, after a moment too, and none is a failure that names them', async () => {
  const session = rehearsal(['proxy1', 'db1', 'db2']);
  const proxy = hostOf(session, 'proxy1');
  const witnesses = await session.witnesses(proxy);
  session.reach = ({ name }) => name !== 'db1';
  await session.proveLogin(proxy, witnesses);
  assert.deepEqual(new Set(session.logins), new Set(['proxy1', 'db1', 'db2']));
  session.reach = ({ name }) => name === 'proxy1';
  await assert.rejects(session.proveLogin(proxy, witnesses, 10), /db1, db2 behind it: channel open failure for db[12]/);
});

test('a host that others are reached through is not denied to be a jump host', async () => {
  const cluster = labCluster(['proxy1: {', 'proxy1: {jump_host: false, ']);
  await assert.rejects(new Rehearsal(cluster, 'proxy1', []).jumpHosts(), (error) => {
    assert.ok(error instanceof Refused);
    assert.match(error.message, /proxy1: jump_host is false, and .* is reached through it/);
    return true;
  });
});

/** A step that writes down what is done to it. */
const noted = (log: string[]): Kind<string, null> => ({
  name: 'noted',
  probe: () => '',
  parse: (_answer, steps) => new Map(steps.map((one) => [one.id, null])),
  diff: () => undefined,
  change: async ({ want }) => void log.push(want),
  undo: () => ':',
});

test('an undo is armed behind everything that is not guarded, and called off only behind the proof of all logins', async () => {
  const log: string[] = [];
  const kind = noted(log);
  const cluster = { ...labCluster(), stateDir: join(root, 'work') };
  const host = cluster.hosts.find(({ name }) => name === 'proxy1')!;
  for (const fails of [false, true]) {
    log.length = 0;
    const session = {
      cluster,
      interrupt: new Interrupt(),
      options: { emit: () => undefined, run: 'test', forks: 3, secrets: () => [] },
      witnesses: async () => {
        log.push('who is behind');
        return [[cluster.hosts[0]]];
      },
      proveLogin: async (_host: Host, witnesses: Host[][]) => {
        log.push(`prove ${witnesses.length}`);
        if (fails) throw new Error('db1 behind it: no');
      },
      remote: () => ({
        host,
        run: async (script: string) => {
          if (script.includes('OnActiveSec')) log.push('arm');
          else if (script.includes('disable --now hapg-undo-guard')) log.push('call off');
          return '';
        },
        doing: () => undefined,
      }),
      ask: async (_host: Host, script: string) => ({
        code: 0,
        output: [...script.matchAll(/^printf '\\n%s\\n' '([0-9a-f]+) (\S+) begin'$/gm)]
          .map(
            ([, nonce, name]) =>
              `\n${nonce} ${name} begin\n${name === 'facts' ? 'id=debian\nmemory=1' : ''}\n${nonce} ${name} end\n`,
          )
          .join(''),
      }),
    } as unknown as Session;
    const steps = [step(kind, 'hardening', 'a', 'guarded', { guarded: true }), step(kind, 'hardening', 'b', 'plain')];
    const done = workOn(
      {
        host,
        stage: 'x',
        steps,
        changed: steps.map((one) => ({
          step: one,
          state: null,
          difference: { action: 'update' as const, summary: '' },
        })),
        handlers: [],
        pending: [],
        planned: () => undefined,
      },
      { session, recorder: new Recorder(() => undefined, Journal.open(cluster, 'test')) },
    );
    if (fails)
      await assert.rejects(done, /a new login no longer succeeds \(db1 behind it: no\); everything is put back/);
    else await done;
    assert.deepEqual(log, ['plain', 'who is behind', 'arm', 'guarded', 'prove 1', ...(fails ? [] : ['call off'])]);
  }
});
