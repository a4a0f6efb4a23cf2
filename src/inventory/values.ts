import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { calendarMistake } from './calendar.ts';

/* The values that an inventory is made of, each with the words for a person who wrote another. */

export const port = z.int('expected a port number').min(1).max(65535);
export const hostName = z
  .string('expected a name')
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a name has lower-case letters, digits and inner dashes, at most 63');
export const clusterName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a cluster name starts with a letter and has a-z, 0-9 and -, at most 40 characters');
/** An SQL name that needs no quoting anywhere, so that it means the same in psql, pg_hba.conf and a URI. */
export const sqlName = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'use lower-case letters, digits and _, starting with a letter');
export const address = z.string('expected an IP address in quotes or plain').superRefine((text, context) => {
  const mistake = addressMistake(text);
  if (mistake) context.addIssue({ code: 'custom', message: mistake });
});

const isAddress = (text: string): boolean => ipaddr.isValid(text) && !text.includes('%') && /^[0-9.]+$|:/.test(text);

/** Returns why a text is no IP address, with the form that was meant; undefined where it is one. */
function addressMistake(text: string): string | undefined {
  if (isAddress(text)) return undefined;
  const [bare = '', prefix] = text.split('/');
  if (prefix !== undefined && isAddress(bare)) return `${text} has a prefix length: write ${bare}`;
  const parts = text.split('.');
  const above = /^\d+(\.\d+){3}$/.test(text) ? parts.find((part) => Number(part) > 255) : undefined;
  if (above) return `${text} is no IP address: ${above} is more than 255`;
  if (/^[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*$/.test(text))
    return `${text} is a name, and the other hosts, the firewall and etcd need an IP address here. Only the controller may use the name: ssh: {host: ${text}}`;
  return `${text} is no IP address (written in full, without a prefix length)`;
}
export const network = z
  .string('expected a network such as 10.1.1.0/24')
  // 10/8 would be a network of 0.0.0.10, and 010.0.0.0/8 would be 8.0.0.0/8; PostgreSQL and ufw know no zones.
  .refine((text) => ipaddr.isValidCIDR(text) && /^(0|[1-9]\d*)(\.(0|[1-9]\d*)){3}\/|^[^%]*:[^%]*$/.test(text), {
    message: 'not a network in CIDR form, such as 10.1.1.0/24',
  });
/** A name or an address that clients use; it ends up in URIs and certificates. */
export const endpointHost = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$|^[0-9a-f:]+$/, 'expected the name or address of an endpoint, in lower case');
export const oneLine = z.string().refine((text) => !/[\r\n\0]/.test(text), { message: 'must be one line' });
/** Returns the normal form of an absolute path: `/srv//pg/./data/` is `/srv/pg/data`. */
export const normalPath = (path: string): string =>
  `/${path
    .split('/')
    .filter((part) => part && part !== '.')
    .join('/')}`;
export const absolutePath = z
  .string()
  .regex(/^\/[A-Za-z0-9._@+/-]*$/, 'expected an absolute path of plain characters')
  .transform(normalPath);
export const seconds = z.int().positive();
/** A value of a PostgreSQL setting: text, number or boolean; postgresql.conf has no line breaks in a value. */
export const setting = z.union([oneLine, z.number(), z.boolean()], 'a setting is a text, a number, true or false');
/** A calendar expression of systemd. */
export const calendar = oneLine.superRefine((text, context) => {
  const mistake = calendarMistake(text);
  if (mistake) context.addIssue({ code: 'custom', message: mistake });
});
/** A mapping of PostgreSQL settings. */
export const parametersOf = (description: string) =>
  z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.$]*$/, 'not a setting of PostgreSQL'), setting)
    .describe(description);
export const interfaceName = z.string().regex(/^[A-Za-z0-9._-]{1,15}$/, 'not an interface name');

/** A program of the operator's with its arguments; a relative path with a slash begins at the inventory's directory. */
export const ownProgram = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
  error: 'a program, such as ./hooks/check, or a list of a program and its arguments',
});
