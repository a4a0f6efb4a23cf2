import { z } from 'zod';
import { line } from '../given-secret.ts';
import {
  authority,
  authorityFile,
  authorityOption,
  endpoint,
  pathInside,
  type Storage,
  storagePort,
} from './bucket.ts';
import type { RepositoryKind } from './kind.ts';

const schema = z.strictObject({
  kind: z
    .literal('s3')
    .describe(
      'A bucket of an S3-compatible storage. Bring its keys with "hapg secrets set s3-key-BUCKET" and "s3-secret-BUCKET"',
    ),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'not the name of a bucket')
    .describe('Name of the bucket'),
  endpoint,
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/)
    .default('us-east-1')
    .describe('Region of the bucket'),
  port: storagePort,
  uri_style: z
    .enum(['host', 'path'])
    .default('host')
    .describe('Where a request names the bucket: in the host name or in the path'),
  path: pathInside,
  ca: authority,
});

interface S3 extends Storage {
  bucket: string;
  region: string;
  port: number;
  uriStyle: 'host' | 'path';
}

const names = ({ bucket }: S3) => ({ key: `s3-key-${bucket}`, secret: `s3-secret-${bucket}` });

/** A bucket of an S3-compatible storage. */
export const s3 = {
  name: 's3',
  schema,
  settings: ({ bucket, endpoint, region, port, uri_style, path, ca }, { cluster }) => ({
    bucket,
    endpoint,
    region,
    port,
    uriStyle: uri_style,
    path: path ?? `/${cluster}`,
    ca,
  }),
  label: ({ bucket }) => bucket,
  place: (its) => `the bucket ${its.bucket} at ${its.endpoint}, path ${its.path}`,
  shared: (its) => `${its.endpoint}:${its.port}/${its.bucket}${its.path}`,
  service: ({ endpoint: address, port }) => ({ address, port }),
  secrets: (its) => Object.values(names(its)).map(line),
  files: authorityFile,
  options: (its, { given, file }) => ({
    type: 's3',
    's3-bucket': its.bucket,
    's3-endpoint': its.endpoint,
    's3-region': its.region,
    's3-uri-style': its.uriStyle,
    'storage-port': its.port,
    ...authorityOption(its, file),
    's3-key': given(names(its).key),
    's3-key-secret': given(names(its).secret),
  }),
} satisfies RepositoryKind<'s3', typeof schema, S3>;
