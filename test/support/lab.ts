import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Cluster } from '../../src/inventory/model.ts';
import { containers } from '../../src/lab/docker/platform.ts';
import type { Platform } from '../../src/lab/platform.ts';
import { vms } from '../../src/lab/vm/platform.ts';
import { quote } from '../../src/shell/quote.ts';
import { endWithTest } from './group.ts';
import { milliseconds, pause, seconds } from './time.ts';

const BIN = resolve('dist/hapg.js');

/** A schedule without a backup during a test. */
const QUIET_HOUR = String((new Date().getUTCHours() + 12) % 24).padStart(2, '0');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
  ms: number;
}

/**
 * A lab separate from any other one on the machine: its own cluster name, network, ports, directory. All bounds of its
 * methods are seconds of the reference machine.
 */
export class TestLab {
  readonly directory = mkdtempSync(join(tmpdir(), 'hapg-test-'));
  readonly inventory = join(this.directory, 'lab.yaml');
  /** The client's URI for writes. */
  uri = '';

  private chosenClient: string | undefined;
  private readonly bare: boolean;
  private readonly vm: boolean;
  private readonly settings: (text: string) => string;

  /**
   * `example`: one of the shipped inventories. `bare`: `lab up` brings up hosts without packages, which one test has to
   * prove; by default hosts have all packages. `vm`: its hosts are virtual machines. `settings`: changes that every
   * version of this lab's inventory gets.
   */
  constructor(
    readonly cluster = 'pgtest',
    private readonly example = 'lab.yaml',
    {
      bare = false,
      vm = false,
      settings = (text) => text,
    }: { bare?: boolean; vm?: boolean; settings?: (text: string) => string } = {},
  ) {
    this.bare = bare;
    this.vm = vm;
    this.settings = settings;
    this.write((text) => text);
  }

  /** Rewrites the inventory: the shipped one under another name, in other networks, with a change. */
  write(change: (text: string) => string): void {
    const shipped = readFileSync(join('inventory', this.example), 'utf8');
    const name = /^cluster: (\w+)/m.exec(shipped)![1]!;
    writeFileSync(
      this.inventory,
      change(
        this.settings(
          shipped
            .replace(`cluster: ${name}`, `cluster: ${this.cluster}`)
            .replaceAll(`.hapg/${name}/`, `.hapg/${this.cluster}/`)
            .replaceAll('10.1.', '10.9.')
            .replaceAll('port: 30', 'port: 31')
            .replaceAll('port: 50', 'port: 51')
            .replaceAll(' 03:00', ` ${QUIET_HOUR}:00`),
        ),
      ),
    );
  }

  /** The hosts of the inventory by name, with their roles. */
  private get entries(): [string, { roles: string[] }][] {
    return Object.entries((parse(readFileSync(this.inventory, 'utf8')) as { hosts: Record<string, never> }).hosts);
  }

  get hosts(): string[] {
    return this.entries.map(([name]) => name);
  }

  with(role: string): string[] {
    return this.entries.filter(([, { roles }]) => roles.includes(role)).map(([name]) => name);
  }

  /** PostgreSQL's port. */
  get port(): number {
    return (parse(readFileSync(this.inventory, 'utf8')) as { postgres?: { port?: number } }).postgres?.port ?? 5432;
  }

  /** The client host: the first one with that role, unless a test has chosen another. */
  get client(): string {
    return this.chosenClient ?? this.with('client')[0]!;
  }

  set client(host: string) {
    this.chosenClient = host;
  }

  /** Another inventory file in the same directory, sharing its `.hapg`. */
  variant(name: string, change: (text: string) => string): string {
    const file = join(this.directory, name);
    writeFileSync(file, change(readFileSync(this.inventory, 'utf8')));
    return file;
  }

  /** Runs the built command on this inventory (or on another with `-i` first among the arguments); its lab is warm unless bare. */
  hapg(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return this.start(args, env).done;
  }

