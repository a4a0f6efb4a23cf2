import { type Check, error, warning, withRole } from './check.ts';
import { MONITOR } from './exporters.ts';
import { type HbaLine, type HbaRecord, parseHbaLine } from './hba.ts';
import { addressText, prefixLength } from './hba-address.ts';
import { coversRecord } from './hba-order.ts';
import type { HbaToken } from './hba-tokens.ts';
import { isMonitored } from './monitoring.ts';
import { canonical, single } from './network.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './yaml-text.ts';

/** A finding about a line, with its column (from 0). */
type Finding = [severity: 'error' | 'warning', column: number, message: string];

/** Checks the lines of postgres.hba: PostgreSQL can read them, they let nobody in without a secret, and they have an effect. */
export const hba: Check = (inventory) => {
  const { postgres } = inventory;
  const lines = postgres.hba.map((line) => parseHbaLine(line, Number(postgres.version)));
  return lines.flatMap((line, index) =>
    [...findings(line, inventory), ...withoutEffect(line, lines.slice(0, index), inventory)].map(
      ([severity, column, message]): Problem => ({
        ...(severity === 'error' ? error : warning)(['postgres', 'hba', index], `postgres.hba.${index}: ${message}`),
        column,
      }),
    ),
  );
};

function findings(line: HbaLine, inventory: Inventory): Finding[] {
  if (line.kind === 'nothing') return [];
  if (line.kind === 'error') return [['error', line.column, `PostgreSQL cannot read this line: ${line.message}`]];
  if (line.kind === 'include')
    return [
      [
        'error',
        line.column,
        `${line.directive === '@' ? '@' : `${line.directive} `}${line.file} is refused: hapg does not know what that file on the hosts lets in; write its ${line.directive === '@' ? 'words' : 'lines'} here`,
      ],
    ];
  return [...methodFindings(line, inventory), ...addressFindings(line), ...nameFindings(line, inventory)];
}

/** Finds lines that let somebody in without a password or a certificate, or without encryption. */
function methodFindings(record: HbaRecord, { postgres }: Inventory): Finding[] {
  const { type, method, methodToken, typeToken, options } = record;
  const found: Finding[] = [];
  const refuse = (why: string) => found.push(['error', methodToken.start, `the method ${method} is refused: ${why}`]);
  if (method === 'trust')
    refuse(
      options.some(({ name, value }) => name === 'clientcert' && value === 'verify-full')
        ? 'write cert, which asks for the same certificate'
        : 'it lets in whoever comes, without a password; use scram-sha-256',
    );
  if (method === 'password') refuse('the password is sent in clear text; use scram-sha-256');
  if (method === 'ident')
    refuse(
      type === 'local'
        ? 'PostgreSQL takes it for peer on a socket; write peer'
        : "it believes what the client's own host says; use scram-sha-256",
    );
  if (method === 'oauth') {
    const problem = oauthProblem(record, String(postgres.parameters.oauth_validator_libraries ?? ''));
    if (problem) found.push(['error', methodToken.start, `PostgreSQL cannot read this line: ${problem}`]);
  }
  if (/^(host|hostnossl|hostnogssenc)$/.test(type) && method !== 'reject')
    found.push(['error', typeToken.start, `${type}: connections without TLS are refused: write hostssl`]);
  return found;
}

/** Checks a validator as `check_oauth_validator()` of PostgreSQL 18 does (auth-oauth.c). */
function oauthProblem({ options }: HbaRecord, setting: string): string | undefined {
  const libraries = setting
    .split(',')
    .map((one) => one.trim().replace(/^"(.*)"$/, '$1'))
    .filter(Boolean);
  const validator = options.findLast(({ name }) => name === 'validator')?.value;
  if (libraries.length === 0) return 'oauth needs oauth_validator_libraries under postgres.parameters';
  if (validator !== undefined)
    return libraries.includes(validator)
      ? undefined
      : `validator "${validator}" is not in oauth_validator_libraries (${libraries.join(', ')})`;
  return libraries.length > 1 ? `oauth needs validator=, one of ${libraries.join(', ')}` : undefined;
}

