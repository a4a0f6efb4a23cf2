import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { NodeSSH } from 'node-ssh';
import type { AuthHandlerMiddleware, ClientChannel, ConnectConfig } from 'ssh2';
import { KnownError, Unreachable } from '../errors.ts';
import type { Secret } from '../secrets/secret.ts';
import { rootShellCommand } from '../shell/environment.ts';
import { KnownHosts } from './known-hosts.ts';
import { RootShell } from './shell.ts';
import type { SshTarget } from './target.ts';

const CONNECT_TIMEOUT_MS = 20_000;
const KEEPALIVE_MS = 10_000;

export interface Credentials {
  /** Asked for when sudo wants a password. */
  becomePassword?: (() => Promise<Secret>) | undefined;
  /** Asked for when a key file is encrypted; gets the file's name. */
  passphrase?: ((file: string) => Promise<Secret>) | undefined;
}

/** One SSH connection with its root shell. */
export interface Connection {
  readonly shell: RootShell;
  close(): void;
}

/**
 * Logs in (through jump hosts), verifies every host key on the way, and starts the root shell (through sudo where the
 * login is not root). Rejects with Unreachable, which names the host and the reason; what the person is the reason of
 * (a prompt was left with Ctrl-C) comes through as it is. Nothing stays open then.
 */
export async function connect(name: string, target: SshTarget, credentials: Credentials): Promise<Connection> {
  const opened: NodeSSH[] = [];
  const close = () => {
    for (const ssh of opened.reverse()) {
      const client = ssh.connection;
      ssh.dispose();
      // dispose() waits for a peer that may be gone; the socket must not keep the process alive.
      setTimeout(() => client?.destroy(), 500).unref();
    }
  };
  try {
    // A person is asked before the first connection is made: sshd does not wait for them (LoginGraceTime).
    const methods = new Map<SshTarget, object[]>();
    for (const hop of [...target.jumps, target]) methods.set(hop, await authMethods(hop, credentials));
    let through: Duplex | undefined;
    for (const [index, hop] of [...target.jumps, target].entries()) {
      const ssh = await login(
        hop,
        through ?? (await openSocket(hop)),
        methods.get(hop)!,
        index < target.jumps.length ? `jump host ${hop.host}` : '',
      );
      opened.push(ssh);
      const next = [...target.jumps, target][index + 1];
      through = next && (await ssh.forwardOut('127.0.0.1', 0, next.host, next.port));
    }
    const ssh = opened.at(-1)!;
    const shell = await becomeRoot(ssh, target, credentials);
    ssh.connection?.on('close', () => shell.fail(new Error('the connection was lost')));
    return { shell, close };
  } catch (cause) {
    close();
    throw cause instanceof KnownError ? cause : new Unreachable(name, describe(cause as Error, target));
  }
}

function describe(error: Error & { code?: string; level?: string }, target: SshTarget): string {
  const where = `${target.user}@${target.host}:${target.port}`;
  if (error.code === 'ECONNREFUSED') return `${where}: connection refused. Is sshd running, and is the port right?`;
  if (error.code === 'ENOTFOUND') return `${where}: the name cannot be resolved`;
  if (error.level === 'client-timeout' || error.code === 'ETIMEDOUT')
    return `${where}: no answer within ${CONNECT_TIMEOUT_MS / 1000} s`;
  if (error.level === 'client-authentication') {
    const offered = [...target.keys, ...(target.agent ? ['the agent'] : [])].join(', ') || 'no key at all';
    return `${where}: login refused; offered ${offered}. Name the key with ssh.key or --private-key`;
  }
  return `${where}: ${error.message}`;
}

function openSocket(target: SshTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host: target.host, port: target.port, noDelay: true, keepAlive: true });
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

async function login(target: SshTarget, socket: Duplex, methods: object[], via: string): Promise<NodeSSH> {
  const known = KnownHosts.read(target.knownHosts);
  let refusal: string | undefined;
  const types = known.types(target.host, target.port);
  const config: ConnectConfig = {
    sock: socket as Socket,
    username: target.user,
    readyTimeout: CONNECT_TIMEOUT_MS,
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: 3,
    authHandler: methods as unknown as AuthHandlerMiddleware,
    hostVerifier: (key: Buffer) => {
      const verdict = known.verify(target.host, target.port, key);
      if (!verdict.ok) refusal = verdict.reason;
      return verdict.ok;
    },
    ...(types.length > 0 ? { algorithms: { serverHostKey: types as never } } : {}),
  };
  const ssh = new NodeSSH();
  try {
    await ssh.connect(config as never);
  } catch (error) {
    socket.destroy();
    // ssh2 reports its own words when the verifier refuses; ours tell what to do.
    if (refusal) throw new Error(via ? `${via}: ${refusal}` : refusal);
    throw via ? new Error(`${via}: ${describe(error as Error, target)}`) : error;
  }
  // Without a permanent listener a reset link ends the whole process (node-ssh #421).
  ssh.connection?.on('error', () => undefined);
  return ssh;
}

