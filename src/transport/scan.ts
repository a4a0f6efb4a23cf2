import ssh2 from 'ssh2';
import { SCAN_MS } from '../bounds/hosts.ts';
import { HOST_KEY_TYPES, keyType } from './known-hosts.ts';

/** Asks a server for its host key of one type; resolves undefined when it has none. Rejects when it is unreachable. */
function hostKey(host: string, port: number, type: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let key: Buffer | undefined;
    const done = (error?: Error) => {
      client.destroy();
      if (key) resolve(key);
      else if (error?.message.includes('no matching host key format')) resolve(undefined);
      else
        reject(
          error ??
            new Error(
              `${host}:${port} ended the connection before it showed a host key; it may take few connections at once, or none from here for a while (MaxStartups, PerSourcePenalties)`,
            ),
        );
    };
    client.on('error', done);
    client.on('close', () => done());
    client.connect({
      host,
      port,
      username: 'hapg',
      readyTimeout: SCAN_MS,
      algorithms: { serverHostKey: [type] as never },
      hostVerifier: (shown: Buffer) => {
        key = shown;
        // The connection ends before authentication: only the key is needed.
        return false;
      },
    });
  });
}

/**
 * Fetches all host keys of a server, sorted by type so that two scans are equal: one connection per type, as
 * ssh-keyscan does. Rejects when it is unreachable, and when it has no key of a type that hapg can verify.
 */
export async function scanHostKeys(host: string, port: number): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for (const type of HOST_KEY_TYPES) {
    const key = await hostKey(host, port, type);
    if (key) keys.push(key);
  }
  if (keys.length === 0)
    throw new Error(
      `${host}:${port} shows no host key of a kind that hapg can verify (${HOST_KEY_TYPES.join(', ')}); "ssh-keygen -A" on the host makes one`,
    );
  return keys.sort((a, b) => (keyType(a) < keyType(b) ? -1 : 1));
}
