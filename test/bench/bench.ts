import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { apply } from '../../playbooks/apply.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { settleAll } from '../../src/engine/pool.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { Session } from '../../src/engine/session.ts';
import { assumedContext } from '../../src/engine/survey.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { type Cluster, ROLE_NAMES } from '../../src/inventory/model.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { file } from '../../src/steps/file.ts';
import { delayProxy } from '../support/delay-proxy.ts';

/**
 * Measures, never judges by the clock alone:
 * - a no-op apply of a lab that is up, beside the floor: parallel OpenSSH clients, each running the very probe script;
 * - growth with the number of steps (the time of one host's probe with 10, 100 and 1,000 file steps);
 * - growth with the number of hosts: sshd processes on loopback, 1 to 200 of them, with the controller's memory.
 */
const { values } = parseArgs({
  options: {
    inventory: { type: 'string', short: 'i', default: 'inventory/lab.yaml' },
    runs: { type: 'string', default: '7' },
    only: { type: 'string' },
  },
});
const RUNS = Number(values.runs);
const BIN = resolve('dist/hapg.js');

const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;
const ms = (value: number) => `${Math.round(value)} ms`;
const want = (part: string) => !values.only || values.only === part;

interface Timed {
  ms: number;
  code: number | null;
  /** Peak resident memory, in MiB. */
  mib: number;
  /** The controller's own processor time. */
  cpuMs: number;
  out: string;
}

function run(program: string, args: string[], input = ''): Promise<Timed> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  let out = '';
  let mib = 0;
  let cpuMs = 0;
  const sample = setInterval(() => {
    try {
      mib = Math.max(
        mib,
        Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
      );
      // proc(5): utime and stime, in ticks of 10 ms, behind the name in brackets.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
    } catch {
      // It has ended between two looks.
    }
  }, 20);
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((done) =>
    child.on('close', (code) => {
      clearInterval(sample);
      done({ ms: performance.now() - started, code, mib, cpuMs, out });
    }),
  );
}

/** The probe scripts that a no-op apply of this inventory sends, by host. */
async function probeScripts(cluster: Cluster): Promise<Map<string, string>> {
  const secrets = (await SecretStore.read(cluster))!;
  const context = assumedContext(cluster, secrets);
  const scope = { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) };
  return new Map(
    cluster.hosts.map((host) => [
      host.name,
      probeScript(
        cluster,
        host,
        allSteps(apply, host, context, scope).flatMap(({ steps }) => steps),
        'BENCH',
      ),
    ]),
  );
}

async function noop(): Promise<void> {
  const { cluster } = loadInventory(values.inventory);
  const scripts = await probeScripts(cluster);
  const key = resolve(values.inventory, '..', cluster.settings.ssh.key ?? '');
  const known = join(cluster.stateDir, 'known_hosts');
  const floor = () =>
    Promise.all(
      cluster.hosts.map((host) =>
        run(
          'ssh',
          [
            '-i',
            key,
            '-o',
            `UserKnownHostsFile=${known}`,
            '-o',
            'BatchMode=yes',
            '-p',
            String(host.ssh.port),
            `root@${host.ssh.host}`,
            '/bin/sh',
          ],
          scripts.get(host.name)!,
        ),
      ),
    );
  const floors: number[] = [];
  const ours: number[] = [];
  const status: number[] = [];
  for (let round = 0; round < RUNS; round++) {
    const started = performance.now();
    const answers = await floor();
    floors.push(performance.now() - started);
    const bad = answers.find((answer) => answer.code !== 0 || !answer.out.includes('BENCH'));
    if (bad) throw new Error(`the floor did not run: ${bad.code} ${bad.out.slice(0, 200)}`);
    const applied = await run(process.execPath, [BIN, 'apply', '-i', values.inventory, '--yes', '-o', 'json']);
    if (applied.code !== 0 || (JSON.parse(applied.out) as { changes: unknown[] }).changes.length > 0)
      throw new Error('apply was no no-op: run it once before the bench');
    ours.push(applied.ms);
    status.push((await run(process.execPath, [BIN, 'status', '-i', values.inventory])).ms);
  }
  console.log(
    `no-op apply, ${cluster.hosts.length} hosts    ${ms(median(ours))}   (floor: parallel OpenSSH with the same probes ${ms(median(floors))}; ratio ${(median(ours) / median(floors)).toFixed(2)})`,
  );
  console.log(`status, ${cluster.hosts.length} hosts         ${ms(median(status))}`);
}

