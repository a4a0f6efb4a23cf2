/** Methods that PostgreSQL knows in one major version or another (hba.c, `UserAuthName`). */
export const HBA_METHODS = [
  'trust',
  'reject',
  'scram-sha-256',
  'md5',
  'password',
  'cert',
  'peer',
  'ident',
  'gss',
  'sspi',
  'ldap',
  'radius',
  'pam',
  'bsd',
  'oauth',
] as const;
export type HbaMethod = (typeof HBA_METHODS)[number];

export interface HbaOption {
  name: string;
  value: string;
  /** Where it starts in the line (from 0). */
  column: number;
}

/** The properties of a line by which its options are judged. */
export interface HbaSubject {
  type: string;
  method: HbaMethod;
  /** PostgreSQL's major version. */
  major: number;
}

/** The methods that take an option, and the check of its value, both as in `parse_hba_auth_opt()` of hba.c. */
interface OptionRule {
  methods?: readonly HbaMethod[];
  since?: number;
  wrong?(value: string, subject: HbaSubject): string | undefined;
}

const ofHostssl =
  (name: string, wrong: (value: string, subject: HbaSubject) => string | undefined) =>
  (value: string, subject: HbaSubject): string | undefined =>
    subject.type === 'hostssl' ? wrong(value, subject) : `${name} can only be set for hostssl`;

/** Reads a port as atoi(3), which stops at the first character that is no digit. */
const isPort = (text: string): boolean => Number(/^\s*[+-]?\d+/.exec(text)?.[0] ?? 0) !== 0;

const listed = (name: string) => (value: string) =>
  gucList(value) ? undefined : `the list of ${name} cannot be read: write ${name}="A,B"`;

const RULES: Record<string, OptionRule> = {
  map: { methods: ['ident', 'peer', 'gss', 'sspi', 'cert', 'oauth'] },
  clientcert: {
    wrong: ofHostssl('clientcert', (value, { method }) => {
      if (value === 'verify-full') return undefined;
      if (value !== 'verify-ca') return `clientcert is verify-ca or verify-full, not "${value}"`;
      return method === 'cert' ? 'clientcert can only be verify-full with the method cert' : undefined;
    }),
  },
  clientname: {
    wrong: ofHostssl('clientname', (value) =>
      value === 'CN' || value === 'DN' ? undefined : `clientname is CN or DN, not "${value}"`,
    ),
  },
  pamservice: { methods: ['pam'] },
  pam_use_hostname: { methods: ['pam'] },
  ldapurl: { methods: ['ldap'], wrong: (value) => ldapUrl(value).wrong },
  ldaptls: { methods: ['ldap'] },
  // PostgreSQL logs another value and then uses it, so that no login succeeds.
  ldapscheme: {
    methods: ['ldap'],
    wrong: (value) => (/^ldaps?$/.test(value) ? undefined : `ldapscheme is ldap or ldaps, not "${value}"`),
  },
  ldapserver: { methods: ['ldap'] },
  ldapport: {
    methods: ['ldap'],
    wrong: (value) => (isPort(value) ? undefined : `invalid LDAP port number: "${value}"`),
  },
  ldapbinddn: { methods: ['ldap'] },
  ldapbindpasswd: { methods: ['ldap'] },
  ldapsearchattribute: { methods: ['ldap'] },
  ldapsearchfilter: { methods: ['ldap'] },
  ldapbasedn: { methods: ['ldap'] },
  ldapprefix: { methods: ['ldap'] },
  ldapsuffix: { methods: ['ldap'] },
  krb_realm: { methods: ['gss', 'sspi'] },
  include_realm: { methods: ['gss', 'sspi'] },
  compat_realm: { methods: ['sspi'] },
  upn_username: { methods: ['sspi'] },
  radiusservers: { methods: ['radius'], wrong: listed('radiusservers') },
  radiusports: {
    methods: ['radius'],
    wrong: (value) => (gucList(value)?.every(isPort) ? undefined : `invalid RADIUS port number: "${value}"`),
  },
  radiussecrets: { methods: ['radius'], wrong: listed('radiussecrets') },
  radiusidentifiers: { methods: ['radius'], wrong: listed('radiusidentifiers') },
  issuer: { methods: ['oauth'], since: 18 },
  scope: { methods: ['oauth'], since: 18 },
  validator: { methods: ['oauth'], since: 18 },
  delegate_ident_mapping: { methods: ['oauth'], since: 18 },
};

/** Returns the problem with one option of a line; undefined when PostgreSQL accepts it. */
export function optionProblem({ name, value }: HbaOption, subject: HbaSubject): string | undefined {
  const rule = RULES[name];
  if (!rule || (rule.since ?? 0) > subject.major) return `unrecognized authentication option name: "${name}"`;
  if (rule.methods && !rule.methods.includes(subject.method))
    return `the option ${name} belongs to the method ${rule.methods.join(' or ')}, not to ${subject.method}`;
  return rule.wrong?.(value, subject);
}

