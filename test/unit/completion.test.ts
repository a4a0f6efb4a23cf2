import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../src/cli.ts';
import { offerFor } from '../../src/commands/completion/candidates.ts';
import { ARGUMENT_VALUES, OPTION_VALUES, sourceOf } from '../../src/commands/completion/values.ts';
import { wordsTo } from '../../src/commands/help/text.ts';
import { remember } from '../../src/engine/last-seen.ts';
import type { Probed } from '../../src/engine/probe.ts';
import { nobodysLab, ownController, withStore } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';
import { EMPTY, FACTS } from './model.ts';

ownController();
const { cluster } = await withStore('lab.yaml');
writeFileSync('inventory.yaml', nobodysLab().replace('db3:', 'dbx:'));
writeFileSync('broken.yaml', 'hosts: [');
mkdirSync('directory');

/** A command line up to the cursor, and what is offered there, without descriptions. */
const OFFERS: [line: string, offered: string][] = [
  ['ss', 'ssh'],
  ['re', 'render report remove-node restart reinit restore resume repair'],
  ['nosuch', ''],
  ['nosuch ', ''],
  ['-', '--version --help'],
  ['secrets ', 'show rotate set'],
  ['secrets -i lab.yaml s', 'show set'],
  ['secrets show ', 'superuser replication rewind rest stats repository app'],
  ['secrets show app s', 'superuser stats'],
  ['secrets -i lab.yaml rotate r', 'replication rewind rest'],
  ['certs renew --authority ', 'etcd patroni postgres pgbackrest'],
  ['config edit --u', '--user --unset'],
  ['config --s', '--skip-tags'],
  ['lab ', 'up down status kill start cut heal add image'],
  ['lab kill -i lab.yaml db', 'db1 db2 db3'],
  ['lab add ', ''],
  ['ssh db', 'db1 db2 dbx'],
  ['ssh -i lab.yaml db', 'db1 db2 db3'],
  ['ssh -ilab.yaml db', 'db1 db2 db3'],
  ['ssh --inventory=lab.yaml db', 'db1 db2 db3'],
  ['ssh -i broken.yaml db', ''],
  ['ssh -i nowhere.yaml db', ''],
  ['ssh -i lab.yaml -e hosts.db9.address=10.1.1.9 -e hosts.db9.roles=[client] db9', 'db9'],
  ['ssh db1 -- db', ''],
  ['ssh db1 db', ''],
  ['reinit -i lab.yaml ', 'db1 db2 db3'],
  ['remove-node -i lab.yaml db1 db', 'db2 db3'],
  ['switchover -i lab.yaml --to ', 'db1 db2 db3'],
  ['switchover -i lab.yaml --to=db2', '--to=db2'],
  ['switchover ', ''],
  ['psql -i lab.yaml --host db1', 'db1'],
  ['drill restore -i lab.yaml --on ', 'db1 db2 db3 backup'],
  ['drill --on ', 'db1 db2 dbx backup'],
  ['plan -i lab.yaml -l pro', 'proxy1 proxy2'],
  ['plan -i lab.yaml -l db1,!db', 'db1,!db1 db1,!db2 db1,!db3'],
  ['plan -i lab.yaml -l db1,db', 'db1,db2 db1,db3'],
  ['plan -i lab.yaml --limit=pg', '--limit=pgbackrest'],
  ['plan -t ha', 'hardening haproxy'],
  ['plan -t etcd,ha', 'etcd,hardening etcd,haproxy'],
  ['plan --skip-tags uf', 'ufw'],
  ['add-replica db4 --roles pat', 'patroni'],
  ['update --reboot ', 'auto always never'],
  ['update --reboot=a', '--reboot=auto --reboot=always'],
  ['backup --type ', 'full diff incr'],
  ['connect --role ', 'primary replica any'],
  ['status -o ', 'text json prometheus'],
  ['status -oj', '-ojson'],
  ['restore --to-', '--to-time --to-lsn --to-name'],
  ['restore --to-time x --to-', '--to-lsn --to-name'],
  ['plan -i lab.yaml --inv', '--inventory'],
  ['plan -v --verb', '--verbose'],
  ['plan -D --di', ''],
  ['logs pat', 'patroni'],
  ['logs patroni etc', 'etcd'],
  ['explain no_q', 'no_quorum'],
  ['completion ', 'bash zsh fish'],
  ['help se', 'secrets'],
  ['help secrets r', 'rotate'],
  ['help o', 'options'],
  ['help secrets o', ''],
  ['hel', 'help'],
  ['config edit -i lab.yaml --set rt', 'rto='],
  ['config edit -i lab.yaml --set rto=', 'rto=fast rto=norm rto=wide'],
  ['config edit -i lab.yaml --set=rto=f', '--set=rto=fast'],
  ['config edit -i lab.yaml --set replication=q', 'replication=quorum'],
  ['config edit -i lab.yaml --set patroni.loop', 'patroni.loop_wait='],
  ['config edit -i lab.yaml --set patroni.watch', ''],
  ['config edit -i lab.yaml --set patroni.loop_wait=', ''],
  ['config edit -i lab.yaml --set postgres.parameters.work_', 'postgres.parameters.work_mem='],
  [
    'config edit -i lab.yaml --set postgres.parameters.wal_log_hints=',
    'postgres.parameters.wal_log_hints=on postgres.parameters.wal_log_hints=off',
  ],
  ['config edit -i lab.yaml --set postgres.parameters.wal_level=l', 'postgres.parameters.wal_level=logical'],
  ['config edit -i lab.yaml --set nosuch=', ''],
  ['drill restore -i lab.yaml --count ', 'app.'],
  ['plan -i lab.yaml -', flags('plan')],
];

