import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HbaLine, parseHbaLine } from '../../src/inventory/hba.ts';
import { addressText } from '../../src/inventory/hba-address.ts';
import { hbaFields, redactHba } from '../../src/inventory/hba-tokens.ts';

/* What is expected here was compared with pg_hba_file_rules of PostgreSQL 15.18, 16.14, 17.10 and 18.4. */

/** The record of a line in one string, as pg_hba_file_rules has it; or what else the line is. */
function shown(line: HbaLine): string {
  if (line.kind === 'nothing') return 'nothing';
  if (line.kind === 'error') return `${line.column}: ${line.message}`;
  if (line.kind === 'include') return `${line.column}: ${line.directive} ${line.file}`;
  const names = (field: readonly { text: string }[]) => field.map(({ text }) => text).join('+');
  const { address } = line;
  const where = !address
    ? []
    : address.kind === 'host'
      ? [`host:${address.name}`]
      : address.kind === 'network'
        ? [`${addressText(address.address)}/${addressText({ family: address.address.family, bits: address.mask })}`]
        : [`${address.kind}`];
  const options = line.options.map(({ name, value }) => `${name}=${value}`);
  return [line.type, names(line.databases), names(line.users), ...where, line.method, ...options].join('|');
}

const READ: [line: string, record: string, major?: number][] = [
  ['hostssl all all 10.0.0.0/8 scram-sha-256', 'hostssl|all|all|10.0.0.0/255.0.0.0|scram-sha-256'],
  ['\thostssl\tall  all\t10.0.0.0/8 \t md5\t', 'hostssl|all|all|10.0.0.0/255.0.0.0|md5'],
  ['local all all peer map=x', 'local|all|all|peer|map=x'],
  // comments and nothing
  ['', 'nothing'],
  [' \t', 'nothing'],
  ['# hostssl all all all trust', 'nothing'],
  ['hostssl all all all trust # monitoring', 'hostssl|all|all|all|trust'],
  ['hostssl all all all trust#monitoring', 'hostssl|all|all|all|trust'],
  ['hostssl all "a#b" all md5', 'hostssl|all|a#b|all|md5'],
  // quotes
  ['hostssl all all all "trust"', 'hostssl|all|all|all|trust'],
  ['host"ssl" all all all t"ru"st', 'hostssl|all|all|all|trust'],
  ['hostssl "a b" "a""b" all md5', 'hostssl|a b|a"b|all|md5'],
  ['hostssl all all all "md5', 'hostssl|all|all|all|md5'],
  ['hostssl "" all all md5', 'hostssl||all|all|md5'],
  ['hostssl all all "all" md5', 'hostssl|all|all|host:all|md5'],
  // lists
  ['hostssl app,web  a, b all md5', 'hostssl|app+web|a+b|all|md5'],
  ['hostssl ,app,,web all all md5', 'hostssl|app+web|all|all|md5'],
  ['hostssl all +group all md5', 'hostssl|all|+group|all|md5'],
  // addresses
  ['hostssl all all 10.0.0.0 255.255.0.0 md5', 'hostssl|all|all|10.0.0.0/255.255.0.0|md5'],
  ['hostssl all all 10.0.0.5/24 md5', 'hostssl|all|all|10.0.0.5/255.255.255.0|md5'],
  ['hostssl all all 0.0.0.0/0 md5', 'hostssl|all|all|0.0.0.0/0.0.0.0|md5'],
  ['hostssl all all 10.0.0.0/08 md5', 'hostssl|all|all|10.0.0.0/255.0.0.0|md5'],
  ['hostssl all all 10/8 md5', 'hostssl|all|all|0.0.0.10/255.0.0.0|md5'],
  ['hostssl all all 10.1/16 md5', 'hostssl|all|all|10.0.0.1/255.255.0.0|md5'],
  ['hostssl all all 012.0.0.1/32 md5', 'hostssl|all|all|10.0.0.1/255.255.255.255|md5'],
  ['hostssl all all 10.0.0.0 24 md5', 'hostssl|all|all|10.0.0.0/0.0.0.24|md5'],
  ['hostssl all all fd00::/64 md5', 'hostssl|all|all|fd00:0:0:0:0:0:0:0/ffff:ffff:ffff:ffff:0:0:0:0|md5'],
  ['hostssl all all ::/0 md5', 'hostssl|all|all|0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0|md5'],
  ['hostssl all all ::ffff:10.0.0.1/128 md5', `hostssl|all|all|0:0:0:0:0:ffff:a00:1/${'ffff:'.repeat(7)}ffff|md5`],
  ['hostssl all all ::1 ffff:: md5', 'hostssl|all|all|0:0:0:0:0:0:0:1/ffff:0:0:0:0:0:0:0|md5'],
  ['hostssl all all samehost md5', 'hostssl|all|all|samehost|md5'],
  ['hostssl all all samenet md5', 'hostssl|all|all|samenet|md5'],
  ['hostssl all all db.example.com md5', 'hostssl|all|all|host:db.example.com|md5'],
  ['hostssl all all .example.com md5', 'hostssl|all|all|host:.example.com|md5'],
  ['hostssl all all 10.0.0.300 md5', 'hostssl|all|all|host:10.0.0.300|md5'],
  // methods and their options
  [
    'hostgssenc all all all gss include_realm=0 krb_realm=R map=x',
    'hostgssenc|all|all|all|gss|include_realm=0|krb_realm=R|map=x',
  ],
  ['hostnossl all all all reject', 'hostnossl|all|all|all|reject'],
  ['hostnogssenc all all all reject', 'hostnogssenc|all|all|all|reject'],
  ['hostssl all all all cert map=x', 'hostssl|all|all|all|cert|map=x'],
  ['hostssl all all all trust clientcert=verify-ca', 'hostssl|all|all|all|trust|clientcert=verify-ca'],
  [
    'hostssl all all all scram-sha-256 clientcert=verify-full clientname=DN',
    'hostssl|all|all|all|scram-sha-256|clientcert=verify-full|clientname=DN',
  ],
  [
    'hostssl all all all pam pamservice=x pam_use_hostname=1',
    'hostssl|all|all|all|pam|pamservice=x|pam_use_hostname=1',
  ],
  [
    'hostssl all all all ldap ldapserver=x ldapbinddn=cn=a ldapbindpasswd=my-password ldapbasedn=dc=x',
    'hostssl|all|all|all|ldap|ldapserver=x|ldapbinddn=cn=a|ldapbindpasswd=my-password|ldapbasedn=dc=x',
  ],
  [
    'hostssl all all all ldap ldapserver=x ldapprefix="cn=a b"',
    'hostssl|all|all|all|ldap|ldapserver=x|ldapprefix=cn=a b',
  ],
  [
    'hostssl all all all ldap ldapurl="ldaps://h:636/dc=x?uid?sub"',
    'hostssl|all|all|all|ldap|ldapurl=ldaps://h:636/dc=x?uid?sub',
  ],
  [
    'hostssl all all all radius radiusservers="a,b" radiussecrets="x,y"',
    'hostssl|all|all|all|radius|radiusservers=a,b|radiussecrets=x,y',
  ],
  ['hostssl all all all oauth scope=a issuer=b', 'hostssl|all|all|all|oauth|scope=a|issuer=b', 18],
  ['local all all ident map=x', 'local|all|all|ident|map=x'],
  // regular expressions, and names that only look like it
  ['hostssl /^app_\\d+$ "/^(a|b){1,2}$" all md5', 'hostssl|/^app_\\d+$|/^(a|b){1,2}$|all|md5'],
  ['hostssl /a( all all md5', 'hostssl|/a(|all|all|md5', 15],
  // includes
  ['hostssl @databases all all md5', '8: @ databases'],
  ['hostssl all all all @method', '20: @ method'],
  ['hostssl all app,@"my users" all md5', '16: @ my users'],
  ['hostssl "@app" @ all md5', 'hostssl|@app|@|all|md5'],
  ['include other.conf', '0: include other.conf'],
  [' "include_if_exists" "a b"', '1: include_if_exists a b'],
  ['include_dir conf.d', '0: include_dir conf.d'],
];

