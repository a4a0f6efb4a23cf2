import { CONNECT_MS } from '../bounds/hosts.ts';
import { KnownError, Unreachable } from '../errors.ts';
import { authMethods, type Credentials } from './auth.ts';
import { becomeRoot } from './become.ts';
import { describe, hangUp, logIn } from './hop.ts';
import { JumpConnections } from './jump-connections.ts';
import { findJumpHosts } from './jump-hosts.ts';
import type { Machine, Network } from './machine.ts';
import type { RootShell } from './shell.ts';
import { readSshConfig } from './ssh-config.ts';
import { resolveTarget, type SshFlags, type SshTarget } from './target.ts';

export interface SshOptions {
  flags: SshFlags;
  credentials: Credentials;
  /** Bound of each step of a login (ms). */
  timeoutMs?: number;
}

/** The network over SSH. Hosts behind the same jump hosts share one login there. */
export function overSsh({ flags, credentials, timeoutMs = CONNECT_MS }: SshOptions): Network {
  const config = readSshConfig();
  const links = new JumpConnections(timeoutMs);
  return {
    dial: async (cluster, host, { alone = false } = {}) =>
      connect(host.name, resolveTarget(cluster, host, flags, config), { links, credentials, timeoutMs, alone }),
    jumpHosts: async (cluster) => findJumpHosts(cluster, (host) => resolveTarget(cluster, host, flags, config)),
  };
}

/**
 * Logs in (through jump hosts), verifies every host key on the way, and starts the root shell (through sudo where the
 * login is not root). Rejects with Unreachable, which names the host and the reason. An error that the operator caused
 * (Ctrl-C at a prompt) is passed on. Nothing stays open after a failure.
 */
async function connect(
  name: string,
  target: SshTarget,
  {
    links,
    credentials,
    timeoutMs,
    alone,
  }: { links: JumpConnections; credentials: Credentials; timeoutMs: number; alone: boolean },
): Promise<Machine> {
  const opened: (() => void)[] = [];
  const hangAllUp = () => {
    for (const end of opened.splice(0).reverse()) end();
  };
  try {
    // The operator is asked before the first connection is made: sshd does not wait for the answer (LoginGraceTime).
    const methods = new Map<SshTarget, object[]>();
    for (const hop of [...target.jumps, target]) methods.set(hop, await authMethods(hop, credentials));
    const link = await links.to(target.jumps, (hop) => methods.get(hop)!, alone);
    if (link) opened.push(link.release);
    const ssh = await logIn({ target, methods: methods.get(target)!, through: link?.ssh, timeoutMs });
    opened.push(() => hangUp(ssh));
    const open = () => becomeRoot(ssh, target, credentials, timeoutMs);
    const shell = await open();
    let second: RootShell | undefined;
    ssh.connection?.on('close', () => {
      for (const one of [shell, second]) one?.fail(new Error('the connection was lost'));
      hangAllUp();
    });
    const another = async (): Promise<RootShell> => {
      if (second?.isOpen) return second;
      // A shell that took too long would keep one of the channels that sshd allows.
      second?.close();
      second = undefined;
      return (second = await open());
    };
    return {
      get isOpen() {
        return shell.isOpen;
      },
      run: (script, options) => shell.run(script, options),
      // sshd may allow one channel only ("MaxSessions 1").
      beside: async (script, options) => (await another().catch(() => shell)).run(script, options),
      close: () => {
        for (const one of [shell, second]) one?.fail(new Error('the connection was closed'));
        hangAllUp();
      },
    };
  } catch (cause) {
    hangAllUp();
    throw cause instanceof KnownError ? cause : new Unreachable(name, describe(cause as Error, target, timeoutMs));
  }
}
