import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inProcess } from '../support/in-process.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-ssh-command-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** The words with which `hapg ssh` starts the client, without its configuration. */
async function clientOf(...words: string[]): Promise<string> {
  const said = join(root, 'said');
  writeFileSync(
    join(root, 'ssh'),
    `#!/bin/sh\n[ "$1" = -G ] && exec /usr/bin/ssh "$@"\nshift 2\necho "$*" > '${said}'\nexit 7\n`,
  );
  chmodSync(join(root, 'ssh'), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${root}:${PATH}`;
  try {
    writeFileSync(join(root, 'key'), '');
    const { code } = await inProcess(['ssh', '-i', 'inventory/lab.yaml', '--private-key', join(root, 'key'), ...words]);
    assert.equal(code, 7, 'it ends as ssh does');
    return readFileSync(said, 'utf8').trim();
  } finally {
    process.env.PATH = PATH;
  }
}

test('hapg ssh passes the command and the number of -v on to the client', async () => {
  assert.match(await clientOf('db1', '--', 'uptime', '-p'), /^\S+ uptime -p$/);
  assert.match(await clientOf('-v', '-v', 'db1'), /^-vv \S+$/);
});
