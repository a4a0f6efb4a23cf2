import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { haproxy } from '../../roles/haproxy/haproxy.ts';
import { patroniConfig } from '../../roles/patroni/config.ts';
import { pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import type { RunEvent } from '../../src/engine/events.ts';
import { Journal } from '../../src/engine/journal.ts';
import { probe } from '../../src/engine/probe.ts';
import { Session } from '../../src/engine/session.ts';
import type { StepFailed } from '../../src/errors.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import type { Context } from '../../src/playbook.ts';
import { secretYaml } from '../../src/render.ts';
import { Secret } from '../../src/secret.ts';
import { registerSecrets, scrub, scrubbed, unregisterSecrets } from '../../src/secrets/outlet.ts';
import { pgpass } from '../../src/secrets/pgpass.ts';
import { redact } from '../../src/secrets/redact.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import type { SecretText } from '../../src/secrets/text.ts';
import { type FileState, type FileWant, file } from '../../src/steps/file.ts';
import { packages } from '../../src/steps/package.ts';
import type { Difference } from '../../src/steps/step.ts';
import type { Machine } from '../../src/transport/machine.ts';
import { overSsh } from '../../src/transport/ssh.ts';
import { codePoint } from '../support/code-point.ts';
import { contextFor, labCluster } from './model.ts';

after(unregisterSecrets);

/** What is stored, to be set by a test as a person with an editor would. */
const stored = (store: SecretStore) =>
  (store as unknown as { stored: { passwords: Record<string, string>; users: Record<string, string> } }).stored;

/** The diff of a file that is there with another text than it should have. */
function diffOf(wanted: string | Secret, present: string): Difference {
  const step = file('patroni', '/etc/x', wanted);
  const state: FileState = {
    type: 'file',
    owner: 'root',
    group: 'root',
    mode: (step.want as FileWant).mode,
    sha256: 'another',
    content: new Secret(present),
  };
  return step.kind.diff(step, state)!;
}

const lines = ({ before = '', after = '' }: Difference): [gone: string[], come: string[]] => {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [old.filter((line) => !now.includes(line)), now.filter((line) => !old.includes(line))];
};

const cluster = labCluster();
const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
const base = await contextFor(cluster);

/** The files of the lab that hold secrets, by their form. */
const FILES: Record<string, (context: Context) => SecretText> = {
  yaml: (context) => patroniConfig(host('db1'), context),
  ini: (context) => pgbackrestConfig(host('backup'), context),
  haproxy: (context) =>
    haproxy(host('proxy1'), context)
      .map((step) => (step.want as FileWant).content)
      .find((content) => content instanceof Secret) as SecretText,
  pgpass: ({ secrets }) => pgpass(cluster, secrets),
};

test('a file with secrets is shown with everything but them, and is sent whole', () => {
  for (const [name, make] of Object.entries(FILES)) {
    const text = make(base);
    for (const secret of base.secrets.all()) assert.ok(!text.redacted().includes(secret.reveal()), name);
    assert.equal(text.parts.map((part) => (part instanceof Secret ? part.reveal() : part)).join(''), text.reveal());
    assert.ok(text.redacted().split('\n').length === text.reveal().split('\n').length, name);
    assert.match(text.redacted(), /\[redacted\]/, name);
    for (const shown of [String(text), `${text}`, JSON.parse(JSON.stringify({ text })).text, inspect(text)])
      assert.equal(shown, text.redacted(), name);
  }
});

for (const [what, make, change, gone, come] of [
  [
    'a setting of PostgreSQL in the file of Patroni',
    'yaml',
    (text: string) => text.replace('scope: pglab', 'scope: pgother'),
    ['scope: pgother'],
    ['scope: pglab'],
  ],
  [
    'a setting that somebody has added',
    'yaml',
    (text: string) => text.replace('\n  parameters:\n', '\n  parameters:\n    hash_mem_multiplier: 3\n'),
    ['    hash_mem_multiplier: 3'],
    [],
  ],
  [
    'a password that is another one',
    'yaml',
    (text: string) => text.replace(/(username: replicator\n {6}password: ).*/, '$1old-password-of-it'),
    [],
    ['      password: [redacted, changed]'],
  ],
  [
    'a password that somebody has added in another place',
    'yaml',
    (text: string) => `${text}extra:\n  password: foo-bar-foo\n  size: 3\n`,
    ['extra:', '  password: [redacted]', '  size: 3'],
    [],
  ],
  [
    'an option of pgBackRest, and its passphrase',
    'ini',
    (text: string) =>
      text.replace('process-max=', 'process-max=9').replace(/(repo1-cipher-pass=).*/, '$1old-passphrase-here'),
    [/^process-max=9\d+$/, 'repo1-cipher-pass=[redacted]'],
    [/^process-max=\d+$/, 'repo1-cipher-pass=[redacted, changed]'],
  ],
  [
    'a time-out of HAProxy, and the password of its statistics',
    'haproxy',
    (text: string) => text.replace('timeout connect 4s', 'timeout connect 9s').replace(/hapg:.*/, 'hapg:old-password'),
    ['    timeout connect 9s', '    stats auth hapg:[redacted]'],
    ['    timeout connect 4s', '    stats auth hapg:[redacted, changed]'],
  ],
  [
    "a line of somebody's in the password file",
    'pgpass',
    (text: string) => `${text}localhost:5432:postgres:postgres:hunter2hunter2\n`,
    ['localhost:5432:postgres:postgres:[redacted]'],
    [],
  ],
  [
    "a user's new password",
    'pgpass',
    (text: string) => text.replace(/app:.*/, 'app:o'),
    ['*:*:*:app:[redacted]'],
    ['*:*:*:app:[redacted, changed]'],
  ],
] as [string, string, (text: string) => string, (string | RegExp)[], (string | RegExp)[]][])
  test(`a diff shows ${what}`, () => {
    const wanted = FILES[make]!(base);
    const present = change(wanted.reveal());
    assert.notEqual(present, wanted.reveal());
    const found = lines(diffOf(wanted, present));
    for (const [index, expected] of [gone, come].entries()) {
      assert.equal(found[index]!.length, expected.length, found[index]!.join('\n'));
      for (const one of expected)
        assert.ok(
          found[index]!.some((line) => (one instanceof RegExp ? one.test(line) : line === one)),
          `${one} in\n${found[index]!.join('\n')}`,
        );
    }
  });

test('of a present file that is not what its name says nothing is shown', () => {
  for (const present of ['a: [b', '- a\n- b\n', 'hunter2hunter2', '\0\u0001', 'a: *x', `${'['.repeat(5000)}`]) {
    const difference = diffOf(FILES.yaml!(base), present);
    assert.equal(difference.summary, 'content (secret)', present.slice(0, 20));
    assert.equal(difference.before, undefined);
    assert.equal(difference.after, undefined);
  }
  assert.equal(diffOf(FILES.ini!(base), '[global]\nhunter2hunter2\n').before, undefined);
  assert.equal(diffOf(new Secret('closed'), 'hunter2hunter2').before, undefined, 'a secret as a whole');
});

test('a file that differs only in what is not shown says so', () => {
  const { summary, before, after: wanted } = diffOf(FILES.yaml!(base), `# by hand\n${FILES.yaml!(base).reveal()}`);
  assert.match(summary, /only comments, layout/);
  assert.equal(before, wanted);
});

test('a file without secrets of ours is shown without credentials that somebody has put there', () => {
  const shown = diffOf('a = 1\n', 'a = 1\n* = host=x password=hunter2hunter2\nproxy http://me:hunter3hunter3@p:1\n');
  assert.equal(shown.before, 'a = 1\n* = host=x password=[redacted]\nproxy http://me:[redacted]@p:1\n');
  const login = diffOf('PasswordAuthentication no\n', 'PasswordAuthentication yes\n');
  assert.equal(login.before, 'PasswordAuthentication yes\n', 'what only speaks of passwords is shown');
});

/** A word that stands in no file by itself. */
const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{8,30}$/),
  fc.string({ unit: 'grapheme-ascii', minLength: 4, maxLength: 24 }),
  fc.string({ unit: 'grapheme', minLength: 4, maxLength: 12 }),
  fc.constantFrom(
    'on: #x',
    '"quoted',
    "it's",
    'a: b: c',
    '*alias',
    '&anchor',
    '[list]',
    '{map}',
    '|block',
    '%pct',
    '12345678',
    '0x1234',
  ),
);
type Edit = (secret: string, line: string) => string;
const indent = (line: string): string => /^\s*/.exec(line)![0];
/** What somebody does to a line with an editor; `secret` ends up somewhere in it, in the way of such a file. */
const EDITS: Record<string, Edit[]> = {
  all: [
    () => '',
    (_, line) => `${line}\n${line}`,
    (_, line) => `  ${line}`,
    (_, line) => line.trimStart(),
    (_, line) => line.replace('password', 'passwort'),
    (_, line) => line.replace('pass', 'secret'),
    (_, line) => line.replace(/\d+/, '7'),
    (secret, line) => `${line}\n# the password was ${secret}`,
    (secret, line) => `# password: ${secret}\n${line}`,
    (_, line) => `# ${line}`,
  ],
  yaml: [
    (secret, line) => `${line}\n${indent(line)}password: ${JSON.stringify(secret)}`,
    (secret, line) => `${line}\n${indent(line)}api_token: ${secret}`,
    (secret, line) => `${line} # ${secret}`,
    (secret, line) => `${line}\n${indent(line)}key-data: |\n${indent(line)}  ${secret}`,
    (secret, line) => `${line}\n${indent(line)}passphrase: [${JSON.stringify(secret)}]`,
    (secret, line) => `${line}\n${indent(line)}clientSecret: {value: ${JSON.stringify(secret)}}`,
    (secret, line) =>
      `${line}\n${indent(line)}conninfo: ${JSON.stringify(`host=a password='${secret.replaceAll(/['\\]/g, '')}'`)}`,
    (secret, line) => `${line}\n${indent(line)}url: "postgresql://me:${encodeURIComponent(secret.toWellFormed())}@h/d"`,
    (secret, line) => `${line}\n${indent(line)}a: &x ${JSON.stringify(secret)}\n${indent(line)}password: *x`,
    (secret, line) => line.replace(/: .*/, `: {password: ${JSON.stringify(secret)}}`),
  ],
  ini: [
    (secret, line) => `${line}\nrepo2-s3-key-secret=${secret}`,
    (secret, line) => `${line}\n[extra]\npassword = ${secret}`,
    (secret, line) => `${line} # ${secret}`,
    (secret, line) => `repo1-cipher-pass=${secret}\n${line}`,
  ],
  haproxy: [
    (secret, line) => `${line}\n    stats auth other:${secret}`,
    (secret, line) => `${line}\n    user x insecure-password ${secret}`,
    (secret, line) => `${line}\n    user y password ${secret} groups z`,
    (secret, line) => `${line} # ${secret}`,
    (secret, line) => `${line}\n    http-check send hdr Authorization "Basic ${secret}"`,
    (secret, line) => `${line}\n${secret}`,
  ],
  pgpass: [
    (secret, line) => `${line}\nlocalhost:5432:db:me:${secret}`,
    (secret, line) => `${line}\n${secret}`,
    (secret, line) => line.replace(/:[^:]*$/, `:${secret}`),
  ],
};
const driftOf = (name: string) =>
  fc.record({ at: fc.nat(), what: fc.constantFrom(...EDITS.all!, ...EDITS[name]!, ...EDITS[name]!) });