/** sshd processes of our own on loopback, each with its own port; killed at the end. */
function sshds(directory: string, count: number): { children: ChildProcess[]; firstPort: number } {
  const firstPort = 20_000 + Math.floor(Math.random() * 20_000);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'host')]);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, 'user')]);
  mkdirSync('/run/sshd', { recursive: true });
  const log = openSync(join(directory, 'sshd.log'), 'a');
  const children = Array.from({ length: count }, (_, index) =>
    spawn(
      '/usr/sbin/sshd',
      [
        '-D',
        '-e',
        '-f',
        '/dev/null',
        '-p',
        String(firstPort + index),
        '-h',
        join(directory, 'host'),
        '-o',
        `AuthorizedKeysFile=${join(directory, 'user.pub')}`,
        '-o',
        'StrictModes=no',
        '-o',
        'ListenAddress=127.0.0.1',
        '-o',
        `PidFile=none`,
        '-o',
        'MaxStartups=300',
      ],
      { stdio: ['ignore', log, log] },
    ),
  );
  return { children, firstPort };
}

/** An inventory of `count` loopback hosts, all of one role that asks little. */
function loopback(directory: string, count: number, firstPort: number): string {
  const host = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const state = join(directory, '.hapg', 'bench');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(state, 'known_hosts'),
    Array.from({ length: count }, (_, index) => `[127.0.0.1]:${firstPort + index} ${host}\n`).join(''),
  );
  const lines = Array.from({ length: count + 1 }, (_, index) => {
    // The model wants a database host; it is not asked.
    const role = index === count ? 'etcd, patroni' : 'client';
    return `  h${index}: {address: 10.77.${Math.floor(index / 250)}.${(index % 250) + 1}, ssh: {host: 127.0.0.1, port: ${firstPort + index}}, roles: [${role}]}`;
  });
  const inventory = join(directory, `hosts-${count}.yaml`);
  writeFileSync(
    inventory,
    `cluster: bench\nssh: {user: ${userInfo().username}, key: ./user}\nhardening: false\nufw: false\npostgres: {databases: [{name: app, owner: app}], users: [{name: app}]}\nhosts:\n${lines.join('\n')}\n`,
  );
  return inventory;
}

/** Parallel OpenSSH clients, each running what hapg's shell runs at least: `forks` at once. */
async function openssh(directory: string, firstPort: number, count: number, forks: number): Promise<number> {
  const started = performance.now();
  await settleAll(
    Array.from({ length: count }, (_, index) => index),
    forks,
    (index) =>
      run('ssh', [
        ...['-F', '/dev/null', '-i', join(directory, 'user'), '-p', String(firstPort + index)],
        ...['-o', `UserKnownHostsFile=${join(directory, '.hapg', 'bench', 'known_hosts')}`, '-o', 'BatchMode=yes'],
        ...[`${userInfo().username}@127.0.0.1`, 'true'],
      ]),
  );
  return performance.now() - started;
}

/**
 * One dead, one slow and one host with another key among 200: how long the others take, and what is said of the three.
 * The dead one takes the connection and never says a word; the slow one answers each packet a second later.
 */
