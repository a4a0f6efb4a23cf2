import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { parse, parseDocument } from 'yaml';
import { program } from '../../src/cli.ts';
import { takeSnapshot } from '../../src/cluster/snapshot.ts';
import { EXAMPLES } from '../../src/commands/help/examples.ts';
import { examplesOf, TOPICS, wordsTo } from '../../src/commands/help/text.ts';
import { verbFirst } from '../../src/commands/option-words.ts';
import type { ApplyResult } from '../../src/engine/apply.ts';
import type { Plan } from '../../src/engine/plan.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { inventorySchema, jsonSchema } from '../../src/inventory/schema.ts';
import { hostsFrom } from '../../src/inventory/terraform.ts';
import { statusOf } from '../../src/status/status.ts';
import { applyDocument, nothingDocument, planDocument, unreachableDocument } from '../../src/view/apply.ts';
import { generatedDocs } from '../../tools/generated-docs.ts';
import { undescribed } from '../../tools/inventory-reference.ts';
import { healthyLab, labCluster } from './model.ts';

/** Every page that people read, by its path. */
const PAGES = new Map(
  [
    ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
    ...readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ].map((file) => [file, readFileSync(file, 'utf8')]),
);
const page = (file: string): string => PAGES.get(file)!;

interface Block {
  file: string;
  language: string;
  text: string;
}

/** Fenced blocks of a page, also those that stand in a list. */
const BLOCKS: Block[] = [...PAGES].flatMap(([file, text]) =>
  [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(([, indent = '', language = '', body = '']) => ({
    file,
    language,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  })),
);
const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```\w*\n[\s\S]*?^\1```$/gm, '');

test('the README is short: 150 lines, none of which is a paragraph', () => {
  const lines = page('README.md').trimEnd().split('\n');
  assert.ok(lines.length <= 150, `${lines.length} lines`);
  for (const line of lines.filter((one) => !one.startsWith('|')))
    assert.ok(line.length <= 125, `${line.length} characters: ${line}`);
});

test('every key of the schema has a description', () => {
  assert.deepEqual(undescribed(jsonSchema()), []);
  assert.deepEqual(undescribed({ properties: { a: { properties: { b: { type: 'string' } }, description: 'A' } } }), [
    'a.b',
  ]);
});

for (const [file, text] of generatedDocs())
  test(`${file} is what "npm run docs" writes`, () => {
    assert.equal(readFileSync(file, 'utf8'), text, 'run "npm run docs"');
  });

test('every command is named where a person looks for a task', () => {
  const tasks = ['README.md', 'docs/operations.md', 'docs/backups.md', 'docs/standby.md'].map(page).join('\n');
  const names = program.commands.flatMap((one) => [
    one.name(),
    ...one.commands.map((sub) => `${one.name()} ${sub.name()}`),
  ]);
  assert.ok(names.length > 30, 'the commands were not found');
  assert.deepEqual(
    names.filter((name) => !new RegExp(`hapg ${name}\\b`).test(tasks)),
    [],
  );
});

test('the help says what every command, argument and option is for, and no default that says nothing', () => {
  const all = program.commands.flatMap((one) => [one, ...one.commands]);
  const silent = all.flatMap((one) => [
    ...(one.description() ? [] : [one.name()]),
    ...one.options.filter(({ description }) => !description).map(({ flags }) => `${one.name()} ${flags}`),
    ...one.registeredArguments.filter(({ description }) => !description).map((arg) => `${one.name()} ${arg.name()}`),
  ]);
  assert.deepEqual(silent, []);
  for (const one of all)
    assert.doesNotMatch(one.helpInformation(), /\(default: (false|true|\[\]|undefined)\)/, one.name());
});

/** The codes that the sources give to a problem of the cluster. */
function codesInSources(): Set<string> {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join('src', name), 'utf8'));
  const forms = [
    /\bproblem\(\s*'([a-z_]+)'/g,
    /\bcode: '([a-z_]+)'/g,
    /\['([a-z_]+)', [a-zA-Z]+\(cluster, snapshot\)\]/g,
  ];
  return new Set(
    sources.flatMap((text) => forms.flatMap((form) => [...text.matchAll(form)].map((match) => match[1]!))),
  );
}

test('every code of status and of a refusal is documented, and no other', () => {
  const refusals = [...readFileSync('src/refusal-codes.ts', 'utf8').matchAll(/^ {2}\| '([a-z_]+)'/gm)];
  const codes = [...codesInSources(), ...refusals.map(([, code]) => code!)].filter((code) => code !== 'custom');
  assert.ok(codes.length > 35, `only ${codes.length} codes were found in the sources`);
  const documented = [...page('docs/status.md').matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]!);
  const tabled = new Set([...documented, ...(page('docs/status.md').includes('`interrupted`') ? ['interrupted'] : [])]);
  assert.deepEqual(
    codes.filter((code) => !tabled.has(code)),
    [],
    'not documented',
  );
  const commands = new Set(program.commands.map((one) => one.name()));
  assert.deepEqual(
    documented.filter((code) => !codes.includes(code) && !commands.has(code)),
    [],
    'documented and not in the sources',
  );
});

