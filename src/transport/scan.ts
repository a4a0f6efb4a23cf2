import ssh2 from 'ssh2';
import { keyType } from './known-hosts.ts';

/** What `hapg trust` asks for, strongest first; one connection a type, as ssh-keyscan does. */
const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512'];
const TIMEOUT_MS = 10_000;

/** Asks a server for its host key of one type; resolves undefined when it has none. Rejects when it cannot be reached. */
function hostKey(host: string, port: number, type: string): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let key: Buffer | undefined;
    const done = (error?: Error & { level?: string; code?: string }) => {
      client.destroy();
      if (key) resolve(key);
      else if (error?.level === 'handshake') resolve(undefined);
      else if (error) reject(error);
      else resolve(undefined);
    };
    client.on('error', done);
    client.on('close', () => done());
    client.connect({
      host,
      port,
      username: 'hapg',
      readyTimeout: TIMEOUT_MS,
      algorithms: { serverHostKey: [type] as never },
      hostVerifier: (shown: Buffer) => {
        key = shown;
        // Only the key is wanted; nobody logs in.
        return false;
      },
    });
  });
}

/** All host keys of a server, sorted by type so that two scans are equal. Rejects when it cannot be reached. */
export async function scanHostKeys(host: string, port: number): Promise<Buffer[]> {
  const keys: Buffer[] = [];
  for (const type of TYPES) {
    const key = await hostKey(host, port, type);
    if (key) keys.push(key);
  }
  return keys.sort((a, b) => (keyType(a) < keyType(b) ? -1 : 1));
}
