import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ssh2 from 'ssh2';
import type { Cluster } from '../inventory/model.ts';
import { ensureStateDir } from '../secrets/store-file.ts';

/** Path of the lab's own SSH key, as the inventory names it. */
export const labKeyPath = (cluster: Cluster): string =>
  resolve(dirname(cluster.file), cluster.settings.ssh.key ?? join(cluster.stateDir, 'lab_ed25519'));

/** Makes the lab's own SSH key once; returns its public half. */
export function labKey(cluster: Cluster): string {
  const path = labKeyPath(cluster);
  if (!existsSync(path)) {
    ensureStateDir(cluster);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment: `lab of ${cluster.name}` });
    writeFileSync(path, pair.private, { mode: 0o600 });
    writeFileSync(`${path}.pub`, `${pair.public}\n`, { mode: 0o644 });
  }
  chmodSync(path, 0o600);
  return readFileSync(`${path}.pub`, 'utf8').trim();
}
