import { closest, distance } from 'fastest-levenshtein';
import { type HbaAddress, numericAddress, prefixMask } from './hba-address.ts';
import { HBA_METHODS, type HbaMethod, type HbaOption, optionProblem, optionsProblem } from './hba-options.ts';
import { regexProblem } from './hba-regex.ts';
import { type HbaField, type HbaToken, hbaFields } from './hba-tokens.ts';

export const HBA_TYPES = ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'] as const;
export type HbaType = (typeof HBA_TYPES)[number];

/** One record of pg_hba.conf, with the words it was read from. */
export interface HbaRecord {
  kind: 'record';
  type: HbaType;
  typeToken: HbaToken;
  databases: HbaField;
  users: HbaField;
  /** The address; undefined for `local`. */
  address: HbaAddress | undefined;
  /** The word of the address, and that of its mask where it has one of its own. */
  addressTokens: readonly HbaToken[];
  method: HbaMethod;
  methodToken: HbaToken;
  options: readonly HbaOption[];
}

/** A reference to another file, which cannot be judged from the line. */
export interface HbaInclude {
  kind: 'include';
  /** `@`, `include`, `include_if_exists` or `include_dir`. */
  directive: string;
  file: string;
  column: number;
}

/** Why PostgreSQL would reject the line; the column counts from 0. */
export interface HbaError {
  kind: 'error';
  column: number;
  message: string;
}

export type HbaLine = HbaRecord | HbaInclude | HbaError | { kind: 'nothing' };

