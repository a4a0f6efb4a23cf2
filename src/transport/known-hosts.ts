import { createHash, createHmac } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
interface Entry {
  marker: string | undefined;
  patterns: string;
  type: string;
  key: string;
  where: string;
  /** The line has no port, and the port of the host is not 22: it proves the right key, and says nothing of another. */
  anyPort?: boolean;
}

export type KeyVerdict =
  | { ok: true }
  /** No line for this host. */
  | { ok: false; kind: 'unknown'; reason: string }
  /** A line of the same type has another key, or the key is revoked. */
  | { ok: false; kind: 'mismatch'; reason: string };

/** `SHA256:...` as ssh-keygen prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The algorithm name inside an SSH public key blob (RFC 4253, 6.6). */
export const keyType = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString('ascii');

/**
 * Types of host keys that hapg can verify (those of ssh2), strongest first; `rsa-sha2-512` stands for every RSA key.
 */
export const HOST_KEY_TYPES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
];

/** Returns the name of a host in known_hosts: `host`, or `[host]:port` when the port is not 22. */
export const knownName = (host: string, port: number): string => (port === 22 ? host : `[${host}]:${port}`);

/** Appends the key of a host to a file in the format of known_hosts, which is made where it is missing. */
export function addKnownHost(file: string, host: string, port: number, key: Buffer): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const line = `${knownName(host, port)} ${keyType(key)} ${key.toString('base64')}\n`;
  appendFileSync(file, `${text && !text.endsWith('\n') ? '\n' : ''}${line}`, { mode: 0o600 });
}

function parse(text: string, file: string): Entry[] {
  return text.split('\n').flatMap((line, index) => {
    const fields = line.trim().split(/\s+/);
    if (!fields[0] || fields[0].startsWith('#')) return [];
    const marker = fields[0].startsWith('@') ? fields.shift() : undefined;
    const [patterns, type, key] = fields;
    return patterns && type && key ? [{ marker, patterns, type, key, where: `${file}:${index + 1}` }] : [];
  });
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith('|1|')) {
    const [, , salt, hash] = patterns.split('|');
    return (
      createHmac('sha1', Buffer.from(salt ?? '', 'base64'))
        .update(name)
        .digest('base64') === hash
    );
  }
  let found = false;
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!');
    const glob = new RegExp(
      `^${pattern
        .slice(negated ? 1 : 0)
        .replace(/[.+^$()|\\{}[\]]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      'i',
    );
    if (!glob.test(name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/** The accepted host keys; immutable once read. */
export class KnownHosts {
  private constructor(private readonly entries: readonly Entry[]) {}

  static read(files: readonly string[]): KnownHosts {
    return new KnownHosts(
      files.filter((file) => existsSync(file)).flatMap((file) => parse(readFileSync(file, 'utf8'), file)),
    );
  }

  static parse(text: string, file = 'known_hosts'): KnownHosts {
    return new KnownHosts(parse(text, file));
  }

  /** Lines of a host. As with ssh, one without a port counts where none has this port (sshconnect.c, check_host_key). */
  private lines(host: string, port: number): Entry[] {
    const named = (name: string) => this.entries.filter((entry) => matches(entry.patterns, name.toLowerCase()));
    const lines = named(knownName(host, port));
    return lines.length > 0 || port === 22 ? lines : named(host).map((line) => ({ ...line, anyPort: true }));
  }

  /** Key types known for a host that hapg can verify; the server is asked for one of these. */
  types(host: string, port: number): string[] {
    const types = this.lines(host, port)
      .filter((entry) => entry.marker === undefined)
      .flatMap((entry) => (entry.type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [entry.type]));
    return [...new Set(types)].filter((type) => HOST_KEY_TYPES.includes(type) || type === 'rsa-sha2-256');
  }

  /** Why ssh2 cannot verify a host for which there are lines; undefined where it can, and where there are none. */
  beyond(host: string, port: number): string | undefined {
    const lines = this.lines(host, port).filter(({ marker }) => marker !== '@revoked');
    const [one] = lines;
    if (!one || this.types(host, port).length > 0) return undefined;
    return one.marker ? `the certificate authority of ${one.where}` : `the ${one.type} host key of ${one.where}`;
  }

  /** The keys known for a host, in base64. A server that shows one of them is that host, whatever its name. */
  keys(host: string, port: number): string[] {
    return this.lines(host, port)
      .filter((entry) => entry.marker === undefined)
      .map((entry) => entry.key);
  }

  /** Judges a server's key. Lines of certificate authorities do not count: ssh2 offers no host certificates. */
  verify(host: string, port: number, key: Buffer): KeyVerdict {
    const blob = key.toString('base64');
    const type = keyType(key);
    const lines = this.lines(host, port);
    const revoked = lines.find((entry) => entry.marker === '@revoked' && entry.key === blob);
    const shown = `${type} ${fingerprint(key)}`;
    if (revoked) return { ok: false, kind: 'mismatch', reason: `its host key ${shown} is revoked (${revoked.where})` };
    const plain = lines.filter((entry) => entry.marker === undefined);
    if (plain.some((entry) => entry.key === blob)) return { ok: true };
    const sure = plain.filter(({ anyPort }) => !anyPort);
    const other = sure.find((entry) => entry.type === type) ?? sure[0];
    if (other)
      return {
        ok: false,
        kind: 'mismatch',
        reason: `its host key is ${shown}, but ${other.where} has another one. If the host was rebuilt on purpose, remove that line and run "hapg trust"; else somebody may be in between`,
      };
    return {
      ok: false,
      kind: 'unknown',
      reason: `its host key ${shown} is not known. Compare it and run "hapg trust"`,
    };
  }
}
