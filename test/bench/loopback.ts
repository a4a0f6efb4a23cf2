import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { settleAll } from '../../src/engine/pool.ts';
import { Session } from '../../src/engine/session.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import { overSsh } from '../../src/transport/ssh.ts';
import type { Transport } from '../../src/transport/target.ts';
import { delayProxy } from '../support/delay-proxy.ts';
import { BIN, median, ms, probeScripts, run } from './measure.ts';

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
        // Whatever this user's shell reads at a login is no part of what is measured.
        '-o',
        `SetEnv=HOME=${directory}`,
      ],
      { stdio: ['ignore', log, log] },
    ),
  );
  return { children, firstPort };
}

/** An inventory of `count` loopback hosts, all of one role that asks little, reached by this transport. */
function loopback(directory: string, count: number, firstPort: number, transport: Transport = 'auto'): string {
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
  const inventory = join(directory, `hosts-${count}-${transport}.yaml`);
  writeFileSync(
    inventory,
    `cluster: bench\nssh: {user: ${userInfo().username}, key: ./user, transport: ${transport}}\nhardening: false\nufw: false\npostgres: {databases: [{name: app, owner: app}], users: [{name: app}]}\nhosts:\n${lines.join('\n')}\n`,
  );
  return inventory;
}

/**
 * Parallel OpenSSH clients, `forks` at once, each with a script for its shell; `hold`: whoever is done stays logged in until
 * all are, as hapg does. Milliseconds until the last is done.
 */
async function openssh(
  directory: string,
  firstPort: number,
  count: number,
  { forks, hold, script }: { forks: number; hold: boolean; script: (index: number) => string },
): Promise<number> {
  const started = performance.now();
  const open: ChildProcess[] = [];
  await settleAll(
    Array.from({ length: count }, (_, index) => index),
    forks,
    (index) =>
      new Promise<void>((done) => {
        const child = spawn(
          'ssh',
          [
            ...['-F', '/dev/null', '-i', join(directory, 'user'), '-p', String(firstPort + index)],
            ...['-o', `UserKnownHostsFile=${join(directory, '.hapg', 'bench', 'known_hosts')}`, '-o', 'BatchMode=yes'],
            ...[`${userInfo().username}@127.0.0.1`, '/bin/sh'],
          ],
          { stdio: ['pipe', 'pipe', 'ignore'] },
        );
        open.push(child);
        child.on('close', () => done());
        child.stdout.on('data', (chunk: Buffer) => hold && chunk.includes(DONE) && done());
        child.stdin.write(`${script(index)}\necho ${DONE}\n${hold ? 'exec cat >/dev/null\n' : ''}`);
        if (!hold) child.stdin.end();
      }),
  );
  const took = performance.now() - started;
  for (const child of open) child.stdin?.end();
  return took;
}

/** What a client prints when its script is done. */
const DONE = 'all-of-it-is-done';

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
      network: overSsh({ flags: {}, credentials: {} }),
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

/** Growth with the number of hosts, beside OpenSSH, and what three bad ones among 200 do to the others. */
export async function hosts(): Promise<void> {
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
      for (let round = 0; round < (count < 200 ? 3 : 1); round++)
        timed.push(await run(process.execPath, [BIN, ...args]));
      if (timed.some((one) => one.code !== 0)) throw new Error(`plan of ${count} loopback hosts failed`);
      console.log(
        `plan, ${String(count).padStart(3)} loopback hosts  ${ms(median(timed.map((one) => one.ms))).padStart(8)}   controller ${ms(median(timed.map((one) => one.cpuMs)))} of processor time, ${Math.round(median(timed.map((one) => one.mib)))} MiB`,
      );
      const byClient = loopback(directory, count, firstPort, 'openssh');
      const other = await run(process.execPath, [BIN, 'plan', '-i', byClient, '-l', 'client', '-o', 'json']);
      if (other.code !== 0) throw new Error(`plan of ${count} loopback hosts over openssh failed: ${other.out}`);
      console.log(`  with transport: openssh  ${ms(other.ms).padStart(8)}`);
      if (count === 200) {
        // Hosts that share a kernel pay for each other's processes; so the clients stay logged in as well.
        const { cluster } = loadInventory(inventory);
        const scripts = await probeScripts(cluster, await SecretStore.create(cluster));
        for (const [what, hold, script] of [
          ['log in only', false, () => 'true'],
          ['the same probes', false, (index: number) => scripts.get(`h${index}`)!],
          ['the same probes, all stay logged in', true, (index: number) => scripts.get(`h${index}`)!],
        ] as const) {
          const took = await openssh(directory, firstPort, 200, { forks: 20, hold, script });
          console.log(`ssh, 200 loopback hosts  ${ms(took).padStart(8)}   (OpenSSH clients, 20 at once: ${what})`);
        }
        for (const forks of [10]) {
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
