import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { Secret } from '../secret.ts';

/** Names of the separate authorities: a key of one service opens nothing of another. */
export const AUTHORITIES = ['etcd', 'zookeeper', 'patroni', 'postgres', 'pgbackrest', 'monitoring'] as const;
export type AuthorityName = (typeof AUTHORITIES)[number];

export interface Authority {
  name: AuthorityName;
  /** The certificate (PEM); public. */
  certificate: string;
  /** The key (PKCS#8 PEM); stays on the controller. */
  key: Secret;
}

const DAY_MS = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Lifetime of a leaf certificate (days); it is renewed below a third of it. */
const LEAF_DAYS = 365;
const AUTHORITY_DAYS = 3650;

/** Fingerprints by PEM. Every host of a plan asks for those of the same few authorities. */
const fingerprints = new Map<string, string>();

/** Returns the SHA-256 of a certificate (hex), which distinguishes authorities in the cluster's identity. */
export function authorityFingerprint(pem: string): string {
  let fingerprint = fingerprints.get(pem);
  if (fingerprint === undefined) {
    fingerprint = createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
    fingerprints.set(pem, fingerprint);
  }
  return fingerprint;
}

const serial = () => `00${randomBytes(15).toString('hex')}`;

/** Loads the X.509 library, which only runs that sign need. */
const x509 = async () => {
  await import('reflect-metadata');
  return import('@peculiar/x509');
};

/** Makes a new self-signed authority. */
export async function createAuthority(cluster: string, name: AuthorityName): Promise<Authority> {
  const {
    X509CertificateGenerator,
    BasicConstraintsExtension,
    KeyUsagesExtension,
    KeyUsageFlags,
    SubjectKeyIdentifierExtension,
  } = await x509();
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      // The date distinguishes two of them while both are trusted.
      name: `CN=${cluster} ${name} authority ${new Date().toISOString().slice(0, 10)}`,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + AUTHORITY_DAYS * DAY_MS),
      keys: keys as never,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey as never),
      ],
    },
    webcrypto as never,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const pem = `-----BEGIN ${'PRIVATE KEY'}-----\n${pkcs8.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END ${'PRIVATE KEY'}-----\n`;
  return { name, certificate: `${certificate.toString('pem')}\n`, key: new Secret(pem) };
}

export interface LeafNames {
  commonName: string;
  dns: readonly string[];
  ips: readonly string[];
}

/**
 * Signs a host's request. It takes only the public key, which the request's signature proves; the names come from the
 * model. Throws when that signature is wrong.
 */
export async function signLeaf(authority: Authority, request: string, names: LeafNames): Promise<string> {
  const x = await x509();
  const csr = new x.Pkcs10CertificateRequest(request);
  if (!(await csr.verify(webcrypto as never))) throw new Error('the signature of the certificate request is wrong');
  const key = await webcrypto.subtle.importKey(
    'pkcs8',
    Buffer.from(authority.key.reveal().replace(/-----[^-]+-----/g, ''), 'base64'),
    ALGORITHM,
    false,
    ['sign'],
  );
  const issuer = new x.X509Certificate(authority.certificate);
  const certificate = await x.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: `CN=${names.commonName}`,
      issuer: issuer.subject,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + LEAF_DAYS * DAY_MS),
      publicKey: csr.publicKey,
      signingKey: key as never,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x.BasicConstraintsExtension(false, undefined, true),
        new x.KeyUsagesExtension(x.KeyUsageFlags.digitalSignature | x.KeyUsageFlags.keyEncipherment, true),
        new x.ExtendedKeyUsageExtension([x.ExtendedKeyUsage.serverAuth, x.ExtendedKeyUsage.clientAuth]),
        new x.SubjectAlternativeNameExtension([
          ...names.dns.map((value) => ({ type: 'dns' as const, value })),
          ...names.ips.map((value) => ({ type: 'ip' as const, value })),
        ]),
        await x.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto as never),
      ],
    },
    webcrypto as never,
  );
  return `${certificate.toString('pem')}\n`;
}

/**
 * Returns why a leaf must be renewed, or undefined when it is as wanted. `now` is the time, leaves issued before
 * `issuedSince` are renewed (ms since the epoch). Pure.
 */
export function leafProblem(
  pem: string,
  authority: Pick<Authority, 'certificate'>,
  names: LeafNames,
  now: number,
  issuedSince = 0,
): string | undefined {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(pem);
  } catch {
    return 'not a certificate';
  }
  if (!leaf.verify(new X509Certificate(authority.certificate).publicKey)) return 'signed by another authority';
  const from = Date.parse(leaf.validFrom);
  const to = Date.parse(leaf.validTo);
  // A certificate has whole seconds only (RFC 5280, 4.1.2.5): one of the same second as the order is new enough.
  if (from + DAY_MS < Math.floor(issuedSince / 1000) * 1000) return 'to be renewed';
  if (to - now < (to - from) / 3) return `expires on ${new Date(to).toISOString().slice(0, 10)}`;
  if (leaf.subject !== `CN=${names.commonName}`) return `made for ${leaf.subject}, not CN=${names.commonName}`;
  const present = (leaf.subjectAltName ?? '')
    .split(', ')
    .filter(Boolean)
    .map((name) => name.toLowerCase());
  const want = [...names.dns.map((name) => `dns:${name}`), ...names.ips.map((ip) => `ip address:${spellIp(ip)}`)];
  const missing = want.filter((name) => !present.includes(name));
  const extra = present.filter((name) => !want.includes(name));
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  return extra.length > 0 ? `has too many names: ${extra.join(', ')}` : undefined;
}

/** Formats an address as Node prints it: IPv6 in full upper-case groups without leading zeros. */
function spellIp(ip: string): string {
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
