import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { program } from '../../src/cli.ts';
import { KnownError } from '../../src/errors.ts';
import { KnownHosts } from '../../src/transport/known-hosts.ts';
import { readSshConfig } from '../../src/transport/ssh-config.ts';
import { resolveTarget } from '../../src/transport/target.ts';
import { codePoint } from '../support/code-point.ts';
import { EXAMPLES, ownController, withStore } from '../support/controller.ts';
import { type Ended, inProcess } from '../support/in-process.ts';

/**
 * Whatever a person types and whatever a file holds: hapg ends with a code of its table (0 to 5), in a message without a
 * stack. Nothing is contacted but ports of this machine that nobody listens at.
 */
ownController();
const { cluster } = await withStore('lab.yaml');
for (const name of readdirSync(EXAMPLES).filter((one) => one.endsWith('.yaml')))
  writeFileSync(`example-${name}`, readFileSync(join(EXAMPLES, name)));
mkdirSync('directory');
writeFileSync('file', 'some text\n');

// All that is waited for comes before the first test: what runs after the tests would not wait for more of them.
/** They end as ssh does, read standard input, or need Docker. */
const OTHERS = ['ssh', 'psql', 'lab', 'help'];
/** They go on for ever, ask somebody, or go through a host that may be anywhere. */
const LASTING = ['--follow', '--watch', '--ask-become-pass', '--jump', '--help'];

/** Every command by its words, those under another one too. */
const all = new Map(
  program.commands
    .filter((one) => !OTHERS.includes(one.name()))
    .flatMap((one) => [
      [one.name(), one] as const,
      ...one.commands.map((under) => [`${one.name()} ${under.name()}`, under] as const),
    ])
    .filter(([name]) => name !== 'secrets set'),
);
const commands = [...all.keys()];
const options = new Map(
  [...all].map(([name, one]) => [
    name,
    one.options
      .map(({ long, required }) => ({ name: long!, takes: required }))
      .filter((option) => !LASTING.includes(option.name)),
  ]),
);

function expectEnd({ code, err }: Ended, what: string): void {
  assert.ok([0, 1, 2, 3, 4, 5].includes(code), `${what}\nended with ${code}: ${err.slice(0, 2000)}`);
  assert.doesNotMatch(err, /this is a bug|\n {4}at .*\d+:\d+/, what);
}

const NASTY = [
  '*x',
  '&x ',
  '!!binary ',
  '!t ',
  '? ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ': ',
  '\t',
  '\0',
  '---\n',
  '...\n',
  '<<: *x\n',
  '"',
  "'",
  '|',
  '>',
  '%YAML 9.9\n',
  '@',
  '`',
  '\ufeff',
  '\r',
  '\u2028',
  '#',
  ',',
  '\n',
  '\x1b[2J',
  '',
];
const VALUES: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  1e21,
  0.5,
  2 ** 60,
  '',
  ' ',
  'x',
  'on',
  '__proto__',
  'constructor',
  '10.0.0.0/33',
  '::1',
  '10.1.1.10',
  '../../..',
  '\0',
  '\n',
  'a'.repeat(3000),
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  ['x', 'x'],
  { from: 'file' },
  { from: 'directory', outputs: {} },
  { from: 'file', outputs: { a: { roles: 5 } } },
  'patroni',
  ['patroni'],
  ['etcd', 'patroni'],
  '17',
  'db1',
  ['db1'],
  '*',
  '%s',
  '$(id)',
  "'",
  '"',
];

const example = fc
  .constantFrom(...readdirSync('.').filter((name) => name.endsWith('.yaml')))
  .map((name) => readFileSync(name, 'utf8'));

/** A text with characters put in and taken out. */
const textEdit = fc.tuple(fc.nat(), fc.nat(8), fc.constantFrom(...NASTY));
const mutatedText = fc.tuple(example, fc.array(textEdit, { minLength: 1, maxLength: 4 })).map(([text, edits]) =>
  edits.reduce((all, [where, length, put]) => {
    const at = where % (all.length + 1);
    return all.slice(0, at) + put + all.slice(at + length);
  }, text),
);

type Path = (string | number)[];
const pathsOf = (value: unknown, path: Path = []): Path[] => [
  path,
  ...(value && typeof value === 'object'
    ? Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))
    : []),
];
const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);

/** An inventory in which something is another thing than it should be: a value, a key, or a part of another place. */
const valueEdit = fc.tuple(
  fc.nat(),
  fc.constantFrom('value', 'key', 'copy', 'gone'),
  fc.nat(),
  fc.constantFrom(...VALUES),
);
const mutatedValue = fc.tuple(example, fc.array(valueEdit, { minLength: 1, maxLength: 3 })).map(([text, edits]) => {
  const all = parse(text) as Record<string, unknown>;
  for (const [where, what, from, value] of edits) {
    const paths = pathsOf(all).slice(1);
    const path = paths[where % Math.max(paths.length, 1)];
    const parent = path && (valueAt(all, path.slice(0, -1)) as Record<string, unknown> | undefined);
    const key = path?.at(-1);
    if (!parent || typeof parent !== 'object' || key === undefined) continue;
    if (what === 'gone') delete parent[key];
    else if (what === 'value') parent[key] = value;
    else if (what === 'key') Object.assign(parent, { [String(value).slice(0, 80)]: parent[key] });
    else parent[key] = structuredClone(valueAt(all, paths[from % paths.length]!));
  }
  return stringify(all);
});

