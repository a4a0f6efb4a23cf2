import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { rulesFor } from '../../../roles/index.ts';
import { isClosedByUfw } from '../../../src/doctor/firewalls.ts';
import {
  type Call,
  callScript,
  hangUpScript,
  listenScript,
  readCalls,
  readListener,
} from '../../../src/doctor/reach-script.ts';
import { type Way, waysOf } from '../../../src/doctor/ways.ts';
import { callFor, judgeWays } from '../../../src/doctor/ways-check.ts';
import type { Cluster } from '../../../src/inventory/model.ts';
import { labCluster } from '../model.ts';

const lab = labCluster();
const ways = (cluster: Cluster) => waysOf(cluster, (host) => rulesFor(host, cluster, []));
const named = (list: readonly Way[]) =>
  list.map(({ from, to, address, port, protocol }) => `${from.name} → ${to?.name ?? address} ${port || protocol}`);

test('the connections are those of the firewall between hosts, in both directions, and no client network', () => {
  const all = named(ways(lab));
  for (const one of [
    'db2 → db1 5432',
    'db1 → db2 5432',
    'proxy1 → db3 8008',
    'db3 → db1 2380',
    'backup → db1 8432',
    'db1 → backup 8432',
    'client → proxy2 5000',
    'proxy1 → proxy2 vrrp',
    'proxy2 → proxy1 vrrp',
  ])
    assert.ok(all.includes(one), one);
  assert.ok(!all.some((one) => one.endsWith(' 22')));
  assert.equal(new Set(all).size, all.length);
});

test('services of others are connections too: an external DCS and S3', () => {
  const cluster = labCluster(
    ...[1, 2, 3].map((): [string, string] => ['roles: [etcd, patroni]', 'roles: [patroni]']),
    ['cluster: pglab\n', 'cluster: pglab\ndcs: {kind: etcd, external: ["etcd.test:2379", "[2001:db8::5]:2379"]}\n'],
    [
      'pgbackrest:\n',
      'pgbackrest:\n  repositories: [{kind: s3, bucket: backups, endpoint: s3.test, region: r, port: 9000}]\n',
    ],
  );
  const all = named(ways(cluster));
  for (const one of ['db1 → etcd.test 2379', 'db3 → 2001:db8::5 2379', 'backup → s3.test 9000'])
    assert.ok(all.includes(one), `${one} of ${all.join()}`);
});

