import { z } from 'zod';
import { base64Key, line } from '../given-secret.ts';
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
    .literal('azure')
    .describe('A container of Azure Blob Storage. Bring its key with "hapg secrets set azure-key-ACCOUNT"'),
  account: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, 'the name of a storage account has 3 to 24 lower-case letters and digits')
    .describe('Name of the storage account'),
  container: z
    .string()
    .regex(/^[a-z0-9](-?[a-z0-9]){2,62}$/, 'not the name of a container')
    .describe('Name of the container'),
  endpoint: endpoint.default('blob.core.windows.net'),
  port: storagePort,
  key_type: z
    .enum(['shared', 'sas', 'auto'])
    .default('shared')
    .describe(
      'How a host logs in: with the key of the account, with a shared access signature, or (auto) as the identity of its own virtual machine, which needs pgBackRest 2.58',
    ),
  uri_style: z
    .enum(['host', 'path'])
    .default('host')
    .describe('Where a request names the account: in the host name or in the path'),
  path: pathInside,
  ca: authority,
});

interface Azure extends Storage {
  account: string;
  container: string;
  port: number;
  keyType: 'shared' | 'sas' | 'auto';
  uriStyle: 'host' | 'path';
}

const keyName = ({ account }: Azure): string => `azure-key-${account}`;

/** A container of Azure Blob Storage. */
export const azure = {
  name: 'azure',
  schema,
  settings: ({ account, container, endpoint, port, key_type, uri_style, path, ca }, { cluster }) => ({
    account,
    container,
    endpoint,
    port,
    keyType: key_type,
    uriStyle: uri_style,
    path: path ?? `/${cluster}`,
    ca,
  }),
  label: ({ container }) => container,
  place: (its) => `the container ${its.container} of ${its.account} at ${its.endpoint}, path ${its.path}`,
  shared: (its) => `${its.endpoint}:${its.port}/${its.account}/${its.container}${its.path}`,
  service: (its) => ({
    address: its.uriStyle === 'host' ? `${its.account}.${its.endpoint}` : its.endpoint,
    port: its.port,
  }),
  secrets: (its) =>
    its.keyType === 'shared' ? [base64Key(keyName(its))] : its.keyType === 'sas' ? [line(keyName(its))] : [],
  files: authorityFile,
  options: (its, { given, file }) => ({
    type: 'azure',
    'azure-account': its.account,
    'azure-container': its.container,
    'azure-endpoint': its.endpoint,
    'azure-uri-style': its.uriStyle,
    'azure-key-type': its.keyType,
    'storage-port': its.port,
    ...authorityOption(its, file),
    ...(its.keyType === 'auto' ? {} : { 'azure-key': given(keyName(its)) }),
  }),
  needs: ({ keyType }, able) =>
    keyType === 'auto' && !able.azureIdentity ? 'key_type: auto needs pgBackRest 2.58' : undefined,
} satisfies RepositoryKind<'azure', typeof schema, Azure>;
