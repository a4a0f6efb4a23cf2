import type { NodeSSH } from 'node-ssh';
import { describe, hangUp, logIn } from './hop.ts';
import type { SshTarget } from './target.ts';

/** A connection to the last of some jump hosts, shared by several hosts. */
export interface JumpConnection {
  ssh: NodeSSH;
  /** Must be called once by each user; the connection ends with the last one. */
  release(): void;
}

interface Shared {
  opened: Promise<NodeSSH>;
  users: number;
  end(): void;
}

/** Authentication methods of a hop; determined before the first connection. */
export type MethodsOf = (hop: SshTarget) => object[];

const nameOf = (jumps: readonly SshTarget[]): string =>
  JSON.stringify(
    jumps.map(({ host, port, known, user, keys, agent, onlyKeys, knownHosts }) => [
      ...[host, port, known, user],
      ...[keys, agent, onlyKeys, knownHosts],
    ]),
  );

/**
 * Connections to jump hosts, one for each distinct chain: thirty hosts behind a bastion are one login there, not thirty
 * at the same moment, which sshd would drop at random (sshd_config(5), MaxStartups).
 */
export class JumpConnections {
  private readonly shared = new Map<string, Shared>();

  constructor(private readonly timeoutMs: number) {}

  /**
   * Connects to the last of these jump hosts, with a connection of its own where it is `alone`. Resolves undefined
   * without jump hosts. Rejects with the reason.
   */
  async to(jumps: readonly SshTarget[], methodsOf: MethodsOf, alone: boolean): Promise<JumpConnection | undefined> {
    if (jumps.length === 0) return undefined;
    if (alone) return this.make(jumps, methodsOf, true);
    const name = nameOf(jumps);
    const shared = this.shared.get(name) ?? this.share(name, jumps, methodsOf);
    shared.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--shared.users === 0) shared.end();
    };
    try {
      return { ssh: await shared.opened, release };
    } catch (cause) {
      release();
      throw cause;
    }
  }

  private share(name: string, jumps: readonly SshTarget[], methodsOf: MethodsOf): Shared {
    const link = this.make(jumps, methodsOf, false);
    const remove = () => {
      if (this.shared.get(name) === shared) this.shared.delete(name);
    };
    const shared: Shared = {
      users: 0,
      opened: link.then(({ ssh }) => {
        // The next user logs in again.
        ssh.connection?.on('close', remove);
        return ssh;
      }),
      end: () => {
        remove();
        link.then(({ release }) => release()).catch(() => undefined);
      },
    };
    this.shared.set(name, shared);
    return shared;
  }

  private async make(jumps: readonly SshTarget[], methodsOf: MethodsOf, alone: boolean): Promise<JumpConnection> {
    const target = jumps.at(-1)!;
    const before = await this.to(jumps.slice(0, -1), methodsOf, alone);
    try {
      const ssh = await logIn({ target, methods: methodsOf(target), through: before?.ssh, timeoutMs: this.timeoutMs });
      return {
        ssh,
        release: () => {
          hangUp(ssh);
          before?.release();
        },
      };
    } catch (cause) {
      before?.release();
      throw new Error(`jump host ${target.host}: ${describe(cause as Error, target, this.timeoutMs)}`);
    }
  }
}