/** Finds addresses that PostgreSQL accepts but reads in another way than meant. */
function addressFindings({ address, addressTokens: [token, maskToken] }: HbaRecord): Finding[] {
  if (!address || !token) return [];
  if (address.kind === 'host') return hostFindings(address.name, token);
  if (address.kind !== 'network') return [];
  const { family, bits } = address.address;
  const written = [
    { start: token.start, text: token.text.replace(/\/.*$/, ''), bits },
    ...(maskToken ? [{ start: maskToken.start, text: maskToken.text, bits: address.mask }] : []),
  ];
  if (family === 4)
    for (const one of written) {
      const meant = addressText({ family, bits: one.bits });
      if (one.text !== meant)
        return [['error', one.start, `"${one.text}" is ${meant} to PostgreSQL; write all four numbers`]];
    }
  const length = prefixLength(address.mask, family);
  if (length === undefined)
    return [['error', maskToken!.start, `"${maskToken!.text}" is no netmask: its ones do not stand together`]];
  const first = bits & address.mask;
  return first === bits
    ? []
    : [
        [
          'warning',
          token.start,
          `${written[0]!.text} with ${length} bits stands for all of ${canonical(addressText({ family, bits: first }))}/${length}`,
        ],
      ];
}

function hostFindings(name: string, { start, quoted }: HbaToken): Finding[] {
  if (/^(all|samehost|samenet)$/i.test(name)) return [['warning', start, notKeyword(name, quoted, 'host')]];
  if (/^[0-9.]+$|:/.test(name))
    return [['error', start, `"${name}" is no IP address, and PostgreSQL would take it for the name of a host`]];
  return /^\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(name)
    ? []
    : [['error', start, `"${name}" is neither an address nor the name of a host; every address is all`]];
}

const KEYWORDS = {
  database: /^(all|sameuser|samerole|samegroup|replication)$/i,
  role: /^(all)$/i,
};

function nameFindings({ databases, users }: HbaRecord, { postgres }: Inventory): Finding[] {
  const columns = [['database', databases] as const, ['role', users] as const];
  return columns.flatMap(([what, field]) =>
    field.flatMap(({ text, quoted, start }): Finding[] => {
      if (text.startsWith('/') && postgres.version === '15')
        return [
          [
            'error',
            start,
            `"${text}": regular expressions came with PostgreSQL 16; 15 takes this for the name of a ${what}`,
          ],
        ];
      const keyword = KEYWORDS[what].test(text) && (quoted || text !== text.toLowerCase());
      return keyword ? [['warning', start, notKeyword(text, quoted, what)]] : [];
    }),
  );
}

const notKeyword = (text: string, quoted: boolean, what: string): string =>
  `${quoted ? `"${text}" in quotes` : text} is the name of a ${what} to PostgreSQL; the keyword is ${text.toLowerCase()}${quoted ? ' without quotes' : ''}`;

/** Finds a line without effect: PostgreSQL never reaches one that only repeats the conditions of an earlier one. */
function withoutEffect(line: HbaLine, before: readonly HbaLine[], inventory: Inventory): Finding[] {
  if (line.kind !== 'record') return [];
  const own = precedingLines(inventory).find((text) => {
    const earlier = parseHbaLine(text, Number(inventory.postgres.version));
    return earlier.kind === 'record' && coversRecord(earlier, line);
  });
  if (own)
    return [
      [
        'warning',
        0,
        `this line has no effect: hapg writes "${own}" before it, and the first line that matches decides`,
      ],
    ];
  const index = before.findIndex((earlier) => earlier.kind === 'record' && coversRecord(earlier, line));
  return index < 0
    ? []
    : [
        [
          'warning',
          0,
          `this line has no effect: postgres.hba.${index} comes first, and the first line that matches decides`,
        ],
      ];
}

/** Returns the lines that hapg writes before those of the inventory and that can match others than members (roles/patroni/hba.ts). */
export function precedingLines(inventory: Inventory): string[] {
  const addresses = (role: Parameters<typeof withRole>[1]) =>
    withRole(inventory, role).map(([, host]) => single(host.address));
  const [balancers, pools] = [addresses('haproxy'), addresses('pgbouncer')];
  const direct = [...inventory.clients, ...addresses('client')];
  return [
    'local all postgres peer',
    ...(isMonitored(inventory) ? [`local postgres ${MONITOR} peer`, `host all ${MONITOR} all reject`] : []),
    'host all postgres,replicator,rewinder all reject',
    ...(balancers.length > 0 ? balancers : pools.length > 0 ? [] : direct).map(
      (address) => `hostssl all all ${address} scram-sha-256`,
    ),
  ];
}
