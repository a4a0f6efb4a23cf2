import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { z } from 'zod';

/** Secrets by name; without a prototype, since a user of PostgreSQL may be called `constructor`. */
export type Named = Record<string, string>;

export interface StoredAuthority {
  certificate: string;
  key: string;
  /** The next authority: trusted already, signs nothing yet. */
  next?: { certificate: string; key: string };
  /** The previous authority: still trusted, signs nothing any more. */
  previous?: string;
}

/** Content of the secret store. Unlisted keys of a newer hapg are kept as they are. */
export interface Stored {
  uuid: string;
  generation: number;
  /** SHA-256 of the inventory of this generation. */
  inventory: string;
  /** Number of the revision, raised by every change; absent when only an older hapg has written it. */
  revision?: number;
  /** Random names of the last revisions, the present one last; copies that were changed apart differ here. */
  lineage?: string[];
  /** The author and the time of the present revision. */
  changed?: { by: string; at: string };
  passwords: Named;
  users: Named;
  authorities: Record<string, StoredAuthority>;
  /** Secrets that an operator has brought, such as the keys of a storage. */
  given?: Named;
  /** Certificates of the upstream's servers, in a standby cluster (PEM). */
  source?: string;
  /** Whether somebody has viewed the secrets; written by an older hapg. */
  shown?: boolean;
  /** Passwords of a rotation under way; stored before any host gets them. */
  next?: { passwords: Named; users: Named };
}

/** A text that is no secret store; the message has the reason, without the file's name and without its content. */
export class Damage extends Error {}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A map of texts of this form. z.record does not accept a map with the key `constructor`. */
const texts = (form: RegExp, expected: string) =>
  z.unknown().superRefine((value, context) => {
    const say = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
    if (!isMap(value)) return say('expected names with their secrets');
    for (const [name, secret] of Object.entries(value))
      if (typeof secret !== 'string' || !form.test(secret)) say(`expected ${expected}`, [name]);
  });
const named = texts(/^[^\r\n\0]+$/, 'a text of one line');
/** What an operator brings may be a file: the key of a service account, a private key. */
const given = texts(/^[^\r\0]+$/, 'a text');

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
  given: given.optional(),
  source: z.string().optional(),
  shown: z.boolean().optional(),
  next: z.looseObject({ passwords: named, users: named }).optional(),
});

/** Returns an empty map of names. */
export const noNames = (): Named => Object.create(null) as Named;
const withoutPrototype = (map: Named): Named => Object.assign(noNames(), map);

/** Conflict markers of a merge (git-merge, "How conflicts are presented"). */
const MERGE = /^(?:<{7} |={7}$|>{7} |\|{7} )/;

/** Parses the text of a store. Throws Damage. */
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
  // The parsed data itself rather than the schema's output, so that nothing is lost.
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

/** Parses YAML. The library's messages quote the text, which nobody may see, so only the kind of fault and its place are reported. */
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

/** Formats a store as text. */
export const formatStored = (stored: Stored): string => stringify(stored);