for (const [line, record, major = 17] of READ)
  test(`PostgreSQL ${major} reads: ${line}`, () => assert.equal(shown(parseHbaLine(line, major)), record));

const UNREADABLE: [line: string, column: number, says: RegExp, major?: number][] = [
  ['Hostssl all all all md5', 0, /invalid connection type "Hostssl" \(did you mean "hostssl"/],
  ['hostssl,host all all all md5', 8, /more than one connection type/],
  ['include a b', 0, /invalid connection type "include"/],
  ['include other.conf', 0, /invalid connection type "include"/, 15],
  ['hostssl', 7, /ends before the database/],
  ['hostssl all', 11, /ends before the role/],
  ['hostssl all all', 15, /ends before the IP address/],
  [
    'hostssl all all scram-sha-256',
    29,
    /ends before the authentication method \(is the address before scram-sha-256 left out\?\)/,
  ],
  ['hostssl all all 10.0.0.0/8', 26, /ends before the authentication method/],
  ['hostssl all all 10.0.0.0/8 # md5', 32, /ends before the authentication method/],
  ['hostssl all all 10.0.0.0/33 md5', 16, /invalid CIDR mask in address "10.0.0.0\/33"/],
  ['hostssl all all 10.0.0.0/-1 md5', 16, /invalid CIDR mask/],
  ['hostssl all all 10.0.0.0/ md5', 16, /invalid CIDR mask/],
  ['hostssl all all 10.0.0.0/8x md5', 16, /invalid CIDR mask/],
  ['hostssl all all fd00::/129 md5', 16, /invalid CIDR mask/],
  ['hostssl all all example.com/24 md5', 16, /has a prefix length, but "example.com" is no IP address/],
  ['hostssl all all [::1]/128 md5', 16, /"\[::1\]" is no IP address/],
  ['hostssl all all fe80::1%eth0/64 md5', 16, /leave out "%eth0"/],
  ['hostssl all all 10.0.0.1 md5', 16, /write 10.0.0.1\/32/],
  ['hostssl all all 10.0.0.1', 16, /write 10.0.0.1\/32/],
  ['hostssl all all 10.0.0.1 here md5', 25, /invalid IP mask "here"/],
  ['hostssl all all 10.0.0.1 ffff:: md5', 25, /do not match/],
  ['hostssl all all 10.0.0.0/8,10.1.0.0/16 md5', 27, /more than one IP address/],
  ['hostssl all all all TRUST', 20, /invalid authentication method "TRUST" \(did you mean "trust"/],
  ['hostssl all all all scram-sha256', 20, /did you mean "scram-sha-256"/],
  ['hostssl all all all md5,trust', 24, /more than one authentication method/],
  ['hostssl all all all peer', 20, /only supported on local sockets/],
  ['local all all gss', 14, /not supported on local sockets/],
  ['host all all all cert', 17, /only supported on hostssl/],
  ['hostssl all all all bsd', 20, /not supported by PostgreSQL on Linux/],
  ['hostssl all all all sspi', 20, /not supported by PostgreSQL on Linux/],
  ['hostssl all all all oauth scope=a issuer=b', 20, /came with PostgreSQL 18/],
  ['hostssl all all all trust map=x', 26, /the option map belongs to/],
  ['hostssl all all all md5 clientcert', 24, /not in name=value format: clientcert/],
  ['hostssl all all all md5 foo=bar', 24, /unrecognized authentication option name: "foo"/],
  ['hostssl all all all md5 clientcert=1', 24, /verify-ca or verify-full, not "1"/],
  ['host all all all md5 clientcert=verify-ca', 21, /only be set for hostssl/],
  ['hostssl all all all cert clientcert=verify-ca', 25, /can only be verify-full/],
  ['hostssl all all all cert clientname=cn', 25, /CN or DN/],
  ['hostssl all all all ldap ldapserver=x', 20, /requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix"/],
  [
    'hostssl all all all ldap ldapserver=x ldapbinddn=cn=a ldapbindpasswd=my-password',
    20,
    /requires argument "ldapbasedn"/,
  ],
  ['hostssl all all all ldap ldapprefix=a ldapbasedn=b', 20, /cannot mix/],
  ['hostssl all all all ldap ldapurl=http://h/x', 25, /unsupported LDAP URL scheme/],
  ['hostssl all all all ldap ldapurl=h', 25, /could not parse LDAP URL/],
  ['hostssl all all all ldap ldapbasedn=x ldapport=x', 38, /invalid LDAP port/],
  ['hostssl all all all radius radiusservers=a', 20, /requires argument "radiussecrets"/],
  [
    'hostssl all all all radius radiusservers="a,b" radiussecrets="x,y,z"',
    20,
    /one value or as many as radiusservers \(2\)/,
  ],
  ['hostssl all all all radius radiusservers=a,b radiussecrets=x', 43, /not in name=value format: b/],
  ['hostssl all all all oauth scope=a', 20, /requires argument "issuer"/, 18],
  ['hostssl /a( all all md5', 8, /parentheses \(\) not balanced/],
  ['hostssl "/[a" all all md5', 8, /brackets \[\] not balanced/],
  ['hostssl all /*a all md5', 12, /quantifier operand invalid/],
  ['hostssl all all all md5 \\', 24, /backslash/],
  ['# a comment \\', 12, /backslash/],
];

for (const [line, column, says, major = 17] of UNREADABLE)
  test(`PostgreSQL ${major} cannot read: ${line}`, () => {
    const parsed = parseHbaLine(line, major);
    assert.equal(parsed.kind, 'error', shown(parsed));
    assert.match(shown(parsed), says);
    assert.equal((parsed as { column: number }).column, column);
  });

test('any text is read or refused with a column inside of it', () => {
  const words = fc.constantFrom(
    'hostssl',
    'all',
    '10.0.0.0/8',
    'md5',
    'trust',
    '"',
    '#',
    ',',
    '@x',
    '/a(',
    '=',
    '\\',
    ' ',
  );
  const line = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.oneof(words, fc.string()), { maxLength: 9 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(line, fc.constantFrom(15, 16, 17, 18), (text, major) => {
      const parsed = parseHbaLine(text, major);
      if (parsed.kind === 'error') assert.ok(parsed.column >= 0 && parsed.column <= text.length);
      for (const { start, end } of hbaFields(text).flat()) assert.ok(start < end && end <= text.length);
    }),
    { numRuns: 3000 },
  );
});

test('words that are quoted come back as they were, whatever is in them', () => {
  const word = fc.string({ minLength: 1 }).filter((text) => !/[\r\n\0]/.test(text));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const line = words.map((one) => `"${one.replaceAll('"', '""')}"`).join(' ');
      assert.deepEqual(
        hbaFields(line).map((field) => field.map(({ text }) => text)),
        words.map((one) => [one]),
      );
    }),
  );
});

test('passwords in options are blotted out however they are written', () => {
  const of = (option: string) => redactHba(`hostssl all all all ldap ldapbasedn=x ${option} ldapport=1`);
  for (const option of [
    'ldapbindpasswd=geheim',
    'ldapbindpasswd="ge heim"',
    '"ldapbindpasswd=geheim"',
    'ldapbind"passwd=geheim"',
  ])
    assert.equal(of(option), `hostssl all all all ldap ldapbasedn=x ldapbindpasswd=[redacted] ldapport=1`);
  assert.equal(
    redactHba('hostssl all all all radius radiussecrets="a,b" radiusservers="x,y"'),
    'hostssl all all all radius radiussecrets=[redacted] radiusservers="x,y"',
  );
  assert.equal(redactHba('# local ldapbindpasswd="a b" x'), '# local ldapbindpasswd=[redacted] x');
});