/** A shell that lives on, as the root shell of a host does: runs a script, and ends. */
function hostShell() {
  const shell = spawn('sh', { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  shell.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  return {
    async run(script: string): Promise<string> {
      shell.stdin.write(`(\n${script}\n) 2>&1 </dev/null; echo "the end"\n`);
      while (!out.includes('the end')) await new Promise((later) => setTimeout(later, 10));
      return out;
    },
    end: () =>
      new Promise((ended) => {
        shell.once('exit', ended);
        shell.stdin.end();
      }),
  };
}

/** Free ports of this machine. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((listening) => server.once('listening', listening))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

const sh = (script: string) => execFileSync('sh', ['-c', `${script} 2>&1`], { encoding: 'utf8' });

test('a caller tells what works from what is refused, from another run, and from names that nobody has', async () => {
  const stranger = createServer((socket) => socket.end('SSH-2.0-other\r\n')).listen(0, '127.0.0.1');
  await new Promise((listening) => stranger.once('listening', listening));
  const taken = (stranger.address() as AddressInfo).port;
  const [port] = (await freePorts(1)) as [number];
  const shell = hostShell();
  try {
    const { listens } = readListener(await shell.run(listenScript('beef', 20, '127.0.0.1', false, [port, taken])));
    assert.deepEqual([...listens], [port]);
    const calls: Call[] = [
      { address: '127.0.0.1', port, kind: 'greeted' },
      { address: '127.0.0.1', port, kind: 'open' },
      { address: '127.0.0.1', port: 1, kind: 'open' },
      { address: 'nobody.invalid', port: 1, kind: 'open' },
    ];
    const ends = readCalls(sh(callScript('beef', 3, calls)), calls);
    assert.deepEqual(ends.slice(0, 3), ['ok', 'ok', 'refused']);
    assert.match(ends[3]!, /^error /);
    // Another run has words of its own.
    assert.deepEqual(readCalls(sh(callScript('0123', 3, calls.slice(0, 1))), calls.slice(0, 1)), ['other']);
  } finally {
    await shell.end();
    stranger.close();
  }
});

const callsTo = (ports: readonly number[]) =>
  ports.map((port): Call => ({ address: '127.0.0.1', port, kind: 'greeted' }));

test('a host listens on many ports at once, and each of them greets', async () => {
  const ports = await freePorts(12);
  const shell = hostShell();
  try {
    const { listens } = readListener(await shell.run(listenScript('beef', 20, '127.0.0.1', false, ports)));
    assert.deepEqual([...listens], ports);
    const calls = callsTo(ports);
    assert.deepEqual(
      readCalls(sh(callScript('beef', 3, calls)), calls),
      ports.map(() => 'ok'),
    );
  } finally {
    await shell.end();
  }
});

test('a listener ends when it is told to, and with the shell of a run that was killed; the next run finds its ports free', async () => {
  const ports = await freePorts(2);
  const calls = callsTo(ports);
  const isOver = async () => {
    for (let tries = 0; tries < 100; tries++) {
      if (readCalls(sh(callScript('beef', 1, calls)), calls).every((end) => end === 'refused')) return true;
      await new Promise((later) => setTimeout(later, 50));
    }
    return false;
  };
  const told = hostShell();
  const { pid } = readListener(await told.run(listenScript('beef', 20, '127.0.0.1', false, ports)));
  sh(hangUpScript(pid!));
  assert.ok(await isOver());
  await told.end();
  const killed = hostShell();
  await killed.run(listenScript('beef', 20, '127.0.0.1', false, ports));
  await killed.end();
  assert.ok(await isOver());
  const before = hostShell();
  await before.run(listenScript('beef', 20, '127.0.0.1', false, ports));
  await before.end();
  const after = hostShell();
  const again = readListener(await after.run(listenScript('beef', 20, '127.0.0.1', false, ports)));
  assert.deepEqual([...again.listens], ports);
  // A run that goes on beside it is left alone.
  const beside = hostShell();
  assert.deepEqual(
    [...readListener(await beside.run(listenScript('beef', 20, '127.0.0.1', false, ports))).listens],
    [],
  );
  assert.deepEqual(
    readCalls(sh(callScript('beef', 3, calls)), calls),
    ports.map(() => 'ok'),
  );
  await Promise.all([after.end(), beside.end()]);
});

test('a service that is there already is only connected to; VRRP is called only where it is heard', () => {
  const [tcp, vrrp] = [
    ways(lab).find(({ protocol }) => protocol === 'tcp')!,
    ways(lab).find(({ protocol }) => protocol === 'vrrp')!,
  ];
  assert.equal(callFor(tcp, () => new Set([tcp.port]))!.kind, 'greeted');
  assert.equal(callFor(tcp, () => new Set())!.kind, 'open');
  assert.equal(callFor(vrrp, () => new Set([0]))!.kind, 'vrrp');
  assert.equal(
    callFor(vrrp, () => new Set()),
    undefined,
  );
});

const judged = (end: string | undefined, { opens = false, lives = false } = {}) => {
  const its = ways(lab).filter(({ to, port }) => to?.name === 'db1' && port === 5432);
  return judgeWays(
    its.map((way) => ({ way, end: way.from.name === 'db2' ? 'ok' : end })),
    { opens: () => opens, lives: () => lives },
  ).filter(({ check, host }) => check === 'connections' && host !== '');
};

test('closed connections to one port are one row, which names who cannot come through and what to open', () => {
  const [row, ...more] = judged('silent');
  assert.equal(more.length, 0);
  assert.equal(row!.level, 'failure');
  assert.match(row!.seen, /^10\.1\.1\.10 TCP 5432 \(postgresql\) from db3, proxy1, proxy2 gets no answer$/);
  assert.match(row!.cure!, /^let TCP 5432 to 10\.1\.1\.10 through from 10\.1\.1\.12, /);
  assert.match(judged('stalled')[0]!.cure!, /MTU/);
  assert.match(judged('stranger')[0]!.cure!, /ip neigh/);
  assert.match(judged('error No route to host')[0]!.seen, /fails: No route to host$/);
  assert.equal(judged(undefined)[0]!.level, 'warning');
});

test('what the own firewall of a host closes now is no fault where an apply opens it', () => {
  assert.deepEqual(
    judged('silent', { opens: true }).map(({ level }) => level),
    ['ok'],
  );
  const way = ways(lab).find(({ to, from, port }) => to?.name === 'db1' && from.name === 'db2' && port === 5432)!;
  const rules = 'ufw on\nallows tcp 5432 10.1.1.12\nallows tcp 22 0.0.0.0/0';
  assert.equal(isClosedByUfw(rules, way), true, 'a new host has no rule yet');
  assert.equal(isClosedByUfw(`${rules}\nallows tcp 5432 10.1.1.11`, way), false, 'something else closes it');
  assert.equal(isClosedByUfw('allows tcp 22 any', way), false, 'ufw is off');
});

test('where the cluster lives, a port on which nothing listens is no fault of the network', () => {
  const [row] = judged('refused', { lives: true });
  assert.equal(row!.level, 'warning');
  assert.match(row!.cure!, /hapg status/);
});

test('another run of doctor is told from a stranger', () => {
  assert.equal(judged('other')[0]!.level, 'warning');
});

test('one of several endpoints of a service outside is enough', () => {
  const at = (address: string): Way => ({
    from: lab.hosts[0]!,
    to: undefined,
    address,
    protocol: 'tcp',
    port: 2379,
    purpose: 'etcd',
  });
  const [down, up] = [
    { way: at('a.test'), end: 'silent' },
    { way: at('b.test'), end: 'ok' },
  ];
  const context = { opens: () => false, lives: () => false };
  const levels = (tried: (typeof down)[]) => judgeWays(tried, context).map(({ level }) => level);
  assert.deepEqual(levels([down!, up!]), ['ok', 'warning']);
  assert.deepEqual(levels([down!]), ['failure']);
});
