import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSSH } from 'node-ssh';
import type { AuthHandlerMiddleware, ConnectConfig } from 'ssh2';
import { AGAIN_MS, KEEPALIVE_MS } from '../bounds/hosts.ts';

import { addKnownHost, KnownHosts } from './known-hosts.ts';
import type { Login } from './login.ts';
import { ProgramStream, startCommand } from './program-stream.ts';
import type { SshTarget } from './target.ts';

/** How often a login is tried again that a busy sshd dropped: from MaxStartups on, OpenSSH drops at random. */
const DROPS = 2;

/** An error with a code: of node (`code`) or of ssh2 (`level`). */
export type Failure = Error & { code?: string; level?: string };

/** Describes why a login failed and what the operator can do about it. */
export function describe(error: Failure, target: SshTarget, timeoutMs: number): string {
  const where = `${target.user}@${target.host}:${target.port}`;
  if (error.code === 'ECONNREFUSED') return `${where}: connection refused. Is sshd running, and is the port right?`;
  if (error.code === 'ENOTFOUND') return `${where}: the name cannot be resolved`;
  if (error.level === 'client-timeout' || error.code === 'ETIMEDOUT')
    return `${where}: no answer within ${timeoutMs / 1000} s`;
  if (error.level === 'client-authentication') {
    const offered = [...target.keys, ...(target.agent ? ['the agent'] : [])].join(', ') || 'no key at all';
    return `${where}: login refused; offered ${offered}. Name the key with ssh.key or --private-key`;
  }
  if ((error.level === DROPPED && error.message === '') || error.message === BEFORE_HANDSHAKE)
    return `${where}: sshd ended the connection before the login; it may take few at once, or none from here for a while (MaxStartups, PerSourcePenalties)`;
  return `${where}: ${error.message}`;
}

/** The `level` of a login that ended before authentication; the message is what was said meanwhile. */
export const DROPPED = 'dropped';

/** What ssh2 says then. */
const BEFORE_HANDSHAKE = 'Connection lost before handshake';

/** What node-ssh says of a connection that ended before it was ready, as of one that was silent too long. */
const NO_RESPONSE = 'No response from server';

/** Opens a TCP connection to a host. */
function openSocket({ host, port, family, bindAddress }: SshTarget, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, family, localAddress: bindAddress, noDelay: true, keepAlive: true });
    const timer = setTimeout(() => socket.destroy(timedOut()), timeoutMs);
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

/**
 * Opens a connection from a jump host to the next. The jump host's own TCP waits two minutes for an address without an
 * answer; here the limit is that of a connection without a jump host.
 */
async function openThrough(link: NodeSSH, { host, port }: SshTarget, timeoutMs: number): Promise<Duplex> {
  let late = false;
  const opened = link.forwardOut('127.0.0.1', 0, host, port).then((channel) => {
    // A connection that comes too late is closed.
    if (late) channel.destroy();
    return channel;
  });
  const timer = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    late = true;
    throw timedOut();
  });
  try {
    return await Promise.race([opened, timeout]);
  } finally {
    timer.abort();
    for (const one of [opened, timeout]) one.catch(() => undefined);
  }
}

const timedOut = (): Failure => Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });

/** A hop on the way to a host: reached directly, or through the one before it. */
export interface Hop {
  target: SshTarget;
  /** What ssh2 tries, from `authMethods`. */
  methods: object[];
  /** The jump host before this one. */
  through?: NodeSSH | undefined;
  timeoutMs: number;
}

/** Logs in to one hop and verifies its host key. A login that ends before authentication is tried again. */
export const logIn = (hop: Hop): Promise<NodeSSH> =>
  againIfDropped(
    () => logInOnce(hop),
    (cause, tookMs) => wasDropped(cause as Failure, tookMs < hop.timeoutMs),
  );