/** The long flags of a command without those given. */
function flags(name: string): string {
  const command = program.commands.find((one) => one.name() === name)!;
  return [...command.options.map(({ long }) => long), '--help'].join(' ');
}

const offered = async (line: string) => offerFor(program, line.split(' '));

for (const [line, wanted] of OFFERS)
  test(`at the end of "hapg ${line}" the words are offered that may stand there`, async () => {
    const { candidates, shell } = await offered(line);
    assert.equal(candidates.map(({ text }) => text).join(' '), wanted);
    assert.equal(shell, undefined);
  });

for (const [line, shell] of [
  ['plan -i ', 'files'],
  ['plan --private-key x', 'files'],
  ['plan --out=x', 'files'],
  ['restore --into ', 'files'],
  ['apply -i lab.yaml ', 'files'],
  ['init ', 'files'],
  ['render ', 'directories'],
] as const)
  test(`at the end of "hapg ${line}" the shell finds ${shell}`, async () => {
    assert.deepEqual(await offered(line), { candidates: [], shell });
  });

test('backups are those that were seen last', async () => {
  const none = await offered('restore -i lab.yaml --backup ');
  assert.deepEqual(none.candidates, []);
  const backups = ['20260101-030000F', '20260102-030000F'].map((label) => ({ label, type: 'full' }));
  const observation = { ...EMPTY, repository: { said: { backups } } };
  remember(cluster, new Map([['backup', { facts: FACTS, observation } as unknown as Probed]]));
  const seen = await offered('restore -i lab.yaml --backup ');
  assert.deepEqual(
    seen.candidates.map(({ text }) => text),
    ['20260102-030000F', '20260101-030000F'],
  );
});

test('a secret that the operator brings is offered where it is set', async () => {
  const s3 = '[{kind: host}, {kind: s3, bucket: backups, endpoint: s3.example.com, uri_style: path}]';
  writeFileSync('s3.yaml', nobodysLab().replace('pgbackrest:\n', `pgbackrest:\n  repositories: ${s3}\n`));
  const { candidates } = await offered('secrets set -i s3.yaml ');
  assert.deepEqual(
    candidates.map(({ text }) => text),
    ['s3-key-backups', 's3-secret-backups'],
  );
});

test('the inventory of the session is the one of HAPG_INVENTORY', async (context) => {
  // The program has read it when it was loaded, as it does in each process.
  const option = program.commands
    .find((one) => one.name() === 'ssh')!
    .options.find(({ long }) => long === '--inventory')!;
  const before = option.defaultValue;
  context.after(() => (option.defaultValue = before));
  option.defaultValue = ['lab.yaml'];
  assert.deepEqual((await offered('ssh db3')).candidates, [{ text: 'db3', about: 'etcd, patroni' }]);
});

/** Every command, those under another one too. */
const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
const commands = program.commands.flatMap(all);

test('of every value it is said where it comes from', () => {
  const wanted = commands.flatMap((command) => [
    ...command.options
      .filter((option) => option.required || option.optional)
      .map(({ long, argChoices }) => ({ command, name: long!, argChoices })),
    ...command.registeredArguments.map((one) => ({ command, name: one.name(), argChoices: one.argChoices })),
  ]);
  assert.ok(wanted.length > 150, `only ${wanted.length} values were found`);
  const unsaid = wanted.filter(({ command, ...value }) => sourceOf(command, value) === undefined);
  assert.deepEqual(
    unsaid.map(({ command, name }) => `${wordsTo(command)} ${name}`),
    [],
  );
});

test('of no value it is said that no command has', () => {
  const has = (key: string) =>
    commands.some((command) => {
      const own = wordsTo(command).split(' ').slice(1).join(' ');
      const name = key.startsWith(`${own} `) ? key.slice(own.length + 1) : key;
      return (
        command.options.some(({ long }) => long === name) ||
        command.registeredArguments.some((one) => `${own} ${one.name()}` === key)
      );
    });
  assert.deepEqual(
    [...Object.keys(OPTION_VALUES), ...Object.keys(ARGUMENT_VALUES)].filter((key) => !has(key)),
    [],
  );
});

test('the hidden command prints a line for each word, with a tab before what it is', async () => {
  assert.deepEqual(await inProcess(['__complete', 'secrets', 'ro']), {
    code: 0,
    out: 'rotate\tmake new passwords, without an interruption\n',
    err: '',
  });
  assert.equal((await inProcess(['__complete', 'plan', '-i', ''])).out, ':files\n');
  for (const words of [['ssh', '-i', 'broken.yaml', ''], ['nosuch', ''], ['psql', '--', ''], []])
    assert.deepEqual(await inProcess(['__complete', ...words]).then(({ code, err }) => ({ code, err })), {
      code: 0,
      err: '',
    });
});

test('the hidden command is in no help', async () => {
  assert.doesNotMatch((await inProcess(['--help'])).out, /__complete/);
});

test('a shell that is none of the three is refused', async () => {
  const { code, err } = await inProcess(['completion', 'tcsh']);
  assert.equal(code, 5);
  assert.match(err, /Allowed choices are bash, zsh, fish/);
});