for (const [name, make] of Object.entries(FILES))
  test(`whatever the secrets are and whatever somebody did to the file, none of them is in the diff (${name})`, () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 14, maxLength: 14 }),
        fc.array(driftOf(name), { maxLength: 5 }),
        fc.boolean(),
        (words, drifts, same) => {
          const [first, ...rest] = words;
          const put = (store: SecretStore, from: readonly string[]): Context => {
            const { passwords, users } = stored(store);
            for (const [index, key] of Object.keys(passwords).entries()) passwords[key] = from[index]!;
            for (const key of Object.keys(users)) users[key] = from.at(-1)!;
            return { ...base, secrets: store };
          };
          const fits = (text: string) =>
            name === 'yaml' ? text : text.replaceAll(/[\s\p{Cc}"'\\#:]/gu, 'x').padEnd(4, 'y');
          const foreign = fits(first!.replaceAll(/[\r\n\0]/g, ''));
          const [old, now] = [rest.slice(0, 6).map(fits), rest.slice(6, 12).map(fits)];
          const before = make(put(base.secrets, old)).reveal();
          const wanted = make(put(base.secrets, same ? old : now));
          const skeleton = wanted.redacted();
          // A line that somebody has put in stays: without the line that names a secret nobody can tell that it is one.
          const text = drifts
            .reduce(
              (lines, { at, what }) => {
                const index = at % lines.length;
                const { line, ours } = lines[index]!;
                // Without its key nobody can tell what the line of a block is.
                if (!ours || line.endsWith('key-data: |')) return lines;
                const put = what(foreign, line).split('\n');
                return lines.toSpliced(index, 1, ...put.map((one) => ({ line: one, ours: one === line })));
              },
              before.split('\n').map((line) => ({ line, ours: true })),
            )
            .map(({ line }) => line)
            .join('\n');
          if (text === wanted.reveal()) return;
          const difference = diffOf(wanted, text);
          const shown = `${difference.before}${difference.after}`;
          for (const secret of [...old, ...now, foreign])
            if (
              secret.trim().length >= 4 &&
              !skeleton.includes(secret) &&
              !'undefined[redacted, changed]'.includes(secret)
            )
              assert.ok(!shown.includes(secret), `${JSON.stringify(secret)} in\n${shown}\nof\n${text}`);
        },
      ),
      { numRuns: 100, includeErrorInReport: true },
    );
  });

