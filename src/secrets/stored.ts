import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { z } from 'zod';

/** Secrets by name; without a prototype, for a user of PostgreSQL may be called `constructor`. */
export type Named = Record<string, string>;

export interface StoredAuthority {
  certificate: string;
  key: string;
  /** Trusted already, signs nothing yet. */
  next?: { certificate: string; key: string };
  /** Trusted still, signs nothing any more. */
  previous?: string;
}

/** What the secret store holds. Keys of a newer hapg that are not listed here are kept as they are. */
export interface Stored {
  uuid: string;
  generation: number;
  /** SHA-256 of the inventory that this generation stands for. */
  inventory: string;
  /** Raised by every change; absent where only an older hapg has written it. */
  revision?: number;
  /** Random names of the last revisions, the present one last: two copies that were changed apart differ here. */
  lineage?: string[];
  /** Who made the present revision, and when. */
  changed?: { by: string; at: string };
  passwords: Named;
  users: Named;
  authorities: Record<string, StoredAuthority>;
  /** Brought by a person, such as the keys of a storage. */
  given?: Named;
  /** PEM of what the servers of the source show themselves with, in a copy. */
  source?: string;
  /** Somebody has asked to see what is in here; noted by an older hapg. */
  shown?: boolean;
  /** Of a rotation that is under way: made and kept before any host hears of them. */
  next?: { passwords: Named; users: Named };
}

/** The text is no secret store; the message says why, without the name of the file and without a word of what is in it. */
export class Damage extends Error {}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Not z.record, which takes a map with the key `constructor` for no map. */
const named = z.unknown().superRefine((value, context) => {
  const say = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
  if (!isMap(value)) return say('expected names with their secrets');
  for (const [name, secret] of Object.entries(value))
    if (typeof secret !== 'string' || !/^[^\r\n\0]+$/.test(secret)) say('expected a text of one line', [name]);
});

/** SHA-256 of the texts that have passed a check: of a certificate alone, or of a certificate with its key. */
const passed = new Set<string>();

/**
 * Whether a check of PEM texts passes; false where it throws. A command reads its store several times, and reading one
 * private key takes half a millisecond, so what has passed once is not checked again.
 */
function passes(check: (...pem: string[]) => boolean, ...pem: string[]): boolean {
  const digest = createHash('sha256').update(JSON.stringify(pem)).digest('hex');
  if (passed.has(digest)) return true;
  try {
    if (!check(...pem)) return false;
  } catch {
    return false;
  }
  passed.add(digest);
  return true;
}

const certificate = z
  .string()
  .refine((pem) => passes((text) => Boolean(new X509Certificate(text!)), pem), 'is no certificate');

const signer = { certificate, key: z.string() };
const fits = (one: { certificate: string; key: string }): boolean =>
  passes((pem, key) => new X509Certificate(pem!).checkPrivateKey(createPrivateKey(key!)), one.certificate, one.key);
const KEY = 'its key does not belong to its certificate';

const schema = z.looseObject({
  uuid: z.string().min(1),
  generation: z.int().nonnegative(),
  inventory: z.string(),
  revision: z.int().nonnegative().optional(),
  lineage: z.array(z.string()).optional(),
  changed: z.looseObject({ by: z.string(), at: z.string() }).optional(),
  passwords: named,
  users: named,
  authorities: z.record(
    z.string(),
    z
      .looseObject({
        ...signer,
        next: z.looseObject(signer).refine(fits, KEY).optional(),
        previous: certificate.optional(),
      })
      .refine(fits, KEY),
  ),
  given: named.optional(),
  source: z.string().optional(),
  shown: z.boolean().optional(),
  next: z.looseObject({ passwords: named, users: named }).optional(),
});

/** No names yet. */
export const noNames = (): Named => Object.create(null) as Named;
const withoutPrototype = (map: Named): Named => Object.assign(noNames(), map);

/** Where a merge has left its marks (git-merge, "How conflicts are presented"). */
const MERGE = /^(?:<{7} |={7}$|>{7} |\|{7} )/;

/** Reads the text of a store. Throws Damage. */
export function parseStored(text: string): Stored {
  if (text.trim() === '') throw new Damage('is empty, as after a power cut or a full disk');
  const merge = text.split(/\r?\n/).findIndex((line) => MERGE.test(line));
  if (merge >= 0)
    throw new Damage(
      `holds the marks of a merge (line ${merge + 1}): two copies of it were changed apart. Take the one whole whose revision the hosts know (/etc/hapg/cluster.json)`,
    );
  const data = readYaml(text);
  const read = schema.safeParse(data);
  if (!read.success) {
    const [first, ...more] = read.error.issues;
    const what = `${first!.path.map(String).join('.') || 'the whole'}: ${first!.message}`;
    throw new Damage(`is no secret store (${what}${more.length > 0 ? `, and ${more.length} more` : ''})`);
  }
  // What was read rather than what the schema made of it, so that nothing is lost.
  const stored = data as unknown as Stored;
  stored.passwords = withoutPrototype(stored.passwords);
  stored.users = withoutPrototype(stored.users);
  if (stored.given) stored.given = withoutPrototype(stored.given);
  if (stored.next)
    stored.next = {
      ...stored.next,
      passwords: withoutPrototype(stored.next.passwords),
      users: withoutPrototype(stored.next.users),
    };
  return stored;
}

/** The library's messages quote the text, which nobody may see; so only the kind of fault and its place are told. */
function readYaml(text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new Damage(
      `is no YAML (line ${line}, column ${col}: ${error.code.toLowerCase().replaceAll('_', ' ')}), as after a bad edit or a merge`,
    );
  }
  try {
    return document.toJS() as unknown;
  } catch {
    throw new Damage('is no YAML (an alias in it leads nowhere)');
  }
}

/** The store as text. */
export const formatStored = (stored: Stored): string => stringify(stored);
