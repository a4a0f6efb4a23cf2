import { z } from 'zod';
import { absolutePath, port } from '../values.ts';
import type { Options, RepositoryFile } from './kind.ts';

/* What storages behind HTTPS have in common. */

export const endpoint = z
  .string()
  .regex(/^[A-Za-z0-9.:-]+$/, 'the name or address of the storage, without https://')
  .describe('Name or address of the storage, without https://');
export const storagePort = port.default(443).describe('Port of the storage');
export const pathInside = absolutePath.optional().describe('Path in the storage; default: /CLUSTER');
export const authority = z
  .string()
  .regex(/^\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'expected a certificate in PEM form')
  .optional()
  .describe(
    "Certificate (PEM) of the authority that signed the storage's certificate; needed where the system does not trust it",
  );

/** A storage behind HTTPS. */
export interface Storage {
  path: string;
  endpoint: string;
  /** The authority of its certificate (PEM), where the system does not know it. */
  ca: string | undefined;
}

const AUTHORITY = 'ca.crt';

/** Returns the file with the storage's authority, where there is one. */
export const authorityFile = ({ ca }: Pick<Storage, 'ca'>): RepositoryFile[] =>
  ca ? [{ name: AUTHORITY, content: `${ca.trim()}\n` }] : [];

/** Returns the option that names that file. */
export const authorityOption = ({ ca }: Pick<Storage, 'ca'>, file: (name: string) => string): Options =>
  ca ? { 'storage-ca-file': file(AUTHORITY) } : {};
