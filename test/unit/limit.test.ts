import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EXIT } from '../../src/errors.ts';
import { ownController, withStore } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

/** What the reference says of the commands that take --limit. */
const note = /\(all but\s+([\s\S]*?) and other commands/.exec(readFileSync('docs/commands.md', 'utf8'))![1]!;
const LIMITED = [...note.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]!);
/** Commands about the whole cluster, with the words that they need. */
const WHOLE = [
  ['switchover'],
  ['promote'],
  ['add-replica', 'db9', '--address', '10.1.1.19'],
  ['remove-node', 'db3'],
  ['remove-node', 'db3', '--gone'],
  ['reinit', 'db3'],
  ['repair'],
  ['destroy', '--confirm', 'pglab'],
  ['backup'],
  ['restore', '--latest', '--confirm', 'pglab'],
  ['secrets', 'rotate'],
  ['certs', 'renew'],
  ['config', 'edit', '--set', 'postgres.parameters.work_mem=8MB'],
];
ownController();
await withStore('lab.yaml');

const ends = (words: readonly string[], flag: readonly string[]) =>
  inProcess([...words, '-i', 'lab.yaml', '--yes', ...flag]);

for (const name of LIMITED.filter((one) => one !== 'trust'))
  test(`${name} takes --limit, as the reference says`, async () => {
    const { code, err } = await ends([name], ['--limit', 'db2']);
    assert.doesNotMatch(err, /whole cluster/);
    assert.notEqual(code, EXIT.usage, err);
  });

for (const words of WHOLE)
  for (const flag of [
    ['--limit', 'db2'],
    ['--tags', 'etcd'],
    ['--skip-tags', 'etcd'],
  ])
    test(`${words.join(' ')} refuses ${flag[0]}, as the reference says`, async () => {
      const { code, err } = await ends(words, flag);
      assert.equal(code, EXIT.usage, err);
      assert.match(err, /whole cluster/);
    });

// A role that is passed over would be worked on nevertheless.
for (const name of ['update', 'restart'])
  for (const flag of ['--tags', '--skip-tags'])
    test(`${name} refuses ${flag}, which it could not keep`, async () => {
      const { code, err } = await ends([name], [flag, 'etcd']);
      assert.equal(code, EXIT.usage, err);
      assert.match(err, new RegExp(`hapg ${name} works on whole hosts: without --tags and --skip-tags`));
    });
