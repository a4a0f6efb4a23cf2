import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { askEach } from '../../../src/run/read-only.ts';
import type { Run } from '../../../src/run/run.ts';
import { setUp } from '../../support/command-in-terminal.ts';
import { type FakeHost, healthyHosts, hostsWithBackup } from '../../support/fake-hosts.ts';
import { captured, inProcess } from '../../support/in-process.ts';
import { journalEntry } from '../../support/journal.ts';
import { runOver } from '../engine/run.ts';

const HOSTS = ['db1', 'db2', 'db3', 'proxy1', 'proxy2', 'backup', 'client'];
const LINE = `${journalEntry('hello')}\n-- cursor: s=1;i=2\n`;

/** A cluster of which these hosts refuse every connection. */
async function withDead(
  context: TestContext,
  dead: readonly string[],
  hosts: Record<string, FakeHost> = healthyHosts(),
) {
  const all = Object.fromEntries(
    HOSTS.map((name) => [name, { ...hosts[name], answers: { journalctl: LINE, 'audit.log': 'one line\n' } }]),
  );
  const fakes = await setUp(context, { hosts: all, stored: true });
  let text = readFileSync(fakes.inventory, 'utf8');
  for (const name of dead)
    text = text.replace(new RegExp(`^(  ${name}: .*port: )\\d+`, 'm'), `$1${HOSTS.indexOf(name) + 1}`);
  writeFileSync(fakes.inventory, text);
  return (words: readonly string[]) => inProcess([...words, '-i', fakes.inventory]);
}

for (const words of [['logs'], ['lock'], ['certs'], ['audit', '--hosts']])
  test(`${words.join(' ')} shows what the living hosts answer, and names the dead one`, async (context) => {
    const ends = await withDead(context, ['db2']);
    const { code, out, err } = await ends(words);
    assert.equal(code, 0, err);
    assert.match(err, /^db2: unreachable: /m);
    if (words[0] !== 'certs') assert.match(out, /db3/);
    assert.doesNotMatch(out, /db2/);
  });

for (const words of [['logs'], ['lock'], ['certs'], ['audit', '--hosts']])
  test(`${words.join(' ')} ends with 4 where no host answers`, async (context) => {
    const ends = await withDead(context, HOSTS);
    const { code, err } = await ends(words);
    assert.equal(code, 4, err);
    for (const name of HOSTS) assert.match(err, new RegExp(`^${name}: unreachable: `, 'm'));
  });

test('a dead host is missing in the document too, and is not free', async (context) => {
  const ends = await withDead(context, ['db2']);
  const lock = JSON.parse((await ends(['lock', '-o', 'json'])).out) as { host: string }[];
  assert.deepEqual(lock.map(({ host }) => host).sort(), HOSTS.filter((name) => name !== 'db2').sort());
  const audit = JSON.parse((await ends(['audit', '--hosts', '-o', 'json'])).out) as { hosts: object };
  assert.deepEqual(Object.keys(audit.hosts).sort(), HOSTS.filter((name) => name !== 'db2').sort());
});

test('a host that breaks off at the question is named with the reason', async () => {
  const { session, cluster, network } = runOver((_script, host) => {
    if (host === 'db2') network.lose(host);
    return 'yes';
  });
  const run = { session, progress: { end: async () => undefined }, setup: { hosts: cluster.hosts } };
  const said = await captured(() =>
    askEach(run as unknown as Run, async (host) => (await session.ask(host, 'well?')).output),
  );
  assert.deepEqual(
    said.value.map(({ host, answer }) => [host.name, answer]),
    cluster.hosts.filter(({ name }) => name !== 'db2').map(({ name }) => [name, 'yes']),
  );
  assert.match(said.err, /^db2: .*the connection was lost/);
});

test('backups are asked for, and nothing else', async (context) => {
  const hosts = { ...healthyHosts(), ...hostsWithBackup() };
  const fakes = await setUp(context, { hosts, stored: true });
  const { out, err, code } = await inProcess(['backups', '-i', fakes.inventory]);
  assert.equal(code, 0, err);
  assert.match(out, /20260101-000000F/);
  const asked = fakes.scripts.map(({ script }) => script).join();
  assert.match(asked, / repository begin/);
  assert.doesNotMatch(asked, / certificates begin/);
});
