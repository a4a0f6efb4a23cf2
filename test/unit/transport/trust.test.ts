import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keyType } from '../../../src/transport/known-hosts.ts';
import { scanHostKeys } from '../../../src/transport/scan.ts';
import { behindBastion } from '../../support/bastion.ts';
import { sshTarget } from '../../support/ssh-target.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-trust-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** The address of db1, and the bastion before it, of an inventory. */
function placesIn(inventory: string) {
  const text = readFileSync(inventory, 'utf8');
  const port = (pattern: RegExp) => Number(pattern.exec(text)![1]);
  return { db1: port(/db1: .*port: (\d+)/), bastion: port(/jump: root@127\.0\.0\.1:(\d+)/) };
}

test('the host keys of a host behind a jump host are fetched through it', async (context) => {
  const { inventory, counts, close } = await behindBastion({ maxStartups: 10 });
  context.after(close);
  const places = placesIn(inventory);
  const directory = join(inventory, '..');
  const jump = sshTarget({
    ...{ alias: 'gate', host: '127.0.0.1', port: places.bastion, known: { host: '127.0.0.1', port: places.bastion } },
    ...{ keys: [join(directory, 'user')], knownHosts: [join(directory, '.hapg/pglab/known_hosts')] },
  });
  const keys = await scanHostKeys(sshTarget({ host: '127.0.0.1', port: places.db1, jumps: [jump] }));
  assert.deepEqual(keys.map(keyType), ['ssh-ed25519']);
  assert.ok(counts.logins > 0);
  const unknown = sshTarget({ ...jump, knownHosts: [join(root, 'nothing')] });
  await assert.rejects(
    scanHostKeys(sshTarget({ host: '127.0.0.1', port: places.db1, jumps: [unknown] })),
    /127\.0\.0\.1:\d+: .*Host key verification failed/,
  );
});

test('the host keys of a host behind a command are fetched through it', async (context) => {
  const { inventory, close } = await behindBastion();
  context.after(close);
  const relay = join(root, 'relay.mjs');
  writeFileSync(
    relay,
    `import { connect } from 'node:net';\nconst socket = connect(Number(process.argv[2]), '127.0.0.1');\nprocess.stdin.pipe(socket).pipe(process.stdout);\n`,
  );
  const command = `${process.execPath} ${relay} ${placesIn(inventory).db1}`;
  const keys = await scanHostKeys(sshTarget({ host: 'nowhere.example.com', command }));
  assert.deepEqual(keys.map(keyType), ['ssh-ed25519']);
});

test('a host at whose port nobody listens is said to refuse the connection, with what to look at', async () => {
  await assert.rejects(
    scanHostKeys(sshTarget({ host: '127.0.0.1', port: 1 })),
    /127\.0\.0\.1:1: connection refused\. Is sshd running, and is the port right\?/,
  );
});