/** Public keys only: first the files, then the agent, so that a key named in the inventory is not lost behind MaxAuthTries. */
async function authMethods(target: SshTarget, credentials: Credentials): Promise<object[]> {
  const methods: object[] = [];
  for (const file of target.keys) {
    const key = readFileSync(file);
    const method: Record<string, unknown> = { type: 'publickey', username: target.user, key };
    if (isEncrypted(key)) {
      if (!credentials.passphrase) continue;
      method.passphrase = (await credentials.passphrase(file)).reveal();
    }
    methods.push(method);
  }
  if (target.agent) methods.push({ type: 'agent', username: target.user, agent: target.agent });
  if (methods.length === 0)
    throw new Error('no private key was found and no agent is running. Name a key with ssh.key or --private-key');
  return methods;
}

/** OpenSSH's own format names its cipher in the clear ("none" when not encrypted); PEM says ENCRYPTED. */
export function isEncrypted(key: Buffer): boolean {
  const text = key.toString('latin1');
  if (!text.includes('OPENSSH PRIVATE KEY')) return text.includes('ENCRYPTED');
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
  const start = 'openssh-key-v1\0'.length;
  return body.subarray(start + 4, start + 4 + body.readUInt32BE(start)).toString() !== 'none';
}

/**
 * Starts the root shell. Whatever the host prints before the shell announces itself is thrown away, and is the reason where
 * the shell never does. A password is sent only after sudo's own prompt, told by the nonce, was seen.
 */
async function becomeRoot(ssh: NodeSSH, target: SshTarget, credentials: Credentials): Promise<RootShell> {
  const client = ssh.connection;
  if (!client) throw new Error('the connection was lost');
  const nonce = randomBytes(12).toString('hex');
  // sudo-rs knows no -H; HOME is set by the shell's own start.
  const become = target.user === 'root' ? [] : ['sudo', '-S', '-p', `${nonce} `];
  const announcement = `${nonce}-ready`;
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec(rootShellCommand(announcement, become), (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  await awaitShell(channel, announcement, { nonce, target, credentials });
  channel.stderr.resume();
  return new RootShell(channel);
}

/** What the host said last, for a person: printable, without sudo's prompts, at most three lines. */
const saidBy = (output: string, nonce: string): string =>
  output
    .replaceAll(`${nonce} `, '')
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-3)
    .join('; ');

/** Waits until the shell announces itself, and answers sudo meanwhile. Rejects with what the host said instead. */
export function awaitShell(
  channel: ClientChannel,
  announcement: string,
  { nonce, target, credentials }: { nonce: string; target: SshTarget; credentials: Credentials },
): Promise<void> {
  const where = target.user === 'root' ? `the root shell on ${target.host}` : `sudo on ${target.host}`;
  return new Promise<void>((resolve, reject) => {
    let out = '';
    let err = '';
    let asked = 0;
    const done = () => {
      clearTimeout(timer);
      channel.removeListener('data', onOut);
      channel.stderr.removeListener('data', onErr);
      channel.removeListener('close', onClose);
    };
    const fail = (reason: string) => {
      done();
      reject(new Error(`${where}: ${reason}`));
    };
    const heard = () => saidBy(`${out}\n${err}`, nonce);
    const expire = () =>
      setTimeout(
        () => fail(`no answer within ${CONNECT_TIMEOUT_MS / 1000} s${heard() ? `; it said: ${heard()}` : ''}`),
        CONNECT_TIMEOUT_MS,
      );
    let timer = expire();
    const onOut = (chunk: Buffer) => {
      out += chunk.toString('latin1');
      // Nothing follows the announcement: the shell has not been asked anything yet.
      if (!out.includes(`${announcement}\n`)) return;
      done();
      resolve();
    };
    const onErr = (chunk: Buffer) => {
      err += chunk.toString('latin1');
      if (err.split(`${nonce} `).length - 1 <= asked) return;
      asked++;
      if (asked > 1) return fail('the password was not accepted');
      if (!credentials.becomePassword) return fail(`a password is needed for ${target.user}: use -K`);
      // A person may take longer to type than a program to answer.
      clearTimeout(timer);
      credentials.becomePassword().then(
        (password) => {
          timer = expire();
          channel.write(`${password.reveal()}\n`);
        },
        (error: Error) => {
          done();
          reject(error);
        },
      );
    };
    const onClose = () => fail(heard() || 'it ended at once');
    channel.on('data', onOut);
    channel.stderr.on('data', onErr);
    channel.on('close', onClose);
  });
}
