import { z } from 'zod';
import { serviceAccount } from '../given-secret.ts';
import { authority, authorityFile, authorityOption, endpoint, pathInside, type Storage } from './bucket.ts';
import type { RepositoryKind } from './kind.ts';

const schema = z.strictObject({
  kind: z
    .literal('gcs')
    .describe(
      'A bucket of Google Cloud Storage. Bring the key file of its service account with "hapg secrets set gcs-key-BUCKET < FILE"',
    ),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, 'not the name of a bucket')
    .describe('Name of the bucket'),
  endpoint: endpoint.default('storage.googleapis.com'),
  key_type: z
    .enum(['service', 'auto'])
    .default('service')
    .describe(
      'How a host logs in: with the key of a service account, or (auto) as the account of its own virtual machine',
    ),
  path: pathInside,
  ca: authority,
});

interface Gcs extends Storage {
  bucket: string;
  keyType: 'service' | 'auto';
}

const KEY = 'key.json';
const keyName = ({ bucket }: Gcs): string => `gcs-key-${bucket}`;

/** A bucket of Google Cloud Storage. */
export const gcs = {
  name: 'gcs',
  schema,
  settings: ({ bucket, endpoint, key_type, path, ca }, { cluster }) => ({
    bucket,
    endpoint,
    keyType: key_type,
    path: path ?? `/${cluster}`,
    ca,
  }),
  label: ({ bucket }) => bucket,
  place: (its) => `the bucket ${its.bucket} at ${its.endpoint}, path ${its.path}`,
  shared: (its) => `${its.endpoint}/${its.bucket}${its.path}`,
  service({ endpoint }) {
    const [address = '', port = '443'] = endpoint.split(':');
    return { address, port: Number(port) };
  },
  secrets: (its) => (its.keyType === 'service' ? [serviceAccount(keyName(its))] : []),
  files: (its, given) => [
    ...authorityFile(its),
    ...(its.keyType === 'service' ? [{ name: KEY, content: given(keyName(its)) }] : []),
  ],
  options: (its, { file }) => ({
    type: 'gcs',
    'gcs-bucket': its.bucket,
    'gcs-endpoint': its.endpoint,
    'gcs-key-type': its.keyType,
    ...(its.keyType === 'service' ? { 'gcs-key': file(KEY) } : {}),
    ...authorityOption(its, file),
  }),
} satisfies RepositoryKind<'gcs', typeof schema, Gcs>;
