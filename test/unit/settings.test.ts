import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  editSetting,
  type SettingEdit,
  settingEdits,
  settingPath,
  settingsText,
} from '../../src/inventory/settings.ts';

const EDITS: [what: string, text: string, edit: [key: string, value?: string | number | boolean], after: string][] = [
  ['a value in a block', 'rto: fast  # why\nhosts: {}\n', ['rto', 'norm'], 'rto: norm  # why\nhosts: {}\n'],
  ['a value in a flow', 'patroni: {ttl: 30, port: 1}\n', ['patroni.ttl', 20], 'patroni: {ttl: 20, port: 1}\n'],
  [
    'a new key in a flow',
    'patroni: {ttl: 30}  # x\n',
    ['patroni.loop_wait', 5],
    'patroni: {ttl: 30, loop_wait: 5}  # x\n',
  ],
  [
    'a new key in a block',
    'patroni:\n  # all of it\n  ttl: 30 # s\n\nhosts: {}\n',
    ['patroni.loop_wait', 5],
    'patroni:\n  # all of it\n  ttl: 30 # s\n  loop_wait: 5\n\nhosts: {}\n',
  ],
  ['a key in an empty map', 'patroni: {}\nhosts: {}\n', ['patroni.ttl', 30], 'patroni: {ttl: 30}\nhosts: {}\n'],
  ['a key without a value', 'patroni:\nhosts: {}\n', ['patroni.ttl', 30], 'patroni: {ttl: 30}\nhosts: {}\n'],
  [
    'a section that is not there',
    'cluster: a\n\n# all\nhosts:\n  x: {}\n',
    ['postgres.parameters.work_mem', '8MB'],
    'cluster: a\npostgres: {parameters: {work_mem: 8MB}}\n\n# all\nhosts:\n  x: {}\n',
  ],
  [
    'a parameter of an extension',
    'postgres:\n  parameters: {a: 1}\n',
    ['postgres.parameters.pg_stat_statements.max', 5000],
    'postgres:\n  parameters: {a: 1, pg_stat_statements.max: 5000}\n',
  ],
  ['the first of a flow taken out', 'patroni: {ttl: 30, port: 1}\n', ['patroni.ttl'], 'patroni: {port: 1}\n'],
  ['the last of a flow taken out', 'patroni: {port: 1, ttl: 30}\n', ['patroni.ttl'], 'patroni: {port: 1}\n'],
  ['a line taken out', 'patroni:\n  ttl: 30\n  port: 1 # p\n', ['patroni.ttl'], 'patroni:\n  port: 1 # p\n'],
  [
    'one of two in a map that is alone',
    'postgres: {parameters: {a: 1, b: 2}}\n',
    ['postgres.parameters.a'],
    'postgres: {parameters: {b: 2}}\n',
  ],
  ['the only one of a map taken out', 'a: 1\npatroni: {ttl: 30}\nb: 2\n', ['patroni.ttl'], 'a: 1\nb: 2\n'],
];
for (const [what, text, [key, value], after] of EDITS)
  test(`an inventory's setting is edited in its text: ${what}`, () => {
    const path = settingPath(key);
    assert.equal(editSetting(text, value === undefined ? { path } : { path, value }), after);
  });

test('only settings of PostgreSQL and Patroni are edited this way', () => {
  for (const key of ['hosts', 'patroni', 'rto.x', 'patroni.', 'postgres.parameters'])
    assert.throws(() => settingPath(key), /is needed/, key);
  assert.throws(() => settingPath('postgres.version'), /another major version is no setting/);
  assert.throws(() => settingPath('work_mem'), /work_mem is a setting of PostgreSQL: postgres\.parameters\.work_mem/);
  for (const key of ['patroni.scope', 'patroni.port', 'patroni.watchdog'])
    assert.throws(() => settingPath(key), /cannot change|change it in the inventory/, key);
});

test('a setting that is not there is not taken out', () => {
  assert.throws(() => editSetting('patroni: {ttl: 3}\n', { path: ['patroni', 'port'] }), /patroni\.port is not set/);
});

test("the document to edit has the inventory's settings, and its differences are found", () => {
  const before = settingsText(readFileSync('inventory/lab.yaml', 'utf8'));
  assert.deepEqual(settingEdits(before, before), []);
  const settings = parse(before);
  const [first] = Object.keys(settings.postgres.parameters);
  delete settings.postgres.parameters[first!];
  settings.patroni.ttl = 40;
  const edits = settingEdits(before, JSON.stringify(settings));
  assert.deepEqual(edits, [{ path: ['postgres', 'parameters', first] }, { path: ['patroni', 'ttl'], value: 40 }]);
});

test('whatever is set, the rest of the inventory means what it meant, and the comments are there', () => {
  const text = readFileSync('inventory/lab.yaml', 'utf8');
  const comments = text.match(/#.*/g)!;
  const name = fc.stringMatching(/^[a-z][a-z_]{0,20}$/);
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 }), (changes) => {
      const wanted = parse(text);
      let edited = text;
      for (const [key, to] of changes) {
        const edit: SettingEdit = { path: ['postgres', 'parameters', key], value: to };
        edited = editSetting(edited, edit);
        wanted.postgres.parameters[key] = to;
      }
      assert.deepEqual(parse(edited), wanted);
      for (const comment of comments) assert.ok(edited.includes(comment), comment);
      for (const [key] of [...new Map(changes)])
        edited = editSetting(edited, { path: ['postgres', 'parameters', key] });
      for (const [key] of changes) delete wanted.postgres.parameters[key];
      assert.deepEqual(parse(edited), wanted);
    }),
  );
});
