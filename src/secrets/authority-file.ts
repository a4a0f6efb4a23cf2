import { X509Certificate } from 'node:crypto';
import { Refused } from '../errors.ts';
import { readWhole, replaceFile } from './durable-file.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Whether a text is nothing but certificates of this cluster's authorities for PostgreSQL, also former ones. */
function isAuthorityOf(text: string, cluster: string): boolean {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0 || text.replaceAll(BLOCK, '').trim() !== '') return false;
  return blocks.every((pem) => {
    try {
      const { ca, subject } = new X509Certificate(pem);
      return ca && subject.startsWith(`CN=${cluster} postgres authority `);
    } catch {
      return false;
    }
  });
}

/**
 * Writes the CA certificates (PEM) that clients verify servers with, for everybody to read; a crash leaves the former
 * file or the new one. Throws Refused where another file is there, and where it cannot be written.
 */
export async function writeAuthority(file: string, pem: string, cluster: string): Promise<void> {
  const there = readWhole(file)?.bytes.toString('utf8');
  if (there === pem) return;
  if (there !== undefined && !isAuthorityOf(there, cluster))
    throw new Refused(
      `${file} is there already, and is no CA certificate of ${cluster}: name another file`,
      'directory',
    );
  await replaceFile(file, Buffer.from(pem), () => undefined, 0o644);
}
