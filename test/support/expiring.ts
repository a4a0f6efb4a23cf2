import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pkcs10CertificateRequest, X509CertificateGenerator } from '@peculiar/x509';
import { parse } from 'yaml';
import type { TestLab } from './lab.ts';

const DAY_MS = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * sh that replaces a host's REST certificate with one that its own authority signed for its own key 300 days ago, and
 * that expires in 65 days.
 */
export async function expiringCertificate(lab: TestLab, host: string): Promise<string> {
  const store = parse(readFileSync(join(lab.directory, '.hapg', lab.cluster, 'secrets.yaml'), 'utf8')) as {
    authorities: Record<string, { key: string; certificate: string }>;
  };
  const key = createPrivateKey(store.authorities.patroni!.key).export({ type: 'pkcs8', format: 'der' });
  const request = lab.on(host, `openssl req -new -key /etc/patroni/pki/rest.key -subj /CN=${host}`).out;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: '01',
      subject: `CN=${host}`,
      issuer: 'CN=signed long ago',
      notBefore: new Date(Date.now() - 300 * DAY_MS),
      notAfter: new Date(Date.now() + 65 * DAY_MS),
      signingAlgorithm: ALGORITHM,
      signingKey: (await webcrypto.subtle.importKey('pkcs8', key, ALGORITHM, false, ['sign'])) as never,
      publicKey: new Pkcs10CertificateRequest(request).publicKey,
    },
    webcrypto as never,
  );
  return `cat > /etc/patroni/pki/rest.crt <<'END'\n${certificate.toString('pem')}\nEND`;
}
