/** The fingerprint of a host key as pgBackRest compares it. */
export interface Fingerprint {
  hash: 'md5' | 'sha1' | 'sha256';
  /** Lower-case hexadecimal digits. */
  hex: string;
}

const LENGTHS: Record<number, Fingerprint['hash']> = { 32: 'md5', 40: 'sha1', 64: 'sha256' };

/**
 * Reads a fingerprint as `ssh-keygen -l` prints it (`SHA256:...` in base64, `MD5:aa:bb:...`), or in hexadecimal digits,
 * whose number tells the hash. Returns undefined for any other text.
 */
export function parseFingerprint(text: string): Fingerprint | undefined {
  const base64 = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text)?.[1];
  if (base64) return { hash: 'sha256', hex: Buffer.from(base64, 'base64').toString('hex') };
  const hex = text.replace(/^MD5:/, '').replaceAll(':', '').toLowerCase();
  const hash = /^[0-9a-f]+$/.test(hex) ? LENGTHS[hex.length] : undefined;
  return hash && { hash, hex };
}
