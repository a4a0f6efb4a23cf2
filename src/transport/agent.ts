import ssh2, { type BaseAgent, type IdentityCallback, type ParsedKey, type SignCallback } from 'ssh2';
import { AGENT_MS } from '../bounds/hosts.ts';

/** Lists the keys of an agent; none where it does not answer. */
export function agentKeys(socket: string): Promise<ParsedKey[]> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve([]), AGENT_MS);
    ssh2.createAgent(socket).getIdentities((_error, keys) => {
      clearTimeout(timer);
      resolve((keys ?? []) as ParsedKey[]);
    });
  });
}

/** An agent of which only some keys are offered: sshd counts each one as an attempt (sshd_config(5), MaxAuthTries). */
export class SomeKeys extends ssh2.BaseAgent<ParsedKey> {
  private readonly agent: BaseAgent;

  constructor(
    socket: string,
    private readonly keys: readonly ParsedKey[],
  ) {
    super();
    this.agent = ssh2.createAgent(socket);
  }

  getIdentities(done: IdentityCallback<ParsedKey>): void {
    done(undefined, [...this.keys]);
  }

  sign(key: ParsedKey, data: Buffer, options: unknown, done?: SignCallback): void {
    this.agent.sign(key, data, options as never, done as SignCallback);
  }
}