/** The anchor that hosting services make of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (file: string): string[] =>
  [...withoutBlocks(page(file)).matchAll(/^#+ (.+)$/gm)].map((match) => anchor(match[1]!));

test('every link leads to a file and a heading that are there', () => {
  let links = 0;
  for (const [file, text] of PAGES)
    for (const [, target = ''] of withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      links += 1;
      const [path, heading] = target.split('#');
      const to = path ? normalize(join(dirname(file), path)) : file;
      assert.ok(existsSync(to), `${file}: ${target}`);
      if (heading) assert.ok(anchors(to).includes(heading), `${file}: ${target} is no heading of ${to}`);
    }
  assert.ok(links > 40, `only ${links} links were found`);
});

/** The words of a command line as a shell splits them, up to its first redirection, pipe or comment. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    if (/^(#|&&|\||;|[<>]$|<[^<>]*$)/.test(word)) break;
    words.push(word.replaceAll(/["']/g, ''));
  }
  return words;
}

/** What is wrong with a command line; empty when the program would take it. `whole`: nothing may be missing either. */
function wrongWith(line: string, whole: boolean): string {
  const words = [...verbFirst(program, wordsOf(line).slice(1))];
  if (words[0] === 'help')
    return words.length === 1 || words[1]! in TOPICS ? '' : wrongWith(`hapg ${words[1]} --help`, whole);
  let command: Command = program;
  while (command.commands.length > 0) {
    const name = words[0];
    // A command with verbs may do something without one.
    if (command.options.length > 1 && (name === undefined || name.startsWith('-'))) break;
    // Help and version are everywhere, and commander would print them.
    if (name === undefined || name === '--version' || name === '--help') return '';
    // Where several verbs are meant.
    if (!whole && name.includes('|')) return '';
    const next = command.commands.find((one) => one.name() === name);
    // A command with options of its own also works without a subcommand.
    if (!next && command !== program && command.options.length > 0) break;
    if (!next) return name === name.toUpperCase() ? '' : `unknown command ${name}`;
    command = next;
    words.shift();
  }
  const given = words.filter((word) => word !== '...' && word !== '--help');
  const { operands, unknown } = command.parseOptions(given);
  const bad = unknown.find((word) => word.startsWith('-') && word !== '--');
  if (bad) return `unknown option ${bad}`;
  const wanted = command.registeredArguments;
  const all = [...operands, ...unknown.filter((word) => word !== '--')];
  if (all.length > wanted.length && !wanted.at(-1)?.variadic)
    return `${all.length} arguments, and ${command.name()} takes ${wanted.length}`;
  if (!whole) return '';
  if (all.length < wanted.filter((one) => one.required).length) return 'an argument is missing';
  const missing = command.options.find((one) => one.mandatory && !given.includes(one.long!));
  return missing ? `${missing.long} is missing` : '';
}

test('every command line that is quoted is one that the program takes', () => {
  const lines = [
    ...BLOCKS.filter(({ language }) => language === 'sh').flatMap(({ file, text }) =>
      text
        .replaceAll(/\\\n\s*/g, '')
        .split(/\n|&&/)
        .map((line) => ({ file, line: line.trim(), whole: true })),
    ),
    ...[...PAGES].flatMap(([file, text]) =>
      [...withoutBlocks(text).matchAll(/`(hapg [^`]+)`/g)].map(([, line = '']) => ({ file, line, whole: false })),
    ),
  ].filter(({ line }) => line.startsWith('hapg '));
  assert.ok(lines.length > 150, `only ${lines.length} command lines were found`);
  assert.deepEqual(
    lines.flatMap(({ file, line, whole }) => {
      const wrong = wrongWith(line, whole);
      return wrong ? [`${file}: ${line}: ${wrong}`] : [];
    }),
    [],
  );
});

test('every command has an example in its help, and each example is one that the program takes', () => {
  const all = program.commands.flatMap((one) => [one, ...one.commands]);
  assert.deepEqual(all.filter((one) => examplesOf(one).length === 0).map(wordsTo), []);
  assert.deepEqual(
    Object.keys(EXAMPLES).filter((name) => !all.some((one) => wordsTo(one) === `hapg ${name}`)),
    [],
    'examples of no command',
  );
  for (const [name, lines] of Object.entries(EXAMPLES))
    assert.ok(
      lines.every((line) => line.startsWith(`hapg ${name}`)),
      name,
    );
  for (const line of Object.values(EXAMPLES).flat())
    assert.equal(wrongWith(line.replace(/ {2,}\(.*\)$/, ''), true), '', line);
});

for (const [line, wrong] of [
  ['hapg staus -i x.yaml', 'unknown command staus'],
  ['hapg plan --outt x', 'unknown option --outt'],
  ['hapg plan x.yaml', '1 arguments, and plan takes 0'],
  ['hapg reinit -i x.yaml', 'an argument is missing'],
  ['hapg add-replica db4', '--address is missing'],
  ['hapg config show --set rto=wide', 'unknown option --set'],
  ['hapg secrets shwo', '1 arguments, and secrets takes 0'],
  ['hapg kept shwo', 'unknown command shwo'],
] as const)
  test(`the check of quoted command lines notices: ${line}`, () => assert.equal(wrongWith(line, true), wrong));

test('no command line is broken over two lines, where nobody could copy it', () => {
  for (const [file, text] of PAGES)
    for (const paragraph of withoutBlocks(text).split(/\n\n/))
      for (const [span] of paragraph.matchAll(/`[^`]*`/g)) assert.ok(!/^`hapg [^`]*\n/.test(span), `${file}: ${span}`);
});

