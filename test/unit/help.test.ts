import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../src/cli.ts';
import { TOPICS } from '../../src/commands/help/text.ts';
import { ENVIRONMENT } from '../../src/commands/help/topics.ts';
import { verbFirst } from '../../src/commands/option-words.ts';
import { EXIT } from '../../src/errors.ts';
import { inProcess } from '../support/in-process.ts';

const helpOf = async (...words: string[]): Promise<string> => {
  const { code, out, err } = await inProcess(words);
  assert.deepEqual([code, err], [0, ''], words.join(' '));
  return out;
};

/** The commands that run, with the words of each. */
function leaves(command: Command, words: readonly string[] = []): [words: string, command: Command][] {
  const runs = command.options.some(({ long }) => long === '--inventory') || command.commands.length === 0;
  return [
    ...(runs && words.length > 0 ? [[words.join(' '), command] as [string, Command]] : []),
    ...command.commands.flatMap((one) => leaves(one, [...words, one.name()])),
  ];
}

test('the help of a command describes its own options, the inventory and the output, and names the common ones', async () => {
  const help = await helpOf('plan', '--help');
  for (const flags of ['-i, --inventory', '-o, --output', '--out <file>', '-D, --diff'])
    assert.ok(help.includes(`  ${flags}`), flags);
  assert.doesNotMatch(help, /--lock-wait <|--limit <|-K, --ask/);
  assert.match(
    help,
    /^Common options: -l -t --skip-tags -f -e -v -q -u --private-key -K -J -y --lock-wait --no-color$/m,
  );
  assert.match(help, /^\("hapg help options" describes them\)$/m);
  assert.match(help, /^Examples:\n {2}hapg plan /m);
});

test('an option that means something else in a command is described there', async () => {
  const help = await helpOf('logs', '--help');
  assert.match(help, /^ {2}-f, --follow/m);
  assert.match(help, /^Common options: -l -t --skip-tags --forks -e/m);
});

/** The commands that contact no host, each with the common options that have an effect there. */
const HOSTLESS: Record<string, string> = {
  render: '-l -t --skip-tags -e -q -u -J --no-color',
  connect: '-e --no-color',
  secrets: '-e -q --no-color',
  'secrets show': '-e -q --no-color',
  'secrets set': '-e -q --no-color',
};
const COMMON = '-l -t --skip-tags -f -e -v -q -u --private-key -K -J -y --lock-wait --no-color';

for (const [words, command] of leaves(program))
  test(`the help names common options only where they have an effect: ${words}`, async () => {
    const named = /^Common options: (.*)$/m.exec(await helpOf(...words.split(' '), '--help'))?.[1];
    const takesAll = command.options.some(({ long }) => long === '--lock-wait');
    const all = words === 'logs' ? COMMON.replace('-f', '--forks') : COMMON;
    assert.equal(named, HOSTLESS[words] ?? (takesAll ? all : undefined));
  });

for (const words of Object.keys(HOSTLESS))
  test(`a common option without an effect is accepted all the same: ${words}`, () => {
    const [, command] = leaves(program).find(([name]) => name === words)!;
    const { unknown } = command.parseOptions([...['-f', '3', '-v', '-K', '-y', '--lock-wait', '5', '-l', 'db1']]);
    assert.deepEqual(unknown, []);
  });

test('the help of options describes every common one', async () => {
  const help = await helpOf('help', 'options');
  for (const flags of ['-i, --inventory <file>', '-l, --limit <hosts>', '-K, --ask-become-pass', '--no-color'])
    assert.ok(help.includes(flags), flags);
  assert.match(help, /\(default:\s+50\)/);
});

test('the help of exit codes has every code', async () => {
  const help = await helpOf('help', 'exit-codes');
  for (const code of Object.values(EXIT)) assert.match(help, new RegExp(`^ {2}${code} +\\S`, 'm'));
});

/** Variables that belong to the system or to another program; they mean there what they mean here. */
const OTHERS = ['PATH', 'SHELL', 'TERM', 'SSH_ASKPASS_PROMPT'];

test('the help of the environment has every variable that the sources read', async () => {
  const sources = ['src', 'playbooks', 'roles'].flatMap((directory) =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(directory, name), 'utf8')),
  );
  const read = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/\b(?:process\.env|env)\.([A-Z_]+)|\bfromEnvironment\('([A-Z_]+)'/g)].map(
        (one) => one[1] ?? one[2]!,
      ),
    ),
  );
  const listed = ENVIRONMENT.flatMap(({ names }) => names);
  assert.deepEqual([...read].filter((name) => !OTHERS.includes(name)).sort(), [...listed].sort());
  const help = await helpOf('help', 'environment');
  for (const name of listed) assert.ok(help.includes(name), name);
});

test('no topic has the name of a command, and the help names them all', async () => {
  const help = await helpOf('help');
  for (const name of Object.keys(TOPICS)) {
    assert.ok(!program.commands.some((one) => one.name() === name), name);
    assert.ok(help.includes(name), name);
  }
});

test('the help of a subcommand is found in every way', async () => {
  const help = await helpOf('secrets', 'rotate', '--help');
  assert.match(help, /^Usage: hapg secrets rotate \[options\] \[names\.\.\.\]$/m);
  assert.match(help, /^ {2}--probe/m);
  assert.equal(await helpOf('help', 'secrets', 'rotate'), help);
  assert.equal(await helpOf('secrets', 'help', 'rotate'), help);
  assert.equal(await helpOf('secrets', '-i', 'x.yaml', 'rotate', '--help'), help);
});

test('a command with verbs shows them, and only has the options that it takes without one', async () => {
  const help = await helpOf('config', '--help');
  assert.match(help, /^Commands:\n {2}show \[options\] .*\n {2}edit \[options\] /m);
  assert.doesNotMatch(help, /^ {2}--(?:set|probe)/m);
  const own = program.commands.find((one) => one.name() === 'certs')!;
  assert.ok(!own.options.some(({ long }) => long === '--authority'));
  assert.ok(own.commands.some((one) => one.options.some(({ long }) => long === '--authority')));
});

test('a command that does nothing without a verb shows its help and ends with 5', async () => {
  const { code, out, err } = await inProcess(['drill']);
  assert.deepEqual([code, out], [EXIT.usage, '']);
  assert.match(err, /^Usage: hapg drill .*\n[\s\S]*^ {2}restore \[options\]/m);
});

for (const [line, meant] of [
  ['secrets -i x.yaml show app', 'secrets show -i x.yaml app'],
  ['secrets -ix.yaml -y rotate', 'secrets rotate -ix.yaml -y'],
  ['secrets -yi x.yaml rotate', 'secrets rotate -yi x.yaml'],
  ['secrets --inventory=x.yaml show', 'secrets show --inventory=x.yaml'],
  ['certs --authority renew -i x.yaml', 'certs --authority renew -i x.yaml'],
  ['certs -i renew', 'certs -i renew'],
  ['certs --nosuch renew', 'certs renew --nosuch'],
  ['config -i x.yaml', 'config -i x.yaml'],
  ['config --set a=b edit', 'config edit --set a=b'],
  ['drill --on db2 restore', 'drill restore --on db2'],
  ['secrets shwo -i x.yaml', 'secrets shwo -i x.yaml'],
  ['secrets - show', 'secrets - show'],
  ['secrets -- show', 'secrets -- show'],
  ['apply -i x.yaml show', 'apply -i x.yaml show'],
  ['nosuch show', 'nosuch show'],
] as const)
  test(`the verb is found in: hapg ${line}`, () => {
    assert.equal(verbFirst(program, line.split(' ')).join(' '), meant);
  });
