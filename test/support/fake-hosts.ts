import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ServerChannel } from 'ssh2';
import { probed } from './fake-probe.ts';
import { fitHost, fitSections } from './fit-host.ts';

/** The answers of a fake host; it runs nothing. */
export interface FakeHost {
  /** Its answers by section of a probe, such as `patroni`; test/support/fake-probe.ts has the others. */
  sections?: Record<string, string>;
  /** Answers to other scripts, by a part of the script. */
  answers?: Record<string, string>;
  /** The login is not the super user, and sudo requires this password. */
  sudoPassword?: string;
  /** How many channels sshd allows on a connection ("MaxSessions"); absent: as many as are wanted. */
  channels?: number;
  /** Runs this forced command instead of every other: prints its words and ends. */
  forced?: string;
  /** Says this and ends each login (pam_nologin(8)). */
  closes?: string;
  /** Accepts connections and never answers. */
  silent?: boolean;
  /** Answers no script before this. */
  after?: Promise<unknown>;
  /** Stops answering from the first script on that contains this text. */
  hangsAt?: string;
}

export interface FakeHosts {
  /** The directory of the inventory, and of the state beside it. */
  directory: string;
  inventory: string;
  /** The scripts that each host received. */
  scripts: { host: string; script: string }[];
  close(): void;
}

/** An inventory of two hosts, for tests to which it is all one how many there are: each costs a connection and a plan. */
const SMALL = `cluster: pglab
ssh:
  user: root
  key: ./.hapg/pglab/lab_ed25519
replication: async
clients: [10.1.1.0/24]
hosts:
  db1:    {address: 10.1.1.10, ssh: {host: 127.0.0.1, port: 3001}, roles: [etcd, patroni]}
  client: {address: 10.1.1.11, ssh: {host: 127.0.0.1, port: 3002}, roles: [client]}
`;

/** Key pairs of this process, private and public, by their name and passphrase. */
const keys = new Map<string, [string, string]>();

/** Writes a key pair to a file and its `.pub`; the same one for the same name and passphrase. */
function placeKey(name: string, passphrase: string, file: string): void {
  const kept = keys.get(`${name} ${passphrase}`);
  if (kept) {
    writeFileSync(file, kept[0], { mode: 0o600 });
    writeFileSync(`${file}.pub`, kept[1]);
    return;
  }
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-a', '1', '-N', passphrase, '-f', file]);
  keys.set(`${name} ${passphrase}`, [readFileSync(file, 'utf8'), readFileSync(`${file}.pub`, 'utf8')]);
}

/**
 * Starts the hosts of inventory/lab.yaml as SSH servers in this process, so that the real command can be run against
 * them. Every script gets a prepared answer; nothing is executed. `passphrase` encrypts the key that they accept; `small`
 * starts db1 and client alone.
 */