/** The mistakes of an example: one that has hosts is an inventory, all others are parts of the lab's. */
function mistakesOf(text: string): string[] {
  const document = parseDocument(text);
  if (document.errors[0]) return [document.errors[0].message];
  const { hosts, ...rest } = parse(text) as Record<string, unknown>;
  if (typeof (hosts as { from?: unknown } | undefined)?.from === 'string') {
    const seen = hostsFrom.safeParse(hosts);
    return seen.success ? [] : seen.error.issues.map(({ message }) => message);
  }
  const seen = inventorySchema
    .partial()
    .strict()
    .safeParse({ ...rest, ...(hosts ? { hosts } : {}) });
  if (!seen.success) return seen.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  // What it copies is another file.
  if ('standby_of' in rest) return [];
  const base = hosts ? { cluster: 'main' } : (parse(readFileSync('inventory/lab.yaml', 'utf8')) as object);
  try {
    parseInventory(JSON.stringify({ ...base, ...rest, ...(hosts ? { hosts } : {}) }), 'example.yaml');
    return [];
  } catch (cause) {
    return [(cause as Error).message];
  }
}

test('every YAML example is an inventory, or a part of one, that the program takes', () => {
  const examples = BLOCKS.filter(({ language }) => language === 'yaml');
  assert.ok(examples.length >= 7, `only ${examples.length} examples were found`);
  for (const { file, text } of examples) assert.deepEqual(mistakesOf(text), [], `${file}:\n${text}`);
  assert.notDeepEqual(mistakesOf('postgress: {}'), []);
  assert.notDeepEqual(mistakesOf('dcs: zookeeper'), [], 'the lab has etcd');
});

/** The keys of a document, with those of the mappings and of the first item of the lists in it. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return 'value';
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, shapeOf((value as Record<string, unknown>)[key])]),
  );
};

test('the documented form of status is the one that status has', () => {
  const [block] = BLOCKS.filter(({ file, language }) => file === 'docs/status.md' && language === 'json');
  const lost = new Map([['db3', 'unreachable']]);
  const real = statusOf(labCluster(), takeSnapshot(healthyLab()), lost, undefined, Date.now());
  assert.ok(real.backup && real.vip && real.balancers.length > 0 && real.problems.length > 0);
  assert.deepEqual(shapeOf(JSON.parse(block!.text)), shapeOf(JSON.parse(JSON.stringify(real))));
});

test('the documented forms of plan and apply are those that they have', () => {
  const [, ofPlan, ofApply] = BLOCKS.filter(({ file, language }) => file === 'docs/status.md' && language === 'json');
  const change = { host: 'db1', stage: 's', step: 's', role: 'haproxy', action: 'create', ms: 0 } as const;
  const count = { ok: 1, changed: 1, failed: 0, unreachable: false, skipped: 0 };
  const plan = {
    hosts: { db1: count },
    changes: [{ ...change, knownAfterApply: false }],
    impact: [{ kind: 'write_gap', hosts: ['db1'], text: 't' }],
    notes: [{ host: 'db1', text: 't' }],
    skipped: [{ host: 'db1', step: 's', because: 'b' }],
  } as unknown as Plan;
  const failed = [{ host: 'db1', step: 's', message: 'm' }];
  const timed = { run: 'r', ms: 1 };
  const documented = JSON.parse(ofApply!.text) as Record<string, unknown>;
  const result = { done: [change], failed, todo: ['t'], interrupted: false };
  assert.deepEqual(
    shapeOf(documented),
    shapeOf(JSON.parse(JSON.stringify(applyDocument(plan, result as unknown as ApplyResult, timed)))),
  );
  assert.deepEqual(shapeOf(JSON.parse(ofPlan!.text)), shapeOf(planDocument(plan, timed)));
  assert.deepEqual(Object.keys(nothingDocument(plan, timed)).sort(), Object.keys(documented).sort());
  const unreachable = unreachableDocument(labCluster().hosts.slice(0, 1), new Map([['db1', new Error('x')]]), 'r');
  assert.deepEqual(Object.keys(unreachable).sort(), Object.keys(documented).sort());
});

test('every JSON example is JSON', () => {
  for (const { text } of BLOCKS.filter(({ language }) => language === 'json'))
    assert.doesNotThrow(() => JSON.parse(text));
});