  /** Starts the built command like `hapg`, without waiting; `kill` ends the controller. */
  start(
    args: readonly string[],
    env: Record<string, string> = {},
  ): { done: Promise<Outcome>; kill: (signal: NodeJS.Signals) => void; said: () => string } {
    const started = performance.now();
    const inventory = args.includes('-i') ? [] : ['-i', this.inventory];
    const makesHosts = args[0] === 'lab' && (args[1] === 'add' || (args[1] === 'up' && !this.bare));
    const made = [...(makesHosts ? ['--warm'] : []), ...(this.vm && args[1] === 'up' ? ['--vm'] : [])];
    const child = spawn(process.execPath, [BIN, ...args, ...inventory, ...made], {
      cwd: this.directory,
      env: { ...process.env, NO_COLOR: '1', SSH_AUTH_SOCK: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithTest(child);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const done = new Promise<Outcome>((settle) =>
      child.on('close', (code) => settle({ code, stdout, stderr, ms: performance.now() - started })),
    );
    return { done, kill: (signal) => void child.kill(signal), said: () => stdout };
  }

  /** Runs sh inside a host without hapg; returns status and output. */
  on(host: string, script: string, timeoutSeconds = 120): { code: number | null; out: string } {
    const [program, ...args] = this.platform.shell(host, script);
    const { status, stdout, stderr } = spawnSync(program!, args, {
      encoding: 'utf8',
      timeout: milliseconds(timeoutSeconds * 1000),
      maxBuffer: 1 << 28,
    });
    return { code: status, out: (stdout + stderr).trim() };
  }

  /** Starts sh inside a host, which goes on alone. */
  background(host: string, script: string): void {
    const { code, out } = this.on(host, `setsid -f sh -c ${quote(script)} < /dev/null > /dev/null 2>&1`);
    if (code !== 0) throw new Error(`${host}: ${out}`);
  }

  /** The lab's hosts, reached without hapg. A broken inventory has no cluster, so that only what names them is given. */
  private get platform(): Pick<Platform, 'shell'> {
    const place = { name: this.cluster, stateDir: join(this.directory, '.hapg', this.cluster), file: this.inventory };
    const key = { settings: { ssh: { key: `./.hapg/${this.cluster}/lab_ed25519` } } };
    return (this.vm ? vms : containers)({ ...place, ...key } as Cluster);
  }

  docker(...args: string[]): string {
    return spawnSync('docker', args, { encoding: 'utf8', timeout: milliseconds(120_000) }).stdout.trim();
  }

  async status(): Promise<{ code: number | null; status: StatusDocument }> {
    const { code, stdout } = await this.hapg(['status', '-o', 'json']);
    return { code, status: JSON.parse(stdout) as StatusDocument };
  }

  /** Waits until `hapg status` is healthy; returns the last document. */
  async healthy(within: number): Promise<StatusDocument> {
    const end = Date.now() + milliseconds(within * 1000);
    for (;;) {
      const { code, status } = await this.status();
      if (code === 0) return status;
      if (Date.now() > end)
        throw new Error(`not healthy within ${seconds(within)} s: ${JSON.stringify(status.problems)}`);
      // A look is what a machine without KVM is busy with for seconds.
      await pause(this.vm ? 15 : 1);
    }
  }

  /** The URI for writes: the first one of `hapg connect`. */
  async findUri(): Promise<void> {
    const { stdout, stderr } = await this.hapg(['connect']);
    this.uri = stdout.split('\n')[0]!;
    if (!this.uri.startsWith('postgresql://')) throw new Error(`hapg connect printed no URI: ${stderr}`);
  }

  async down(): Promise<void> {
    if ((await this.hapg(['lab', 'down'])).code !== 0 && !this.vm)
      for (const name of this.docker('ps', '-aq', '--filter', `label=hapg.cluster=${this.cluster}`).split('\n'))
        if (name) this.docker('rm', '-f', '-v', name);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface StatusDocument {
  healthy: boolean;
  problems: { code: string; host: string; message: string }[];
  timeline: number;
  members: { name: string; role: string; state: string; timeline: number; tags: Record<string, unknown> }[];
  dcs: { quorum: boolean; members: { name: string; healthy: boolean }[] };
  vip: { holders: string[] };
  balancers: { host: string; primary: string[]; replica: string[] }[];
  backup: { last: string; archive_ok: boolean };
}

export const leaderOf = (status: StatusDocument): string =>
  status.members.find((member) => member.role === 'leader')!.name;

/**
 * Fingerprint of everything that a second run must not touch: every configuration file with mode, owner, time and hash,
 * the units with their process and start time, firewall rules, and the dynamic configuration. Made without any code of
 * hapg.
 */
export function manifest(lab: TestLab): Record<string, string> {
  const script = `find /etc /usr/lib/systemd /root /var/lib/hapg -xdev -type f ! -path /var/lib/hapg/lock ! -name '*.dpkg-*' ! -path '/etc/resolv.conf' -printf '%p %m %u:%g %T@\\n' | sort
find /etc -xdev -type f -exec sha256sum {} + | sort -k2
systemctl show -p Id,ActiveState,MainPID,ActiveEnterTimestampMonotonic,UnitFileState etcd patroni haproxy keepalived pgbackrest ssh ufw pgbackrest-full.timer
iptables -S | sort; ip6tables -S | sort
[ -e /etc/patroni/config.yml ] && patronictl -c /etc/patroni/config.yml show-config 2>/dev/null`;
  return Object.fromEntries(lab.hosts.map((host) => [host, lab.on(host, script).out]));
}

/** A writer like a client: one connection per row, through the client endpoint. Ends by itself. */
export class Writer {
  constructor(private readonly lab: TestLab) {}

  /** Starts it; it ends by itself after `seconds` of the reference machine. */
  start(count: number): void {
    this.ask('drop table if exists rows; create table rows (n int primary key)');
    this.lab.on(this.lab.client, 'rm -f /tmp/stop /tmp/rows.log /tmp/rows.pid');
    const loop = `echo $$ > /tmp/rows.pid; end=$(($(date +%s) + ${seconds(count)})); n=0; while [ $(date +%s) -lt $end ] && [ ! -e /tmp/stop ]; do n=$((n+1)); if psql -XAtq "${this.lab.uri}" -c "insert into rows values ($n)" >/dev/null 2>&1; then echo "$(date +%s%3N) ok $n"; else echo "$(date +%s%3N) failed $n"; sleep 0.05; fi; done >> /tmp/rows.log`;
    this.lab.background(this.lab.client, loop);
  }

  /** Waits until a row is acknowledged after a fault has taken effect; throws when none is. */
  resumed(within: number): void {
    const look = `from=$(($(date +%s%3N) + ${milliseconds(2000)})); n=0
until awk -v from=$from '$2 == "ok" && $1 > from { found = 1 } END { exit !found }' /tmp/rows.log; do n=$((n+1)); [ $n -lt ${seconds(within) * 2} ] || exit 1; sleep 0.5; done`;
    if (this.lab.on(this.lab.client, look, within * 2).code !== 0)
      throw new Error(`no write was acknowledged again within ${seconds(within)} s`);
  }

  /** Retries: right after a fault the first connection may fail. */
  private ask(sql: string): string {
    for (let tries = 1; ; tries++) {
      const { code, out } = this.lab.on(this.lab.client, `psql -XAtq "${this.lab.uri}" -c '${sql}' 2>&1`);
      if (code === 0) return out;
      if (tries === seconds(15)) throw new Error(`${sql}: ${out}`);
      this.lab.on(this.lab.client, 'sleep 1');
    }
  }

  /**
   * Stops it. Returns the rows that were acknowledged, lost (acknowledged and missing), failed, and the longest time
   * without an acknowledgement.
   */
  stop(): { acked: number; failed: number; lost: number; longestGapMs: number } {
    this.lab.on(
      this.lab.client,
      `touch /tmp/stop; n=0; while kill -0 $(cat /tmp/rows.pid) 2>/dev/null && [ $n -lt ${seconds(300)} ]; do n=$((n+1)); sleep 0.1; done`,
    );
    const lines = this.lab
      .on(this.lab.client, 'cat /tmp/rows.log')
      .out.split('\n')
      .map((line) => line.split(' '));
    const acked = lines.filter(([, what]) => what === 'ok');
    if (acked.length === 0) throw new Error('the writer has never been acknowledged');
    const there = new Set(this.ask('select n from rows').split('\n'));
    // Up to the last attempt, so that an ongoing outage counts.
    const times = [...acked, ...lines.slice(-1)].map(([time]) => Number(time));
    const longestGapMs = Math.max(0, ...times.slice(1).map((time, index) => time - times[index]!));
    return {
      acked: acked.length,
      failed: lines.length - acked.length,
      lost: acked.filter(([, , n]) => !there.has(n!)).length,
      longestGapMs,
    };
  }
}

/**
 * Lists what planned changes must not leave behind, by host: armed undos, marks, drained servers, held packages.
 */
export function leftovers(lab: TestLab): Record<string, string> {
  const script = `systemctl list-units --plain --no-legend --all 'hapg-*' | grep -E 'active|failed' | grep -v 'inactive'
ls -A /var/lib/hapg/undo /var/lib/hapg/pending /run/hapg-load /var/lib/hapg/units 2>/dev/null | grep -vE '^$|:$'
ls /etc/systemd/system | grep hapg-undo
apt-mark showhold
systemctl --failed --plain --no-legend
[ -e /etc/patroni/config.yml ] && sed -n '/^tags:/,$p' /etc/patroni/config.yml
systemctl -q is-active haproxy && echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock | grep -E ',(DRAIN|MAINT)'
true`;
  return Object.fromEntries(
    lab.hosts.map((host) => [host, lab.on(host, script).out] as const).filter(([, found]) => found !== ''),
  );
}

/** The document of the commands that change a living cluster. */
export interface OperationDocument {
  ok: boolean;
  run: string;
  duration_ms: number;
  hosts: string[];
  switchovers: { from: string; to: string; duration_ms: number }[];
  writes?: { acked: number; failed: number; max_gap_ms: number; lost: number };
  reads?: { ok: number; failed: number; max_gap_ms: number };
  failed?: { host: string; step: string; message: string }[];
  problems: { code: string; host: string; message: string }[];
}

/** The document of `plan` and `apply`. */
export interface Report {
  changes: { host: string; step: string; action: string; known_after_apply: boolean }[];
  failed: { host: string; step: string; message: string }[];
  notes?: { host: string; text: string }[];
}
export const report = (text: string) => JSON.parse(text) as Report;
/** The changes of a report as comparable lines. */
export const set = (one: Report) => one.changes.map(({ host, step, action }) => `${host} ${step} ${action}`).sort();

/** Whether a host's lock is free. */
export const isFree = (lab: TestLab, host: string): boolean =>
  lab.on(host, 'flock -sn /var/lib/hapg/lock true').code === 0;

/**
 * Waits until a condition holds; rejects when it takes longer (seconds of the reference machine), or with what `run`
 * said when that ends before.
 */
export async function until(
  what: string,
  within: number,
  check: () => boolean | Promise<boolean>,
  run?: { done: Promise<Outcome> },
): Promise<void> {
  const end = Date.now() + milliseconds(within * 1000);
  let ended: Outcome | undefined;
  run?.done.then((outcome) => (ended = outcome));
  while (!(await check())) {
    if (ended)
      throw new Error(`the run ended with ${ended.code} before ${what}: ${ended.stdout.slice(-2000)}${ended.stderr}`);
    if (Date.now() > end) throw new Error(`waited ${seconds(within)} s until ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