export async function fakeHosts(
  hosts: Record<string, FakeHost> = {},
  { passphrase = '', user = 'root', small = false }: { passphrase?: string; user?: string; small?: boolean } = {},
): Promise<FakeHosts> {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-fake-'));
  const state = join(directory, '.hapg', 'pglab');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  // Few rounds: the prompt is tested, not the key derivation.
  for (const [name, secret] of [
    ['host', ''],
    ['user', passphrase],
  ] as const)
    placeKey(name, secret, join(directory, name));
  const hostKey = readFileSync(join(directory, 'host'));
  const publicKey = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');

  let text = (small ? SMALL : readFileSync('inventory/lab.yaml', 'utf8'))
    .replace('user: root', `user: ${user}`)
    .replace('./.hapg/pglab/lab_ed25519', './user');
  const scripts: FakeHosts['scripts'] = [];
  const servers: ssh2.Server[] = [];
  const known: string[] = [];
  for (const [index, name] of [...text.matchAll(/^ {2}(\w+): +\{address/gm)].map((match) => match[1]!).entries()) {
    const fake = hosts[name] ?? {};
    const server = new ssh2.Server({ hostKeys: [hostKey], banner: fake.closes }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => {
        if (fake.closes !== undefined && context.method === 'publickey') client.end();
        else if (context.method === 'publickey') context.accept();
        else context.reject(['publickey']);
      });
      let channels = 0;
      client.on('session', (accept, reject) => {
        channels += 1;
        if (channels > (fake.channels ?? channels)) return reject();
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          if (fake.forced !== undefined) {
            channel.write(`${fake.forced}\n`);
            channel.exit(1);
            return channel.end();
          }
          serve(channel, command, { fake, address: `10.1.1.${10 + index}` }, (script) =>
            scripts.push({ host: name, script }),
          );
        });
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    servers.push(server);
    known.push(`[127.0.0.1]:${port} ${publicKey}\n`);
    text = text.replace(`port: ${3001 + index}}`, `port: ${port}}`);
  }
  writeFileSync(join(state, 'known_hosts'), known.join(''));
  const inventory = join(directory, 'cluster.yaml');
  writeFileSync(inventory, text);
  return {
    directory,
    inventory,
    scripts,
    close() {
      for (const server of servers) server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Serves a fake root shell; behind sudo it asks for the password first. */
function serve(
  channel: ServerChannel,
  command: string,
  { fake, address }: { fake: FakeHost; address: string },
  told: (script: string) => void,
): void {
  if (fake.silent) return;
  const nonce = /'([0-9a-f]+) '/.exec(command)?.[1];
  // As `rootShellCommand` has the shell announce itself.
  const [, half = '', rest = ''] = /a=(\S+); echo "\$a"(\S+);/.exec(command) ?? [];
  const announcement = `${half}${rest}\n`;
  let received = '';
  let hangs = false;
  let asked = nonce !== undefined && fake.sudoPassword !== undefined;
  if (asked) channel.stderr.write(`${nonce} `);
  else channel.write(announcement);
  channel.on('data', (chunk: Buffer) => {
    received += chunk.toString();
    if (asked && received.includes('\n')) {
      const typed = received.slice(0, received.indexOf('\n'));
      received = received.slice(typed.length + 1);
      asked = typed !== fake.sudoPassword;
      if (asked) channel.stderr.write(`${nonce} `);
      else channel.write(announcement);
    }
    for (;;) {
      // As `frame` ends a request.
      const end = /^printf '\\n%s %s\\n' '([0-9a-f]+\.\d+)' "\$\?"\n/m.exec(received);
      if (!end) return;
      const script = received.slice(0, end.index);
      received = received.slice(end.index + end[0].length);
      told(script);
      hangs ||= fake.hangsAt !== undefined && script.includes(fake.hangsAt);
      if (hangs) return;
      const text = `${answer(script, fake, address)}\n${end[1]} 0\n`;
      if (fake.after) fake.after.then(() => channel.write(text));
      else channel.write(text);
    }
  });
}

/** The answer of an empty host with a free lock that is fit for a first apply, and of what else the test gave it. */
function answer(script: string, { sections, answers = {} }: FakeHost, address: string): string {
  const locked = script.includes('flock -w') ? 'locked\n' : '';
  const said = probed(script, { ...fitSections(address), ...sections });
  if (said !== undefined) return locked + said;
  const own = Object.keys(answers).some((word) => script.includes(word));
  const fit = own ? undefined : fitHost(script);
  if (fit !== undefined) return fit;
  return Object.entries(answers)
    .filter(([word]) => script.includes(word))
    .reduce((all, [, text]) => all + text, locked);
}

const json = (value: unknown): string => JSON.stringify(value);

/** The lab's hosts as a healthy cluster: db1 leads, db2 is the synchronous standby, proxy1 holds the VIP. */
export function healthyHosts(): Record<string, FakeHost> {
  const names = ['db1', 'db2', 'db3'];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const members = names.map((name, index) => ({
    name,
    host: `10.1.1.${10 + index}`,
    role: ['leader', 'sync_standby', 'replica'][index],
    state: index === 0 ? 'running' : 'streaming',
    timeline: 3,
    ...(index > 0 ? { lag: 0 } : {}),
  }));
  const etcd = names.map((name, index) => ({
    ID: String(index + 1),
    name,
    peerURLs: [`https://10.1.1.${10 + index}:2380`],
  }));
  const database = (index: number): Record<string, string> => ({
    dataDirectory: 'cluster\nDatabase system identifier: 7000\nDatabase cluster state: in production\n.',
    patroni: [
      json({ role: index === 0 ? 'primary' : 'replica', state: 'running', patroni: { name: names[index] } }),
      json({ members }),
    ].join('\n'),
    etcd: [
      json({ health: 'true' }),
      json({ header: { member_id: String(index + 1) }, leader: '1' }),
      json({ members: etcd }),
      json({ header: {}, kvs: [{ value: base64('7000') }] }),
      json({ header: {} }),
    ].join('\n'),
  });
  const rows = (proxy: string, up: string[]) =>
    names.map((name) => `${proxy},${name},${up.includes(name) ? 'UP' : 'DOWN'},0`).join('\n');
  const balancer = (held: number): Record<string, string> => ({
    balancer: `# pxname,svname,status,scur\n${rows('primary', ['db1'])}\n${rows('replica', ['db2', 'db3'])}`,
    vipHeld: `${held === 1 ? '2: eth0    inet 10.1.1.100/24' : ''}\n.`,
  });
  return {
    ...Object.fromEntries(names.map((name, index) => [name, { sections: database(index) }])),
    proxy1: { sections: balancer(1) },
    proxy2: { sections: balancer(0) },
    backup: {
      sections: {
        space:
          'space /var/lib/pgbackrest\nFilesystem 1024-blocks Used Available\n/dev/sda1 10000000 5000000 5000000 50% /\n.',
      },
    },
  };
}

/** Empty hosts, and a backup host with one backup: what a restore finds after everything else was lost. */
export function hostsWithBackup(): Record<string, FakeHost> {
  const info = [
    {
      name: 'pglab',
      status: { code: 0, message: 'ok', lock: { backup: { held: false } } },
      repo: [{ key: 1, status: { code: 0, message: 'ok' } }],
      db: [{ version: '17' }],
      archive: [{ min: '000000010000000000000001', max: '000000010000000000000009' }],
      backup: [
        {
          label: '20260101-000000F',
          type: 'full',
          database: { 'repo-key': 1 },
          timestamp: { start: 1_767_225_500, stop: 1_767_225_600 },
          info: { size: 1_000_000, repository: { delta: 100_000 } },
          lsn: { start: '0/2000028', stop: '0/3000050' },
          archive: { start: '000000010000000000000002', stop: '000000010000000000000003' },
          error: false,
        },
      ],
    },
  ];
  const empty: FakeHost = {
    answers: { 'df -Pk': 'room|absent|1|99999999|/var/lib/postgresql/17/pglab\n' },
  };
  return { db1: empty, db2: empty, db3: empty, backup: { sections: { repository: `${json(info)}\ncode 0\n.` } } };
}
