import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, KnownError } from '../../src/errors.ts';
import { withStoreLock } from '../../src/secrets/store-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-lock-'));
const other = spawn('sleep', ['600'], { stdio: 'ignore' });
after(() => {
  other.kill();
  rmSync(root, { recursive: true, force: true });
});
const file = join(root, 'lock');

/** A lock that somebody has left; `owner` is what differs from one of the living process `other`. */
const left = (owner: Record<string, unknown> = {}): void =>
  writeFileSync(
    file,
    JSON.stringify({
      token: 't',
      host: hostname(),
      pid: other.pid,
      command: 'secrets',
      by: 'anna@box',
      since: 'noon',
      ...owner,
    }),
  );

/** Takes the lock at once or not at all. */
const take = () => withStoreLock(root, async () => readFileSync(file, 'utf8'), 0);

const held = (message: RegExp) => (error: Error) => {
  assert.ok(error instanceof KnownError, error.stack);
  assert.equal(error.exitCode, EXIT.locked);
  assert.match(error.message, message);
  return true;
};

test('the lock says who has it, and is gone afterwards, also after an error', async () => {
  const owner = JSON.parse(await take());
  assert.equal(owner.pid, process.pid);
  assert.equal(owner.host, hostname());
  assert.match(owner.by, /@/);
  assert.ok(!existsSync(file));
  await assert.rejects(
    withStoreLock(root, async () => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.deepEqual(readdirSync(root), []);
});

test('writers come one after the other', async () => {
  let inside = 0;
  let done = 0;
  const writer = () =>
    withStoreLock(root, async () => {
      assert.equal(++inside, 1);
      await sleep(1);
      inside--;
      done++;
    });
  await Promise.all(Array.from({ length: 20 }, writer));
  assert.equal(done, 20);
  assert.deepEqual(readdirSync(root), []);
});

const gone = spawnSync('true').pid;
const LEFT: [name: string, make: () => void, says: RegExp | undefined][] = [
  [
    'a living process',
    left,
    /lock: hapg secrets by anna@box \(pid \d+\) has been changing .* since noon; .* Wait for it$/,
  ],
  ['a process that is gone', () => left({ pid: gone }), undefined],
  ['another process that had its number', () => left({ began: '1' }), process.platform === 'linux' ? undefined : /pid/],
  ['an earlier process with the number of this one', () => left({ pid: process.pid }), undefined],
  ['a process of another machine', () => left({ host: 'far' }), /or remove the file where that run on far has ended$/],
  ['a gone process of another machine', () => left({ host: 'far', pid: gone }), /run on far has ended$/],
  ['somebody who is just writing it', () => writeFileSync(file, ''), /another run is changing the secret store/],
  [
    'a power cut',
    () => {
      writeFileSync(file, '');
      utimesSync(file, 1, 1);
    },
    undefined,
  ],
];
for (const [name, make, says] of LEFT)
  test(`a lock of ${name} is ${says ? 'respected' : 'cleared away'}`, async () => {
    make();
    const before = readFileSync(file, 'utf8');
    if (says) {
      await assert.rejects(take(), held(says));
      assert.equal(readFileSync(file, 'utf8'), before);
    } else assert.equal(JSON.parse(await take()).pid, process.pid);
    rmSync(file, { force: true });
    assert.deepEqual(readdirSync(root), []);
  });

test('whoever waits gets the lock when it is free', async () => {
  left();
  const waiting = withStoreLock(root, async () => 'mine');
  rmSync(file);
  assert.equal(await waiting, 'mine');
});

test('a lock that cannot be made is told with the reason', async () => {
  await assert.rejects(
    withStoreLock(join(root, 'nowhere'), async () => 1),
    /nowhere\/lock cannot be made: ENOENT/,
  );
});