class Unreadable extends Error {
  constructor(
    readonly column: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Reads one line of pg_hba.conf as PostgreSQL of a major version does (hba.c, `tokenize_auth_file()` and
 * `parse_hba_line()`; built for Debian: with GSSAPI, LDAP, PAM and TLS, without BSD authentication and SSPI). Errors
 * are PostgreSQL's, in its words when they help, with their place. Whether the names of RADIUS servers resolve is left
 * to the host's server. Never throws.
 */
export function parseHbaLine(line: string, major: number): HbaLine {
  const continued = line.length - 1;
  // PostgreSQL joins lines before it looks for comments and quotes.
  if (line.endsWith('\\'))
    return {
      kind: 'error',
      column: continued,
      message: 'a backslash at the end makes the next line a part of this one',
    };
  const fields = hbaFields(line);
  if (fields.length === 0) return { kind: 'nothing' };
  const include = includeOf(fields, major);
  if (include) return include;
  try {
    return new Reader(fields, line, major).record();
  } catch (cause) {
    if (cause instanceof Unreadable) return { kind: 'error', column: cause.column, message: cause.message };
    throw cause;
  }
}

function includeOf(fields: readonly HbaField[], major: number): HbaInclude | undefined {
  const at = fields.flat().find(({ text, quoted }) => !quoted && text.length > 1 && text.startsWith('@'));
  if (at) return { kind: 'include', directive: '@', file: at.text.slice(1), column: at.start };
  const [first, second] = [fields[0]?.[0], fields[1]?.[0]];
  if (major < 16 || fields.length !== 2 || !first || !second) return undefined;
  return /^include(_if_exists|_dir)?$/.test(first.text)
    ? { kind: 'include', directive: first.text, file: second.text, column: first.start }
    : undefined;
}

/** Reads the fields of a record from left to right. */
class Reader {
  private at = 0;

  constructor(
    private readonly fields: readonly HbaField[],
    private readonly line: string,
    private readonly major: number,
  ) {}

  record(): HbaRecord {
    const typeToken = this.one('connection type');
    const type = HBA_TYPES.find((one) => one === typeToken.text);
    if (!type)
      throw new Unreadable(
        typeToken.start,
        `invalid connection type "${typeToken.text}"${suggestion(typeToken.text, HBA_TYPES)}`,
      );
    const databases = this.names('database');
    const users = this.names('role');
    const from = this.at;
    const address = type === 'local' ? undefined : this.address();
    const addressTokens = this.fields.slice(from, this.at).flat();
    const methodToken = this.one('authentication method');
    const method = this.method(methodToken, type);
    const options = this.options(method, type);
    const problem = optionsProblem(options, { type, method, major: this.major });
    if (problem) throw new Unreadable(methodToken.start, problem);
    return {
      kind: 'record',
      type,
      typeToken,
      databases,
      users,
      address,
      addressTokens,
      method,
      methodToken,
      options,
    };
  }

  private next(what: string): HbaField {
    const field = this.fields[this.at++];
    if (field) return field;
    const last = this.fields.at(-1)![0]!;
    const hint =
      what === 'authentication method' && isMethod(last.text) ? ` (is the address before ${last.text} left out?)` : '';
    throw new Unreadable(Math.max(0, this.line.trimEnd().length), `the line ends before the ${what}${hint}`);
  }

  private one(what: string): HbaToken {
    const field = this.next(what);
    if (field.length > 1) throw new Unreadable(field[1]!.start, `more than one ${what}: write a line for each`);
    return field[0]!;
  }

  /** Reads databases or roles; in version 16 and later those that start with a slash are regular expressions, in quotes too. */
  private names(what: string): HbaField {
    const field = this.next(what);
    for (const { text, start } of field) {
      const problem = this.major >= 16 && text.startsWith('/') ? regexProblem(text.slice(1)) : undefined;
      if (problem) throw new Unreadable(start, `invalid regular expression "${text.slice(1)}": ${problem}`);
    }
    return field;
  }

  private address(): HbaAddress {
    const token = this.one('IP address');
    const { text, quoted, start } = token;
    if (!quoted && (text === 'all' || text === 'samehost' || text === 'samenet')) return { kind: text };
    const slash = text.indexOf('/');
    const address = numericAddress(slash < 0 ? text : text.slice(0, slash));
    if (!address) {
      const zone = /^[0-9a-f:.]+(%[^/]*)/i.exec(text)?.[1];
      // PostgreSQL accepts it only when the host has such an interface, and compares without it (ip.c, ifaddr.c).
      if (zone && text.includes(':'))
        throw new Unreadable(start, `leave out "${zone}": PostgreSQL does not compare the zone of an address`);
      if (slash >= 0)
        throw new Unreadable(start, `"${text}" has a prefix length, but "${text.slice(0, slash)}" is no IP address`);
      return { kind: 'host', name: text };
    }
    if (slash >= 0) {
      const mask = prefixMask(text.slice(slash + 1), address.family);
      if (mask === undefined)
        throw new Unreadable(
          start,
          `invalid CIDR mask in address "${text}": IPv${address.family} has prefix lengths from 0 to ${address.family === 4 ? 32 : 128}`,
        );
      return { kind: 'network', address, mask };
    }
    const field = this.fields[this.at]?.[0];
    if (!field || isMethod(field.text))
      throw new Unreadable(
        start,
        `"${text}" has no prefix length: write ${text}/${address.family === 4 ? 32 : 128} for this one address`,
      );
    const maskToken = this.one('netmask');
    const mask = numericAddress(maskToken.text);
    if (!mask) throw new Unreadable(maskToken.start, `invalid IP mask "${maskToken.text}"`);
    if (mask.family !== address.family)
      throw new Unreadable(maskToken.start, 'IP address and mask do not match: one is IPv4, the other IPv6');
    return { kind: 'network', address, mask: mask.bits };
  }

  private method({ text, start }: HbaToken, type: HbaType): HbaMethod {
    const refuse = (message: string) => new Unreadable(start, message);
    if (!isMethod(text) || (text === 'oauth' && this.major < 18))
      throw refuse(
        `invalid authentication method "${text}"${text === 'oauth' ? ': it came with PostgreSQL 18' : suggestion(text, HBA_METHODS)}`,
      );
    if (text === 'bsd' || text === 'sspi')
      throw refuse(`invalid authentication method "${text}": not supported by PostgreSQL on Linux`);
    if (text === 'gss' && type === 'local') throw refuse('gss is not supported on local sockets');
    if (text === 'peer' && type !== 'local') throw refuse('peer is only supported on local sockets');
    if (text === 'cert' && type !== 'hostssl') throw refuse('cert is only supported on hostssl connections');
    return text;
  }

  private options(method: HbaMethod, type: HbaType): HbaOption[] {
    // PostgreSQL turns ident on a socket into peer before it reads the options.
    const subject = {
      type,
      method: method === 'ident' && type === 'local' ? ('peer' as const) : method,
      major: this.major,
    };
    return this.fields
      .slice(this.at)
      .flat()
      .map(({ text, start }) => {
        const equals = text.indexOf('=');
        if (equals < 0) throw new Unreadable(start, `authentication option not in name=value format: ${text}`);
        const option = { name: text.slice(0, equals), value: text.slice(equals + 1), column: start };
        const problem = optionProblem(option, subject);
        if (problem) throw new Unreadable(start, problem);
        return option;
      });
  }
}

const isMethod = (text: string): text is HbaMethod => HBA_METHODS.some((one) => one === text);

function suggestion(word: string, known: readonly string[]): string {
  const best = closest(word.toLowerCase(), known as string[]);
  return distance(word.toLowerCase(), best) <= 2 ? ` (did you mean "${best}"?)` : '';
}
