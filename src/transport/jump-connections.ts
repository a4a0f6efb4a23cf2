import { describe } from './hop.ts';
import type { SshTarget } from './target.ts';

/** What was opened on a jump host, and its end. */
export interface Opened<L> {
  link: L;
  /** Calls back when the link is lost. */
  onEnd(listener: () => void): void;
  end(): void;
}

/** A connection to the last of some jump hosts, shared by several hosts. */
export interface JumpConnection<L> {
  link: L;
  /** Must be called once by each user; the connection ends with the last one. */
  release(): void;
}

interface Shared<L> {
  opened: Promise<L>;
  users: number;
  end(): void;
}

/** Connects to a jump host, through the one `before` it, with the credentials `C`. */
export type OpenJump<L, C> = (target: SshTarget, before: L | undefined, credentials: C) => Promise<Opened<L>>;

/**
 * Connections to jump hosts, one for each distinct chain: thirty hosts behind a bastion are one login there, not thirty
 * at the same moment, which sshd would drop at random (sshd_config(5), MaxStartups).
 */
export class JumpConnections<L, C> {
  private readonly shared = new Map<string, Shared<L>>();

  constructor(
    private readonly open: OpenJump<L, C>,
    private readonly timeoutMs: number,
  ) {}

  /**
   * Connects to the last of these jump hosts, with a connection of its own where it is `alone`. Resolves undefined
   * without jump hosts. Rejects with the reason.
   */
  async to(jumps: readonly SshTarget[], credentials: C, alone: boolean): Promise<JumpConnection<L> | undefined> {
    if (jumps.length === 0) return undefined;
    if (alone) {
      const { link, end } = await this.make(jumps, credentials, true);
      return { link, release: end };
    }
    const name = JSON.stringify(jumps);
    const shared = this.shared.get(name) ?? this.share(name, jumps, credentials);
    shared.users++;
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      if (--shared.users === 0) shared.end();
    };
    try {
      return { link: await shared.opened, release };
    } catch (cause) {
      release();
      throw cause;
    }
  }

  private share(name: string, jumps: readonly SshTarget[], credentials: C): Shared<L> {
    const made = this.make(jumps, credentials, false);
    const remove = () => {
      if (this.shared.get(name) === shared) this.shared.delete(name);
    };
    const shared: Shared<L> = {
      users: 0,
      opened: made.then(({ link, onEnd }) => {
        // The next user logs in again.
        onEnd(remove);
        return link;
      }),
      end: () => {
        remove();
        made.then(({ end }) => end()).catch(() => undefined);
      },
    };
    this.shared.set(name, shared);
    return shared;
  }

  private async make(jumps: readonly SshTarget[], credentials: C, alone: boolean): Promise<Opened<L>> {
    const target = jumps.at(-1)!;
    const before = await this.to(jumps.slice(0, -1), credentials, alone);
    try {
      const opened = await this.open(target, before?.link, credentials);
      return {
        ...opened,
        end: () => {
          opened.end();
          before?.release();
        },
      };
    } catch (cause) {
      before?.release();
      throw new Error(`jump host ${target.host}: ${describe(cause as Error, target, this.timeoutMs)}`);
    }
  }
}