test('secrets in YAML are found again whatever they are made of', () => {
  const any = fc.string({ unit: codePoint, maxLength: 20 }).filter((one) => one.isWellFormed());
  fc.assert(
    fc.property(any, any, any, (one, two, plain) => {
      const value = {
        a: new Secret(one),
        [`k${plain}`]: { list: [plain, new Secret(two)], gone: undefined },
        z: plain,
      };
      const text = secretYaml(value);
      assert.equal(text.parts.map((part) => (part instanceof Secret ? part.reveal() : part)).join(''), text.reveal());
      assert.equal(text.parts.filter((part) => part instanceof Secret).length, 2);
      assert.equal(
        text.redacted(),
        secretYaml({ ...value, a: new Secret('x1'), [`k${plain}`]: { list: [plain, new Secret('y1')] } }).redacted(),
      );
    }),
    { numRuns: 400 },
  );
});

/** A session whose hosts answer what a test wants, as if they were connected. */
function sessionThatHears(answer: (script: string) => { code: number; output: string }, secrets: Secret[]): Session {
  const run = async (script: string) => answer(script);
  const machine: Machine = { isOpen: true, run, beside: run, close: () => undefined };
  return new Session(
    cluster,
    {
      network: overSsh({ flags: {}, credentials: {} }),
      forks: 5,
      emit: (_event: RunEvent) => undefined,
      run: 'r',
      secrets: () => secrets,
    },
    new Map(cluster.hosts.map((one) => [one.name, machine])),
  );
}