/** Tries again, after a pause of random length, while a login was dropped rather than refused. */
export async function againIfDropped<T>(
  attempt: () => Promise<T>,
  isDrop: (cause: Error, tookMs: number) => boolean,
): Promise<T> {
  for (let drops = 0; ; drops++) {
    const began = performance.now();
    try {
      return await attempt();
    } catch (cause) {
      if (drops >= DROPS || !isDrop(cause as Error, performance.now() - began)) throw cause;
      await sleep(AGAIN_MS * 2 ** drops * (1 + Math.random()));
    }
  }
}

/**
 * Whether the server closed the connection before its banner or before authentication. node-ssh reports such an end as
 * a time-out; `early` distinguishes the two.
 */
const wasDropped = ({ code, level, message }: Failure, early: boolean): boolean =>
  (level === 'protocol' && message === BEFORE_HANDSHAKE) ||
  (level === 'client-socket' && (code === 'ECONNRESET' || code === 'EPIPE')) ||
  (early && code === 'ETIMEDOUT' && message === NO_RESPONSE);

/** The last lines of what a host says, for the operator: printable, at most three. */
export const lastLines = (text: string): string =>
  text
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-3)
    .join('; ');

async function logInOnce({ target, methods, through, timeoutMs }: Hop): Promise<NodeSSH> {
  const socket = through
    ? await openThrough(through, target, target.connectMs ?? timeoutMs)
    : target.command === undefined
      ? await openSocket(target, target.connectMs ?? timeoutMs)
      : startCommand(target.command);
  const known = KnownHosts.read(target.knownHosts);
  let refusal: string | undefined;
  const types = known.types(target.known.host, target.known.port);
  const config: ConnectConfig = {
    sock: socket as Socket,
    username: target.user,
    readyTimeout: timeoutMs,
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: 3,
    authHandler: methods as unknown as AuthHandlerMiddleware,
    hostVerifier: (key: Buffer) => {
      const { host, port } = target.known;
      const verdict = known.verify(host, port, key);
      if (verdict.ok) return true;
      if (verdict.kind === 'unknown' && target.acceptsNew) {
        addKnownHost(target.knownHosts[0]!, host, port, key);
        return true;
      }
      refusal = verdict.reason;
      return false;
    },
    ...(types.length > 0 ? { algorithms: { serverHostKey: types as never } } : {}),
  };
  const ssh = new NodeSSH();
  // RFC 4252, 5.4: what the host has to say before a login, such as why there is none now (pam_nologin(8)).
  let banner = '';
  const began = performance.now();
  try {
    const connected = ssh.connect(config as never);
    ssh.connection?.on('banner', (text) => {
      banner += `${text}\n`;
    });
    await connected;
  } catch (error) {
    socket.destroy();
    // ssh2 reports a message of its own when the verifier refuses; ours says what to do.
    if (refusal) throw new Error(refusal);
    const words = lastLines(banner);
    const { message } = error as Error;
    if (words && message === NO_RESPONSE && performance.now() - began < timeoutMs)
      throw new Error(`the host ended the login: ${words}`);
    const said = socket instanceof ProgramStream ? socket.said.slice(-2).join('; ') : '';
    throw said ? new Error(`ProxyCommand: ${said}`) : error;
  }
  // Without a permanent listener a reset link ends the whole process (node-ssh #421).
  ssh.connection?.on('error', () => undefined);
  return ssh;
}

/** A connection of node-ssh as a login. */
export function asLogin(ssh: NodeSSH): Login {
  return {
    isAsking: false,
    failure: undefined,
    exec(command) {
      const client = ssh.connection;
      if (!client) return Promise.reject(new Error('the connection was lost'));
      return new Promise((resolve, reject) =>
        client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened))),
      );
    },
    onEnd: (listener) => ssh.connection?.on('close', listener),
    end: () => hangUp(ssh),
  };
}

/** Closes a connection. The socket of a lost peer must not keep the process alive. */
export function hangUp(ssh: NodeSSH): void {
  const client = ssh.connection;
  ssh.dispose();
  setTimeout(() => client?.destroy(), 500).unref();
}