/** Returns the problem with the options of a line as a whole: some are missing, or contradict each other. */
export function optionsProblem(options: readonly HbaOption[], { method }: HbaSubject): string | undefined {
  const of = (name: string): string | undefined => options.findLast((one) => one.name === name)?.value;
  const missing = (...names: string[]): string | undefined => {
    const name = names.find((one) => of(one) === undefined);
    return name && `authentication method "${method}" requires argument "${name}" to be set`;
  };
  if (method === 'ldap') return ldapProblem(options);
  if (method === 'radius') return missing('radiusservers', 'radiussecrets') ?? radiusProblem(of);
  if (method === 'oauth')
    return (
      missing('scope', 'issuer') ??
      (of('map') !== undefined && of('delegate_ident_mapping') === '1'
        ? 'map cannot be used in combination with delegate_ident_mapping'
        : undefined)
    );
  return undefined;
}

type Of = (name: string) => string | undefined;

function ldapProblem(options: readonly HbaOption[]): string | undefined {
  // The rightmost value wins, whether it is an option of its own or a part of a URL.
  const known: Record<string, string> = {};
  for (const { name, value } of options)
    if (name === 'ldapurl') Object.assign(known, ldapUrl(value).parts);
    else known[name] = value;
  const has = (name: string) => known[name] !== undefined;
  if (has('ldapprefix') || has('ldapsuffix'))
    return SEARCH_OPTIONS.some(has)
      ? 'cannot mix options for simple bind (ldapprefix, ldapsuffix) and search+bind modes'
      : undefined;
  if (!has('ldapbasedn'))
    return 'authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set';
  return has('ldapsearchattribute') && has('ldapsearchfilter')
    ? 'cannot use ldapsearchattribute together with ldapsearchfilter'
    : undefined;
}

const SEARCH_OPTIONS = ['ldapbasedn', 'ldapbinddn', 'ldapbindpasswd', 'ldapsearchattribute', 'ldapsearchfilter'];

function radiusProblem(of: Of): string | undefined {
  const list = (name: string) => gucList(of(name) ?? '') ?? [];
  const servers = list('radiusservers').length;
  if (servers === 0) return 'list of RADIUS servers cannot be empty';
  if (list('radiussecrets').length === 0) return 'list of RADIUS secrets cannot be empty';
  const odd = ['radiussecrets', 'radiusports', 'radiusidentifiers'].find(
    (name) => ![0, 1, servers].includes(list(name).length),
  );
  return odd && `${odd} must have one value or as many as radiusservers (${servers})`;
}

/**
 * Splits values as `SplitGUCList()` of PostgreSQL (varlena.c): separated by commas, in double quotes or not; none for
 * an empty text. Undefined when it cannot be read.
 */
function gucList(text: string): string[] | undefined {
  const values: string[] = [];
  let rest = text.trimStart();
  if (rest === '') return values;
  for (;;) {
    const found = /^(?:"((?:[^"]|"")*)"|([^\s,]+))\s*(,|$)\s*/.exec(rest);
    if (!found) return undefined;
    values.push(found[1]?.replaceAll('""', '"') ?? found[2]!);
    if (found[3] === '') return values;
    rest = rest.slice(found[0].length);
  }
}

/**
 * Reads the options that PostgreSQL takes from an LDAP URL,
 * `ldap[s]://host[:port]/basedn[?[attribute][?[scope][?[filter]]]]` (RFC 4516; OpenLDAP's `ldap_url_parse()`).
 */
function ldapUrl(text: string): { wrong?: string; parts: Record<string, string> } {
  const wrong = (why: string) => ({ wrong: `could not parse LDAP URL "${text}": ${why}`, parts: {} });
  const scheme = /^([a-z]+):\/\//i.exec(text);
  if (!scheme) return wrong('it starts with ldap:// or ldaps://');
  if (!/^ldaps?$/i.test(scheme[1]!)) return { wrong: `unsupported LDAP URL scheme: ${scheme[1]}`, parts: {} };
  const rest = text.slice(scheme[0].length);
  const slash = rest.indexOf('/');
  const port = /:([^:\]?]*)(\?|$)/.exec(slash < 0 ? rest : rest.slice(0, slash))?.[1];
  if (port !== undefined && !/^\d+$/.test(port)) return wrong(`its port is "${port}"`);
  if (slash < 0) return { parts: {} };
  const [base = '', attributes = '', scope = '', filter = ''] = rest.slice(slash + 1).split('?');
  if (scope && !/^(one|onelevel|base|sub|subtree|subord|subordinate|children)$/i.test(scope))
    return wrong(`its scope is "${scope}"`);
  return {
    parts: {
      ldapbasedn: base,
      ...(attributes ? { ldapsearchattribute: attributes.split(',')[0]! } : {}),
      ...(filter ? { ldapsearchfilter: filter } : {}),
    },
  };
}
