import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setUp } from '../../support/command-in-terminal.ts';
import { hostsWithBackup } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

test('a lost cluster without a backup host is restored by the host that reaches the repositories itself', async (context) => {
  const { backup, ...databases } = hostsWithBackup();
  const hosts = Object.fromEntries(
    Object.entries(databases).map(([name, fake]) => [name, { ...fake, sections: backup!.sections! }]),
  );
  const fakes = await setUp(context, { hosts, stored: true });
  const text = readFileSync(fakes.inventory, 'utf8')
    .replace(/^ {2}backup: .*\n/m, '')
    .replace(/^pgbackrest:$/m, 'pgbackrest:\n  repositories: [{kind: directory, path: /mnt/backups}]');
  writeFileSync(fakes.inventory, text);
  const { code, err } = await inProcess(['restore', '--latest', '--yes', '-i', fakes.inventory]);
  // All that is missing is the confirmation.
  assert.equal(code, 5, err);
  assert.match(err, /^this cannot be taken back: --yes --confirm pglab is needed$/m);
});
