import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { program } from '../../src/cli.ts';
import { examplesOf } from '../../src/commands/help/text.ts';
import { ENVIRONMENT } from '../../src/commands/help/topics.ts';
import { EXIT } from '../../src/errors.ts';
import { manPages } from '../../tools/man-pages.ts';
import { skipWithout } from '../support/debian-programs.ts';

const missing = await skipWithout({ groff: 'groff-base' });

/** What a person reads of a page: without the marks of bold and underlined text, and in one line. */
function shown(text: string): string {
  const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tascii', '-ww', '-P-c'], {
    input: text,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.equal(stderr, '', 'groff warns of nothing');
  return stdout
    .replaceAll(/.\x08/g, '')
    .replaceAll(/\x1b\[[0-9;]*m/g, '')
    .replaceAll(/\s+/g, ' ');
}

/** A text as groff breaks it: anywhere where there is a space, and behind a hyphen of its own. */
const includes = (page: string, text: string): boolean => page.includes(text.replaceAll(/\s+/g, ' '));

const pages = manPages();

test('every command has a page, and there is one of the program', () => {
  assert.deepEqual(
    [...pages.keys()].sort(),
    ['hapg.1', ...program.commands.map((one) => `hapg-${one.name()}.1`)].sort(),
  );
});

for (const [name, text] of pages)
  test(`${name} is shown without a warning, under its name`, { skip: missing }, () => {
    const page = shown(text);
    assert.ok(includes(page, `NAME ${name.replace('.1', '')} -`), page.slice(0, 200));
    assert.ok(page.startsWith(`${name.replace('.1', '').toUpperCase()}(1)`), page.slice(0, 100));
  });

for (const command of program.commands)
  test(`the page of ${command.name()} has its verbs, arguments, options and examples`, { skip: missing }, () => {
    const page = shown(pages.get(`hapg-${command.name()}.1`)!);
    const common = shown(pages.get('hapg.1')!);
    for (const one of [command, ...command.commands]) {
      for (const { long } of one.options) assert.ok(includes(page, long!) || includes(common, long!), long);
      for (const argument of one.registeredArguments) assert.ok(includes(page, argument.name()), argument.name());
      for (const example of examplesOf(one)) assert.ok(includes(page, example), example);
    }
    for (const verb of command.commands)
      assert.ok(includes(page, `hapg ${command.name()} ${verb.name()}`), verb.name());
  });

test('the page of the program has every exit code, variable and command', { skip: missing }, () => {
  const page = shown(pages.get('hapg.1')!);
  for (const code of Object.values(EXIT)) assert.match(page, new RegExp(`EXIT STATUS.* ${code} `), String(code));
  for (const name of ENVIRONMENT.flatMap(({ names }) => names)) assert.ok(includes(page, name), name);
  for (const one of program.commands) assert.ok(includes(page, `hapg-${one.name()}(1)`), one.name());
  assert.ok(includes(page, '-K, --ask-become-pass'));
});

test('the pages have no date, so that the same sources make the same pages', () => {
  const year = String(new Date().getFullYear());
  for (const [name, text] of pages) {
    assert.match(text, /^\.TH \S+ 1 "" "hapg \d/, name);
    assert.ok(!text.split('\n')[0]!.includes(year), name);
  }
  assert.deepEqual(manPages(), pages);
});

test('package.json has every page, because npm links no others', () => {
  const { man, files } = JSON.parse(readFileSync('package.json', 'utf8')) as { man: string[]; files: string[] };
  assert.deepEqual([...man].sort(), [...pages.keys()].map((name) => `dist/man/${name}`).sort());
  assert.ok(files.includes('dist'));
});
