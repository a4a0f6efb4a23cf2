import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Secret } from '../../src/secret.ts';
import { dcsConfigStep } from '../../src/steps/dcs-config.ts';
import { withStore } from '../support/controller.ts';
import { fakeHosts } from '../support/fake-hosts.ts';
import { inProcess } from '../support/in-process.ts';
import { journalEntry } from '../support/journal.ts';

/** Everything that a command can tell, of hosts that say secrets aloud. */
const db1: { answers: Record<string, string> } = { answers: {} };
const hosts = await fakeHosts({ db1 });
after(() => hosts.close());
const { store } = await withStore(hosts.inventory);
const values = store.all().map((secret) => secret.reveal());
const loud = values.join(' and ');
db1.answers = {
  journalctl: `${journalEntry(`${loud}, password=an-old-one and postgresql://app:older@h/d`)}\n-- cursor: x\n`,
  'show-config': `loop_wait: 5\npostgresql:\n  parameters:\n    x: ${loud}\n`,
};

function expectNone(text: string): void {
  for (const value of [...values, 'an-old-one', 'older@']) assert.ok(!text.includes(value), text);
}

test('what is logged is shown without secrets', async () => {
  const { code, out, err } = await inProcess(['logs', '-i', hosts.inventory, '-l', 'db1']);
  assert.equal(code, 0, err);
  assert.match(out, /patroni\[1\]: \[redacted\] and \[redacted\]/);
  expectNone(out + err);
});

for (const output of ['text', 'json'])
  test(`what the DCS holds is shown without secrets, as ${output}`, async () => {
    const { code, out, err } = await inProcess(['config', 'show', '-i', hosts.inventory, '-o', output]);
    assert.equal(code, 0, err);
    assert.match(out, /loop_wait/);
    expectNone(out + err);
  });

test('a plan shows the files that it would write, a saved plan keeps them, and neither holds a secret', async () => {
  const saved = join(hosts.directory, 'plan.json');
  const { code, out, err } = await inProcess(['plan', '-D', '--out', saved, '-i', hosts.inventory]);
  assert.equal(code, 0, err);
  assert.match(out, /\+ {6}password: \[redacted\]/);
  assert.match(out, /\+repo1-cipher-pass=\[redacted\]/);
  assert.match(out, /stats auth hapg:\[redacted\]/);
  const text = readFileSync(saved, 'utf8');
  assert.match(text, /password: \[redacted\]/);
  expectNone(out + err + text);
  // What the plan has made is in the store now.
  values.push(...store.all().map((secret) => secret.reveal()));
});

test('settings in the DCS that hold a password are shown without it', () => {
  const step = dcsConfigStep('patroni', {
    rest: '',
    config: { postgresql: { parameters: { work_mem: '8MB' } } },
    password: new Secret('x'),
    settleSeconds: 1,
  });
  const { before, after: wanted } = step.kind.diff(step, {
    postgresql: {
      parameters: {
        work_mem: '4MB',
        primary_conninfo: 'host=a password=hunter2hunter2 user=b',
        ssl_passphrase_command: 'echo hunter2',
      },
    },
  })!;
  assert.match(before!, /work_mem: "4MB"/);
  assert.match(before!, /primary_conninfo: "host=a password=\[redacted\] user=b"/);
  assert.doesNotMatch(`${before}${wanted}`, /hunter2/);
});

test('a status of hosts that say nothing useful is a document without secrets', async () => {
  const { code, out, err } = await inProcess(['status', '-o', 'json', '-i', hosts.inventory]);
  assert.equal(code, 1, err);
  assert.equal(JSON.parse(out).cluster, 'pglab');
  expectNone(out + err);
});
