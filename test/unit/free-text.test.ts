import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { mark, tagsBlock, unmark } from '../../roles/patroni/marks.ts';
import { parseInventory } from '../../src/inventory/load.ts';
import { render, secretYaml } from '../../src/render.ts';
import { Secret } from '../../src/secret.ts';
import { print, quote, words } from '../../src/shell/quote.ts';
import { identifier, literal } from '../../src/steps/sql/text.ts';
import { codePoint } from '../support/code-point.ts';
import { labCluster } from './model.ts';

/** Text as people and attackers write it: shell, template, YAML, INI and SQL syntax, quotes, newlines, UTF-8. */
const NASTY = [
  '$(id)',
  '`id`',
  "'",
  '"',
  '\\',
  '%s',
  '%',
  '{{x}}',
  '<%= x %>',
  '\n',
  '\r\n',
  ';',
  '#',
  ': ',
  '- ',
  '=',
  '[a]',
  '!tag',
  '&a',
  '*a',
  'on',
  'null',
  '~',
  'é',
  '日本',
  '🐘',
  '\t',
  '--',
  '${x}',
  '\u2028',
  "'; drop table x; --",
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: codePoint, maxLength: 6 })), { maxLength: 8 })
  .map((parts) => parts.join(''))
  .filter((one) => !one.includes('\0') && one.isWellFormed());
const CASES = 10_000;
/** YAML is written once and read twice for each; every piece of NASTY stands in hundreds of them. */
const YAML_CASES = 2000;

test(`${CASES} texts reach a program through the shell as they are`, () => {
  const list = fc.sample(text, CASES);
  for (let from = 0; from < list.length; from += 500) {
    const some = list.slice(from, from + 500);
    const out = execFileSync('/bin/sh', { input: `printf '%s\\001' ${words(...some)}`, maxBuffer: 1 << 26 }).toString();
    assert.equal(out, some.map((one) => `${one}\u0001`).join(''));
  }
});

test('texts inside texts for a shell inside a shell reach the inner one as they are', () => {
  const list = fc.sample(text, 200);
  const inner = list.map((one) => `printf '%s\\001' ${quote(one)}`);
  for (const script of [inner.map((one) => `sh -c ${quote(one)}`), inner.map((one) => `${print(one)} | sh`)])
    assert.equal(
      execFileSync('/bin/sh', { input: script.join('\n') }).toString(),
      list.map((one) => `${one}\u0001`).join(''),
    );
});

test(`${YAML_CASES} texts come back from YAML as they were, read by the rules of 1.1 (Python) and of 1.2`, () => {
  fc.assert(
    fc.property(text, text, (key, value) => {
      const written = secretYaml({ [`k${key}`]: value, list: [value], secret: new Secret(value) }).reveal();
      for (const version of ['1.1', '1.2'] as const)
        assert.deepEqual(parse(written, { version }), { [`k${key}`]: value, list: [value], secret: value });
    }),
    { numRuns: YAML_CASES },
  );
});

/** Reads SQL as PostgreSQL's scanner does for quoted text: what a closed quote leaves behind is code. */
function outside(sql: string, mark: "'" | '"'): string {
  let rest = '';
  let inside = false;
  for (let index = 0; index < sql.length; index++) {
    if (sql[index] !== mark) {
      if (!inside) rest += sql[index];
    } else if (inside && sql[index + 1] === mark) index++;
    else inside = !inside;
  }
  assert.equal(inside, false, 'a quote stays open');
  return rest;
}

test(`${CASES} texts are one literal and one identifier of SQL`, () => {
  fc.assert(
    fc.property(text, (one) => {
      assert.equal(outside(literal(one), "'"), '');
      assert.equal(outside(identifier(one), '"'), '');
      assert.equal(literal(one).slice(1, -1).replaceAll("''", "'"), one);
      assert.equal(identifier(one).slice(1, -1).replaceAll('""', '"'), one);
    }),
    { numRuns: CASES },
  );
});

test('a value is never read as a template', () => {
  for (const one of fc.sample(text, 500))
    assert.ok(render('pgbackrest/drill.timer', { calendar: `s${one}` }).includes(`s${one}`), JSON.stringify(one));
});

test('marks of a member are put on and taken off whatever else its configuration says', () => {
  const host = labCluster().hosts[0]!;
  fc.assert(
    fc.property(text, (one) => {
      const config = `${secretYaml({ name: one, list: [one] }).reveal()}`;
      const tagged = { ...host, tags: { failover_priority: 2 } };
      const file = `${config}${tagsBlock(tagged.tags)}\n`;
      const run = (script: string, input: string) =>
        execFileSync('/bin/sh', {
          input: `d=$(mktemp -d); cat > $d/config.yml <<'END OF FILE'\n${input}END OF FILE\nchown() { :; }; systemctl() { false; }\n${script.replace('f=/etc/patroni/config.yml', 'f=$d/config.yml')}\ncat $d/config.yml; rm -r $d`,
        }).toString();
      const marked = run(mark(tagged), file);
      assert.deepEqual(parse(marked), {
        name: one,
        list: [one],
        tags: { failover_priority: 2, noloadbalance: true, nofailover: true, nosync: true },
      });
      assert.equal(run(unmark(tagged), marked), file);
    }),
    { numRuns: 20 },
  );
});

test('parameters and hba lines of an inventory are taken as they are, or refused with their place', () => {
  fc.assert(
    fc.property(text, (one) => {
      const inventory = `cluster: x\npostgres:\n  parameters: {application_name: ${JSON.stringify(one)}}\n  hba: [${JSON.stringify(`host all all 10.0.0.1/32 scram-sha-256 # ${one}`)}]\nhosts:\n  a: {address: 10.0.0.1, roles: [etcd, patroni]}\n`;
      try {
        const { cluster } = parseInventory(inventory, 'inventory.yaml');
        assert.equal(cluster.settings.postgres.parameters.application_name, one);
        // Neither file has a way to say a line break.
        assert.doesNotMatch(`${cluster.settings.postgres.hba[0]}${one}`, /[\r\n]/);
      } catch (cause) {
        if (cause instanceof assert.AssertionError) throw cause;
        assert.match((cause as Error).message, /^inventory\.yaml:\d+:\d+: error: /);
      }
    }),
    { numRuns: 600 },
  );
});