test('a secret that is a word of hapg does not keep a probe from being understood', async () => {
  const step = packages('pgbackrest', ['pgbackrest', 'postgresql-17']);
  const answers: Record<string, string> = {
    facts: 'id=debian\ncodename=trixie\ncpus=4\nmemory=16777216\nvirt=kvm',
    'kind:packages': 'pgbackrest|installed|2.55\npostgresql-17|installed|17.1',
  };
  const session = sessionThatHears(
    (script) => ({
      code: 0,
      output: [...script.matchAll(/'([0-9a-f]{24}) (\S+) begin'/g)]
        .map(([, nonce, name]) => `\n${nonce} ${name} begin\n${answers[name!] ?? ''}\n${nonce} ${name} end\n`)
        .join(''),
    }),
    [new Secret('pgbackrest'), new Secret('installed'), new Secret('postgresql')],
  );
  const { states } = await probe(session, host('backup'), [step]);
  assert.equal(step.kind.diff(step, states.get(step.id)), undefined, 'both packages are there');
});

test('a failure holds no secret, and an answer is as the host gave it', async () => {
  const secret = new Secret('hunter2hunter2');
  const session = sessionThatHears(
    () => ({ code: 1, output: 'it is hunter2hunter2, or password=old-one-here\n' }),
    [secret],
  );
  assert.match((await session.ask(host('db1'), 'x')).output, /hunter2hunter2/);
  await assert.rejects(session.remote(host('db1'), 'step').run('x'), (error: StepFailed) => {
    assert.equal(error.reason, 'it is [redacted], or password=[redacted]');
    return true;
  });
});