const READERS = [
  ['validate'],
  ['validate', '-o', 'json'],
  ['connect'],
  ['render', 'out'],
  ['secrets', 'show', 'app'],
  ['config', 'edit', '--set', 'rto=norm', '--yes'],
  ['add-replica', 'dbx', '--address', '10.9.9.9', '--yes'],
  ['remove-node', 'db1', '--yes'],
];

for (const [what, texts] of [
  ['characters', mutatedText],
  ['values', mutatedValue],
] as const)
  test(`inventories with other ${what} in them end in a message`, async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...READERS), async (text, words) => {
        writeFileSync('mutated.yaml', text);
        expectEnd(await inProcess([...words, '-i', 'mutated.yaml']), `${words.join(' ')} of\n${text}`);
      }),
      { numRuns: 80 },
    );
  });

const WORDS = [
  '',
  ' ',
  'x',
  'db1',
  'db1,db2',
  'nosuch',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  'NaN',
  '1.5',
  '*',
  '[',
  '!',
  '!db1',
  '&',
  '@',
  '@file',
  '@directory',
  '@nofile',
  'all',
  ':',
  ',',
  '/',
  '.',
  '..',
  'directory',
  'file',
  'lab.yaml',
  'no/such',
  'a=b',
  '=',
  'cluster=',
  'cluster=5',
  'cluster.x=5',
  'hosts=5',
  'hosts.db1.address=x',
  'postgres.port=abc',
  'rto=[',
  'vip=',
  'hosts.db1=*x',
  '2026-01-31 10:00',
  '2026-02-30',
  '0/3000060',
  'patroni',
  'json',
  'text',
  'yaml',
  'app',
  'superuser',
  'postgres.parameters.work_mem=8MB',
  'patroni.ttl=x',
  '10.1.1.77',
  '10.1.1.0/24',
  '::1',
  'a'.repeat(3000),
  '\n',
  'é',
  '$(id)',
  "'",
  '\0',
  '--',
  '-',
  '__proto__',
  'constructor',
];
test('the commands and options that are tried are those that there are', () => {
  assert.ok(commands.length > 25, commands.join());
  assert.ok(options.get('restore')!.some(({ name, takes }) => name === '--to-time' && takes));
});

test('command lines of any words end in a message', async () => {
  writeFileSync('inventory.yaml', readFileSync('lab.yaml'));
  const line = fc.constantFrom(...commands).chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.array(fc.constantFrom(...WORDS), { maxLength: 2 }),
      fc.array(
        fc.tuple(
          fc.constantFrom(...(options.get(name) ?? []), { name: '--yes', takes: false }),
          fc.constantFrom(...WORDS),
        ),
        {
          maxLength: 3,
        },
      ),
      fc.boolean(),
    ),
  );
  await fc.assert(
    fc.asyncProperty(line, async ([name, args, flags, yes]) => {
      const words = [
        ...name.split(' '),
        ...args,
        ...flags.flatMap(([option, value]) => (option.takes ? [option.name, value] : [option.name])),
        ...(yes ? ['--yes'] : []),
      ];
      expectEnd(await inProcess(words), JSON.stringify(words));
    }),
    { numRuns: 150 },
  );
});

