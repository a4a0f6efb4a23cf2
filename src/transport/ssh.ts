import type { NodeSSH } from 'node-ssh';
import { CONNECT_MS } from '../bounds/hosts.ts';
import { KnownError, Unreachable, UsageError } from '../errors.ts';
import { type Askpass, askpass } from './askpass.ts';
import { authMethods, type Credentials } from './auth.ts';
import { becomeRoot } from './become.ts';
import { clientConfig } from './client-config.ts';
import { againIfDropped, asLogin, DROPPED, describe, type Failure, logIn } from './hop.ts';
import { JumpConnections } from './jump-connections.ts';
import { findJumpHosts } from './jump-hosts.ts';
import { KnownHosts } from './known-hosts.ts';
import type { Login } from './login.ts';
import type { Machine, Network } from './machine.ts';
import type { Through } from './openssh.ts';
import { openJump, opensshLogin } from './openssh-login.ts';
import type { RootShell } from './shell.ts';
import { resolveTarget, type SshFlags, type SshTarget } from './target.ts';

export interface SshOptions {
  flags: SshFlags;
  credentials: Credentials;
  /** Bound of each step of a login (ms). */
  timeoutMs?: number;
}

/** A login with its root shell, and the release of what it goes through. */
interface Reached {
  login: Login;
  shell: RootShell;
  release(): void;
}

/** Logs in to a target and becomes the super user there. Rejects with the reason; nothing stays open then. */
type Reach = (target: SshTarget, alone: boolean) => Promise<Reached>;

/** The network over SSH. Hosts behind the same jump hosts share one login there. */
export function overSsh({ flags, credentials, timeoutMs = CONNECT_MS }: SshOptions): Network {
  const config = clientConfig();
  const byNodeSsh = reachByNodeSsh(credentials, timeoutMs);
  const byOpenssh = reachByOpenssh(credentials, timeoutMs);
  return {
    dial: async (cluster, host, { alone = false } = {}) => {
      const target = await resolveTarget(cluster, host, flags, config);
      // Another key, of an agent say, is not what was meant.
      const lost: Reach = async () => {
        throw new Error(`the key ${target.lostKey} is not there`);
      };
      const reach = takesOpenssh(target) ? byOpenssh : byNodeSsh;
      return connect(host.name, target, target.lostKey ? lost : reach, { credentials, timeoutMs, alone });
    },
    jumpHosts: async (cluster) => findJumpHosts(cluster, (host) => resolveTarget(cluster, host, flags, config)),
  };
}

/** Whether the OpenSSH client makes the connection. Throws UsageError where it has to, and may not. */
export function takesOpenssh(target: SshTarget): boolean {
  if (target.transport === 'openssh') return true;
  for (const hop of [...target.jumps, target]) {
    const { host, port } = hop.known;
    const beyond = hop.beyond ?? KnownHosts.read(hop.knownHosts).beyond(host, port);
    if (beyond === undefined) continue;
    if (target.transport === 'auto') return true;
    throw new UsageError(`${hop.alias}: node-ssh cannot use ${beyond}; leave out ssh.transport, or set it to openssh`);
  }
  return false;
}

/** By node-ssh, in this process. */
function reachByNodeSsh(credentials: Credentials, timeoutMs: number): Reach {
  const links = new JumpConnections<NodeSSH, (hop: SshTarget) => object[]>(async (target, through, methodsOf) => {
    const ssh = await logIn({ target, methods: methodsOf(target), through, timeoutMs });
    const login = asLogin(ssh);
    return { link: ssh, onEnd: login.onEnd, end: login.end };
  }, timeoutMs);
  return async (target, alone) => {
    // The operator is asked before the first connection is made: sshd does not wait for the answer (LoginGraceTime).
    const methods = new Map<SshTarget, object[]>();
    for (const hop of [...target.jumps, target]) methods.set(hop, await authMethods(hop, credentials));
    const jump = await links.to(target.jumps, (hop) => methods.get(hop)!, alone);
    try {
      const login = asLogin(await logIn({ target, methods: methods.get(target)!, through: jump?.link, timeoutMs }));
      return await shellOf(login, target, credentials, timeoutMs, () => jump?.release());
    } catch (cause) {
      jump?.release();
      throw cause;
    }
  };
}

const isDropped = (cause: Failure): boolean => cause.level === DROPPED;

/** By the OpenSSH client of this machine. */
function reachByOpenssh(credentials: Credentials, timeoutMs: number): Reach {
  let asking: Askpass | undefined;
  const links = new JumpConnections<Through, undefined>(
    (target, through) => againIfDropped(() => openJump(target, { asking: asking!, timeoutMs, through }), isDropped),
    timeoutMs,
  );
  return async (target, alone) => {
    asking ??= askpass(credentials);
    const jump = await links.to(target.jumps, undefined, alone);
    try {
      return await againIfDropped(async () => {
        const login = opensshLogin(target, { asking: asking!, timeoutMs, through: jump?.link });
        return shellOf(login, target, credentials, timeoutMs, () => jump?.release());
      }, isDropped);
    } catch (cause) {
      jump?.release();
      throw cause;
    }
  };
}

async function shellOf(
  login: Login,
  target: SshTarget,
  credentials: Credentials,
  timeoutMs: number,
  release: () => void,
): Promise<Reached> {
  try {
    return { login, shell: await becomeRoot(login, target, credentials, timeoutMs), release };
  } catch (cause) {
    const reason = cause instanceof KnownError ? undefined : login.failure;
    login.end();
    throw reason ?? cause;
  }
}

/**
 * Logs in (through jump hosts), verifies every host key on the way, and starts the root shell (through sudo where the
 * login is not root). Rejects with Unreachable, which names the host and the reason. An error that the operator caused
 * (Ctrl-C at a prompt) is passed on. Nothing stays open after a failure.
 */
async function connect(
  name: string,
  target: SshTarget,
  reach: Reach,
  { credentials, timeoutMs, alone }: { credentials: Credentials; timeoutMs: number; alone: boolean },
): Promise<Machine> {
  let reached: Reached;
  try {
    reached = await reach(target, alone);
  } catch (cause) {
    throw cause instanceof KnownError ? cause : new Unreachable(name, describe(cause as Error, target, timeoutMs));
  }
  const { login, shell } = reached;
  let second: RootShell | undefined;
  let isEnded = false;
  const end = (reason: string) => {
    for (const one of [shell, second]) one?.fail(new Error(reason));
    if (isEnded) return;
    isEnded = true;
    login.end();
    reached.release();
  };
  login.onEnd(() => end('the connection was lost'));
  const another = async (): Promise<RootShell> => {
    if (second?.isOpen) return second;
    // A shell that took too long would keep one of the channels that sshd allows.
    second?.close();
    second = undefined;
    return (second = await becomeRoot(login, target, credentials, timeoutMs));
  };
  return {
    get isOpen() {
      return shell.isOpen;
    },
    run: (script, options) => shell.run(script, options),
    // sshd may allow one channel only ("MaxSessions 1").
    beside: async (script, options) => (await another().catch(() => shell)).run(script, options),
    close: () => end('the connection was closed'),
  };
}
