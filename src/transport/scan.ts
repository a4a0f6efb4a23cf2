import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { SCAN_MS } from '../bounds/hosts.ts';
import { describe, type Failure } from './hop.ts';
import { HOST_KEY_TYPES, keyType } from './known-hosts.ts';
import { opensshConfig } from './openssh.ts';
import { type ProgramStream, startCommand, startProgram } from './program-stream.ts';
import type { SshTarget } from './target.ts';

/** How a server is reached: a new stream for each connection; undefined: by TCP. */
type Way = (() => ProgramStream) | undefined;

/** Asks a server for its host key of one of these types; resolves undefined when it has none. Rejects when it is unreachable. */
function hostKey(target: SshTarget, types: readonly string[], way: Way): Promise<Buffer | undefined> {
  const { host, port, family, bindAddress } = target;
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const stream = way?.();
    let key: Buffer | undefined;
    const done = (error?: Failure) => {
      client.destroy();
      stream?.destroy();
      if (key) resolve(key);
      else if (error?.message.includes('no matching host key format')) resolve(undefined);
      else if (stream && stream.said.length > 0)
        reject(new Error(`${host}:${port}: ${stream.said.slice(-2).join('; ')}`));
      else
        reject(
          new Error(
            error
              ? describe(error, target, SCAN_MS)
              : `${host}:${port} ended the connection before it showed a host key; it may take few connections at once, or none from here for a while (MaxStartups, PerSourcePenalties)`,
          ),
        );
    };
    client.on('error', done);
    client.on('close', () => done());
    client.connect({
      ...(stream
        ? { sock: stream }
        : { host, port, forceIPv4: family === 4, forceIPv6: family === 6, localAddress: bindAddress }),
      username: 'hapg',
      readyTimeout: SCAN_MS,
      algorithms: { serverHostKey: [...types] as never },
      hostVerifier: (shown: Buffer) => {
        key = shown;
        // The connection ends before authentication: only the key is needed.
        return false;
      },
    });
  });
}

/**
 * Fetches all host keys of a server, sorted by type so that two scans are equal. It takes one connection for each key and
 * one more, since sshd counts connections without a login (sshd_config(5), PerSourcePenalties). A server behind jump hosts
 * is reached by the OpenSSH client. Rejects when it is unreachable, and when it has no key of a type that hapg can verify.
 */
export async function scanHostKeys(target: SshTarget): Promise<Buffer[]> {
  const { host, port, command, jumps } = target;
  const directory = jumps.length > 0 ? mkdtempSync(join(tmpdir(), 'hapg-scan-')) : undefined;
  let way: Way = command === undefined ? undefined : () => startCommand(command);
  if (directory) {
    const last = { ...jumps.at(-1)!, jumps: jumps.slice(0, -1) };
    const config = join(directory, 'config');
    writeFileSync(config, opensshConfig(last), { mode: 0o600 });
    way = () =>
      startProgram('ssh', [
        '-F',
        config,
        '-o',
        'BatchMode=yes',
        '-o',
        'LogLevel=ERROR',
        '-W',
        `[${host}]:${port}`,
        last.alias,
      ]);
  }
  try {
    const keys: Buffer[] = [];
    let types = [...HOST_KEY_TYPES];
    while (types.length > 0) {
      const key = await hostKey(target, types, way);
      if (!key) break;
      keys.push(key);
      const type = keyType(key);
      types = types.filter((one) => one !== (type === 'ssh-rsa' ? 'rsa-sha2-512' : type));
    }
    if (keys.length === 0)
      throw new Error(
        `${host}:${port} shows no host key of a kind that hapg can verify (${HOST_KEY_TYPES.join(', ')}); "ssh-keygen -A" on the host makes one`,
      );
    return keys.sort((a, b) => (keyType(a) < keyType(b) ? -1 : 1));
  } finally {
    if (directory) rmSync(directory, { recursive: true, force: true });
  }
}