/** A host of each kind that these commands go to: every one of the many commands reads the inventory anew. */
const FEW = `cluster: pglab
replication: async
postgres: {databases: [{name: app, owner: app}], users: [{name: app}]}
clients: [10.1.1.0/24]
pgbackrest: {retention: {full: 2}}
hosts:
  db1:    {address: 10.1.1.10, ssh: {host: 127.0.0.1, port: 1}, roles: [etcd, patroni]}
  backup: {address: 10.1.1.13, ssh: {host: 127.0.0.1, port: 4}, roles: [pgbackrest]}
  client: {address: 10.1.1.16, ssh: {host: 127.0.0.1, port: 7}, roles: [client]}
`;
writeFileSync('few.yaml', FEW);
const good = readFileSync(join(cluster.stateDir, 'secrets.yaml'), 'utf8');
/** What a file may hold that should hold something else; a function makes something else than a file of that name. */
const CONTENTS: [what: string, put: string | Buffer | ((path: string) => void)][] = [
  ['nothing', ''],
  ['null', 'null'],
  ['a number', '1e999'],
  ['a list', '[]'],
  ['an empty map', '{}'],
  ['no YAML', '{{{'],
  ['an alias of nothing', 'a: *x'],
  ['bytes', Buffer.from([0, 1, 2, 255, 254])],
  ['a merge conflict', `<<<<<<< HEAD\n${good}=======\n${good}>>>>>>> other\n`],
  ['half of it', good.slice(0, 300)],
  ['it twice', good + good],
  ['another document', '{"facts":{"db1":5},"observations":{"db1":{"patroni":5}}}'],
  ['lines of JSON', '{"type":5}\nnull\n{"time":{},"type":"start","by":{}}\n'],
  ['brackets', '['.repeat(9000)],
  ['a directory', (path) => mkdirSync(path)],
  ['a link to itself', (path) => symlinkSync(path.split('/').at(-1)!, path)],
];
const FILES = [
  'secrets.yaml',
  'secrets.age',
  'secrets.shown',
  'secrets.lock',
  'last-seen.json',
  'restore.json',
  'known_hosts',
  'journal',
  'journal/20260101T000000-abcd.ndjson',
  '',
].map((name) => join('.hapg/pglab', name));
const OWN_FILES = [...FILES, '.hapg', '.ssh/config', '.ssh/known_hosts', '.ssh', 'saved-plan'];
const LOOKING = [['plan'], ['status'], ['trust', '--yes'], ['restore', '--latest', '--yes', '--confirm', 'pglab']];
/** The commands that a file is read by. */
const readersOf = (path: string): string[][] =>
  path.startsWith('.ssh')
    ? LOOKING
    : path === 'saved-plan'
      ? [
          ['apply', 'saved-plan', '--yes'],
          ['plan', '--out', 'saved-plan'],
        ]
      : [
          ...LOOKING,
          ['secrets', 'show', 'app'],
          ['render', 'out', '-l', 'client'],
          ['audit'],
          ['destroy', '--yes', '--confirm', 'pglab'],
          ['config', 'edit', '--set', 'rto=norm', '--yes'],
        ];

for (const path of OWN_FILES)
  test(`whatever stands in the place of ${path}, every command ends in a message`, async () => {
    for (const [what, put] of CONTENTS) {
      for (const one of ['.hapg', '.ssh', 'out', 'saved-plan']) rmSync(one, { recursive: true, force: true });
      mkdirSync('.hapg/pglab/journal', { recursive: true, mode: 0o700 });
      mkdirSync('.ssh');
      // The store is there in one form only.
      if (!path.endsWith('.age')) writeFileSync('.hapg/pglab/secrets.yaml', good, { mode: 0o600 });
      rmSync(path, { recursive: true, force: true });
      mkdirSync(dirname(path), { recursive: true });
      if (typeof put === 'function') put(path);
      else writeFileSync(path, put);
      for (const words of readersOf(path))
        expectEnd(await inProcess([...words, '-i', 'few.yaml']), `${words.join(' ')}: ${what}`);
    }
  });

test('whatever ~/.ssh/config says, a host is found, or the file is refused', async () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      'Host ',
      'Match ',
      'Port ',
      'ProxyJump ',
      'User ',
      'HostName ',
      'IdentityFile ',
      'Include ',
      'ProxyCommand ',
      'HostKeyAlias ',
      '\n',
      '  ',
      '"',
      '*',
      '!',
    ),
    fc.constantFrom('=', '127.0.0.1', '#', 'exec', 'host', 'all', 'final', '%h', '%%', '/', '~', ',', '99999', 'none'),
    fc.string({ unit: codePoint, maxLength: 5 }).filter((one) => !one.includes('exec')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 14 }), async (parts) => {
      // Files of this machine outside the home directory may block a reader (/proc/kmsg).
      fc.pre(!/include[\s="]*\//i.test(parts.join('')));
      rmSync('.ssh', { recursive: true, force: true });
      mkdirSync('.ssh');
      writeFileSync('.ssh/config', parts.join(''));
      try {
        const target = await resolveTarget(cluster, cluster.hosts[0]!, {}, readSshConfig());
        assert.equal(typeof target.host, 'string');
      } catch (cause) {
        assert.ok(cause instanceof KnownError && cause.exitCode === 5, String((cause as Error).stack));
      }
    }),
    { numRuns: 200 },
  );
});

test('whatever known_hosts says, a key is known, unknown or another one', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '|1|',
      '|1|x|y',
      '@revoked ',
      '@cert-authority ',
      '[127.0.0.1]:22',
      '127.0.0.1',
      '*',
      '?',
      '!',
      ',',
      ' ',
    ),
    fc.constantFrom('\n', 'ssh-ed25519', 'AAAA', '#', '(', '[', '\\', '\t'),
    fc.string({ unit: codePoint, maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), fc.uint8Array({ maxLength: 80 }), (parts, rest) => {
      const known = KnownHosts.parse(parts.join(''));
      const key = Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('abc'), Buffer.from(rest)]);
      assert.ok(Array.isArray(known.types('127.0.0.1', 22)));
      assert.equal(typeof known.verify('127.0.0.1', 22, key).ok, 'boolean');
    }),
    { numRuns: 1000 },
  );
});