for (const [what, secret, text, shown] of [
  ['a secret', 'hunter2hunter2', 'password is hunter2hunter2.', 'password is [redacted].'],
  ['in JSON', 'a"b\\c"d\\e', '{"x":"a\\"b\\\\c\\"d\\\\e"}', '{"x":"[redacted]"}'],
  ['in a URL', 'a b/c&d=e', 'http://x/?k=a%20b%2Fc%26d%3De', 'http://x/?k=[redacted]'],
  ['in quotes of sh', "it's it's it", "PGX='it'\\''s it'\\''s it'", "PGX='[redacted]'"],
  ['in quotes of SQL', "it's it's it", "password 'it''s it''s it'", "password '[redacted]'"],
  [
    'a word of ours in a sentence',
    'pgbackrest',
    'pgbackrest: stanza pglab is missing',
    'pgbackrest: stanza pglab is missing',
  ],
  ['a word of ours as a key', 'pgbackrest', 'repo2-s3-key=pgbackrest is refused', 'repo2-s3-key=[redacted] is refused'],
  ['a short value in a sentence', 'main', 'cluster main has no leader', 'cluster main has no leader'],
  [
    'a short value as a password',
    'main',
    'postgresql://app:main@10.0.0.1/app',
    'postgresql://app:[redacted]@10.0.0.1/app',
  ],
] as const)
  test(`${what} leaves as it should`, () => {
    assert.equal(redact(text, [new Secret(secret)]), shown);
  });

test('what is redacted already stays as it is', () => {
  for (const text of [
    'repo1-cipher-pass=[redacted, changed]',
    'password=[redacted]',
    '://a:[redacted]@b',
    "x='[redacted]'",
  ])
    assert.equal(redact(text, [new Secret('redacted')]), text);
});

test('a secret that begins like another leaves no end behind', () => {
  assert.equal(redact('abcdefgh1234', [new Secret('abcdefgh'), new Secret('abcdefgh1234')]), '[redacted]');
});

const root = mkdtempSync(join(tmpdir(), 'hapg-redaction-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('the journal, documents and messages hold no secret of the run', () => {
  unregisterSecrets();
  const learned = [new Secret('hunter2hunter2')];
  registerSecrets(() => learned);
  learned.push(new Secret('later-and-later'));
  const { cluster: own } = parseInventory(readFileSync('inventory/lab.yaml', 'utf8'), join(root, 'lab.yaml'));
  Journal.open(own, 'r').write('failed', { host: 'db1', message: 'hunter2hunter2', deep: [{ m: 'later-and-later' }] });
  const directory = join(own.stateDir, 'journal');
  const text = readFileSync(join(directory, readdirSync(directory)[0]!), 'utf8');
  assert.doesNotMatch(text, /hunter2|later-and/);
  assert.match(text, /"host":"db1","message":"\[redacted\]"/);
  assert.deepEqual(scrubbed({ a: ['hunter2hunter2', 5, null, true], b: undefined }), {
    a: ['[redacted]', 5, null, true],
    b: undefined,
  });
  assert.equal(scrub('x later-and-later y'), 'x [redacted] y');
});

test('a single line of a key with several lines is found in a message', () => {
  const words = ['OPENSSH', 'PRIVATE', 'KEY'].join(' ');
  const key = new Secret(
    `-----BEGIN ${words}-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAtzc2gtZWQyNTUxOQ\n-----END ${words}-----\n`,
  );
  assert.equal(redact('line 2 is AAAAtzc2gtZWQyNTUxOQ, not base64', [key]), 'line 2 is [redacted], not base64');
});
