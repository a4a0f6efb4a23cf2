import { generateKeyPairSync } from 'node:crypto';
import type { Cluster } from '../../src/inventory/model.ts';
import { parseFacts } from '../../src/observe/host.ts';
import type { Context } from '../../src/playbook.ts';
import { Secret } from '../../src/secret.ts';
import { contextFor, labCluster } from './model.ts';

const PEM = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
const AUTHORITY = '"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"';
const FINGERPRINT = 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU';

/** One entry of each kind and of each of its forms. */
export const ENTRIES: Record<string, string> = {
  host: 'kind: host',
  directory: 'kind: directory, path: /mnt/backups',
  's3, in the path': 'kind: s3, bucket: backups, endpoint: s3.example.com, uri_style: path',
  's3, with an authority': `kind: s3, bucket: backups, endpoint: s3.example.com, port: 9000, ca: ${AUTHORITY}`,
  gcs: 'kind: gcs, bucket: backups_of.ours',
  'gcs, as the machine, at another place': `kind: gcs, bucket: backups, key_type: auto, endpoint: "gcs.example.com:8443", path: /a, ca: ${AUTHORITY}`,
  azure: 'kind: azure, account: ours, container: backups',
  'azure, with a signature': `kind: azure, account: theirs, container: backups, key_type: sas, uri_style: path, endpoint: 10.0.0.9, port: 10000, ca: ${AUTHORITY}`,
  'azure, as the machine': 'kind: azure, account: ours, container: backups, key_type: auto',
  sftp: `kind: sftp, host: sftp.example.com, user: backup, path: /srv/backups, fingerprint: "${FINGERPRINT}"`,
  'sftp, with digits': `kind: sftp, host: 10.0.0.8, port: 2222, user: backup, path: /srv/backups, fingerprint: ${'ab'.repeat(20)}`,
};

/** What an operator brings for them. */
export const GIVEN: Record<string, string> = {
  's3-key-backups': 'the-key-of-the-bucket',
  's3-secret-backups': 'the-secret-of-the-bucket',
  'gcs-key-backups_of.ours': `${JSON.stringify({ client_email: 'a@b.example', private_key: PEM, token_uri: 'https://b.example/token' })}\n`,
  'azure-key-ours': 'dGhlIGtleSBvZiB0aGUgYWNjb3VudA==',
  'azure-key-theirs': 'sv=2024-11-04&ss=b&sig=c2lnbmF0dXJl%3D',
  'sftp-key-sftp.example.com': String(PEM),
  'sftp-key-10.0.0.8': String(PEM),
};

/** The lab with these entries as its repositories, with or without its backup host. */
export function withRepositories(entries: readonly string[], dedicated = true): Cluster {
  const list = entries.map((entry) => `{${entry}}`).join(', ');
  return labCluster(
    ['pgbackrest:\n', `pgbackrest:\n  repositories: [${list}]\n`],
    ...(dedicated ? [] : [['roles: [pgbackrest]', 'roles: [client]'] as [string, string]]),
  );
}

/** A context with everything that an operator brings, on hosts with this version of pgBackRest. */
export async function contextWithKeys(cluster: Cluster, version = '2.58.0'): Promise<Context> {
  const context = await contextFor(cluster);
  // Kept in memory: nothing is written for a store that is not saved.
  Object.assign(context.secrets, { save: async () => undefined });
  for (const [name, value] of Object.entries(GIVEN)) await context.secrets.setExternalSecret(name, new Secret(value));
  const facts = factsWith(version);
  return { ...context, facts: () => facts };
}

/** Facts of a Debian 13 host with this version of pgBackRest. */
export const factsWith = (version: string) => {
  const facts = parseFacts('id=debian\ncodename=trixie\ncpus=4\nmemory=16777216\nvirt=kvm\nipv6=yes\nsshport=22\n');
  return { ...facts, versions: { ...facts.versions, pgbackrest: version } };
};