async function badHosts(directory: string, firstPort: number): Promise<void> {
  const inventory = loopback(directory, 200, firstPort);
  const silent = createServer(() => undefined);
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  const slow = await delayProxy('127.0.0.1', firstPort + 1, 1000);
  const known = join(directory, '.hapg', 'bench', 'known_hosts');
  const key = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const wrong = readFileSync(join(directory, 'user.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const silentPort = (silent.address() as { port: number }).port;
  const spoilt = readFileSync(inventory, 'utf8')
    .replace(`port: ${firstPort}}`, `port: ${silentPort}}`)
    .replace(`port: ${firstPort + 1}}`, `port: ${slow.port}}`);
  writeFileSync(inventory, spoilt);
  writeFileSync(
    known,
    `${readFileSync(known, 'utf8').replace(`[127.0.0.1]:${firstPort + 2} ${key}`, `[127.0.0.1]:${firstPort + 2} ${wrong}`)}[127.0.0.1]:${silentPort} ${key}\n[127.0.0.1]:${slow.port} ${key}\n`,
  );
  try {
    const { cluster } = loadInventory(inventory);
    const session = new Session(cluster, {
      flags: {},
      credentials: {},
      forks: 200,
      emit: () => undefined,
      run: 'bench',
      secrets: () => [],
    });
    const started = performance.now();
    const all = cluster.hosts.slice(0, 200);
    const took = new Map<string, number>();
    const answers = await settleAll(all, 200, async (host) => {
      try {
        await session.open(host);
        await session.ask(host, 'true');
      } finally {
        took.set(host.name, performance.now() - started);
      }
    });
    session.close();
    const others = all.slice(3).map((host) => took.get(host.name)!);
    console.log(
      `one dead, one slow, one wrong key of 200: the other 197 are through after ${ms(Math.max(...others))} (median ${ms(median(others))})`,
    );
    for (const [index, what] of ['dead', 'slow', 'wrong key'].entries()) {
      const answer = answers[index]!;
      const says = answer.status === 'fulfilled' ? 'answered' : (answer.reason as Error).message;
      console.log(`  ${what.padEnd(10)} ${ms(took.get(`h${index}`)!).padStart(8)}   ${says.slice(0, 150)}`);
    }
    if (answers.slice(3).some((one) => one.status === 'rejected')) throw new Error('a good host was not reached');
  } finally {
    silent.close();
    slow.close();
  }
}

async function hosts(): Promise<void> {
  if (!existsSync('/usr/sbin/sshd'))
    return console.log(
      'growth with hosts: skipped: install openssh-server to measure it (its sshd is started 200 times on loopback)',
    );
  const directory = mkdtempSync(join(tmpdir(), 'hapg-bench-'));
  const { children, firstPort } = sshds(directory, 200);
  try {
    await new Promise((done) => setTimeout(done, 3000));
    for (const count of [1, 10, 50, 200]) {
      const inventory = loopback(directory, count, firstPort);
      // Facts of the first run are remembered; the second is the usual case. Hosts that are no database hosts only.
      const args = ['plan', '-i', inventory, '-l', 'client', '-o', 'json'];
      await run(process.execPath, [BIN, ...args]);
      const timed = [];
      for (let round = 0; round < 3; round++) timed.push(await run(process.execPath, [BIN, ...args]));
      if (timed.some((one) => one.code !== 0)) throw new Error(`plan of ${count} loopback hosts failed`);
      console.log(
        `plan, ${String(count).padStart(3)} loopback hosts  ${ms(median(timed.map((one) => one.ms))).padStart(8)}   controller ${ms(median(timed.map((one) => one.cpuMs)))} of processor time, ${Math.round(median(timed.map((one) => one.mib)))} MiB`,
      );
      if (count === 200) {
        for (const forks of [20, 50])
          console.log(
            `ssh, 200 loopback hosts, ${forks} at once  ${ms(await openssh(directory, firstPort, 200, forks)).padStart(8)}   (OpenSSH clients that log in and run "true")`,
          );
        for (const forks of [10, 50]) {
          const bounded = await run(process.execPath, [BIN, ...args, '-f', String(forks)]);
          console.log(`plan -f ${forks}, 200 loopback hosts  ${ms(bounded.ms).padStart(8)}`);
        }
      }
    }
    await badHosts(directory, firstPort);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

function steps(): void {
  const { cluster } = loadInventory(values.inventory);
  const host = cluster.hosts.at(-1)!;
  const times: [number, number][] = [];
  for (const count of [10, 100, 1000]) {
    const list = Array.from({ length: count }, (_, index) =>
      file('client', `/etc/hapg-bench/file-${index}`, `content ${index}\n`),
    );
    const took: number[] = [];
    for (let round = 0; round < RUNS; round++) {
      const started = performance.now();
      const kind = list[0]!.kind;
      const answer = execFileSync('sh', { input: kind.probe(list) }).toString();
      const states = kind.parse(answer, list);
      for (const one of list) kind.diff(one, states.get(one.id)!);
      took.push(performance.now() - started);
    }
    times.push([count, median(took)]);
    console.log(`probe and diff, ${String(count).padStart(4)} file steps on ${host.name}  ${ms(median(took))}`);
  }
  const [[few, fast], , [many, slow]] = times as [[number, number], [number, number], [number, number]];
  console.log(`growth: ${((slow - fast) / (many - few)).toFixed(3)} ms a step`);
}

if (want('steps')) steps();
if (want('hosts')) await hosts();
if (want('noop')) await noop();
