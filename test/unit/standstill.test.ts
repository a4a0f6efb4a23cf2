import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, mock, test } from 'node:test';
import { START_MEMBER_S, STUCK_S } from '../../src/bounds/copy.ts';
import { copiedBytes, copyProgress, copyProgressLine } from '../../src/cluster/copy-progress.ts';
import { Session } from '../../src/engine/session.ts';
import { awaitUnit, isRunning } from '../../src/engine/transient.ts';
import { PATHS } from '../../src/paths.ts';
import { Standstill } from '../../src/standstill.ts';
import { ready } from '../../src/steps/ready.ts';
import type { Remote } from '../../src/steps/step.ts';
import type { Machine } from '../../src/transport/machine.ts';
import { FakeNetwork } from '../support/fake-machine.ts';
import { labCluster } from './model.ts';
import { sh } from './sh.ts';

const cluster = labCluster();
const db3 = cluster.hosts.find(({ name }) => name === 'db3')!;
const root = mkdtempSync(join(tmpdir(), 'hapg-progress-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A clock that only a test moves, in the place of the machine's. */
let now = 0;
const clock = () => {
  now = 0;
  mock.method(performance, 'now', () => now);
};

describe('work of unknown length', () => {
  test('is stuck when nothing of it has changed for its time, and not before', () => {
    let at = 0;
    const progress = new Standstill(600, () => at);
    for (const [second, mark, isStuck] of [
      [0, 'a', false],
      [599, 'a', false],
      [600, 'a', true],
      [601, 'b', false],
      [1200, 'b', false],
      [1201, 'b', true],
    ] as const) {
      at = second * 1000;
      assert.equal(progress.isStuck(mark), isStuck, `${second} s`);
    }
  });

  test('that falls silent does not stand still: the count begins anew', () => {
    let at = 0;
    const progress = new Standstill(600, () => at);
    progress.isStuck('a');
    for (at = 0; at < 10_000_000; at += 300_000) assert.equal(progress.isStuck(''), false);
  });
});

describe('the wait for a replica', () => {
  beforeEach(clock);
  afterEach(() => mock.restoreAll());

  const copied = ready('patroni', 'postgresql', {
    check: 'false',
    doing: 'copying',
    timeoutSeconds: START_MEMBER_S,
    copies: { directory: '/data', totalBytes: 1e12, stuckSeconds: STUCK_S },
  });
  /** A host that gives these answers, one look after the other, each `seconds` long. */
  const remoteThat = (answer: (look: number) => string, seconds = 10) => {
    let look = 0;
    const said: string[] = [];
    const remote: Remote = {
      host: db3,
      run: async () => {
        now += seconds * 1000;
        return answer(look++);
      },
      unit: async () => assert.fail('no unit is started'),
      handingOver: (_to, work) => work(),
      doing: (text) => said.push(text),
    };
    return { remote, said, looks: () => look };
  };

  test('goes on for hours as long as bytes arrive, and the person sees how many', async () => {
    const { remote, said } = remoteThat((look) => (look < 2000 ? `waiting: bytes ${(look + 1) * 1e8}` : 'ready'));
    await copied.kind.change(copied, false, remote);
    assert.ok(now > 5 * 3600 * 1000);
    assert.match(said.at(-1)!, /copying \[####.*\] 186\.3 GiB of 931\.3 GiB/);
  });

  test('ends when no byte more has come for ten minutes, and not before a quarter of an hour', async () => {
    const { remote } = remoteThat((look) => `waiting: bytes ${Math.min(look + 1, 500) * 1e8}`);
    await assert.rejects(copied.kind.change(copied, false, remote), /no progress for 600 s/);
    assert.ok(now >= (5000 + STUCK_S) * 1000 && now < (5000 + STUCK_S + 60) * 1000, `${now / 1000} s`);
    const still = remoteThat(() => 'waiting: bytes 1');
    now = 0;
    await assert.rejects(copied.kind.change(copied, false, still.remote), /no progress/);
    assert.ok(now >= START_MEMBER_S * 1000 && now < (START_MEMBER_S + 60) * 1000);
  });

  test('goes on while WAL is replayed, when all bytes are there', async () => {
    const { remote } = remoteThat((look) => (look < 1000 ? `waiting: bytes 5\nwal 0000${look}` : 'ready'));
    await copied.kind.change(copied, false, remote);
    assert.ok(now > 2 * 3600 * 1000);
  });

  test('does not go on for ever when the copy fails and begins anew again and again', async () => {
    const { remote } = remoteThat((look) => `waiting: bytes ${(look % 40) + 1}`, 600);
    await assert.rejects(copied.kind.change(copied, false, remote), /not so within/);
    assert.ok(now > 7 * 86_400_000);
  });

  test('of something that copies nothing still ends with its clock', async () => {
    const elected = ready('etcd', 'etcd', { check: 'false', doing: 'electing', timeoutSeconds: 60 });
    const { remote } = remoteThat((look) => `waiting: ${look}`);
    await assert.rejects(elected.kind.change(elected, false, remote), /not so within 60 s/);
    assert.ok(now < 90_000);
  });
});

describe('a unit', () => {
  beforeEach(clock);
  afterEach(() => mock.restoreAll());

  const sessionThat = (answer: (script: string) => string) => {
    const scripts: string[] = [];
    const run: Machine['run'] = async (script) => {
      scripts.push(script);
      now += 10_000;
      return { code: 0, output: answer(script) };
    };
    const session = new Session(
      cluster,
      { network: new FakeNetwork(() => ''), forks: 5, emit: () => undefined, run: 'r', secrets: () => [] },
      new Map([[db3.name, { isOpen: true, run, beside: run, close: () => undefined }]]),
    );
    return { scripts, remote: session.remote(db3, 'backup') };
  };
  const progress = { script: 'true', describe: (text: string) => text };

  test('goes on as long as it uses processor time, although no byte comes', async () => {
    let look = 0;
    const { remote } = sessionThat((script) =>
      script.includes('@running') && look++ < 500 ? `@running\nbytes 5\n\n@processor ${look}\n` : 'done',
    );
    assert.equal(await remote.unit('backup', 'true', 86_400, progress), 'done');
    assert.ok(now > 5000 * 1000);
  });

  test('that stands still for ten minutes is stopped, so that the next run does not wait for it', async () => {
    const { remote, scripts } = sessionThat((script) =>
      script.includes('@running') ? '@running\nbytes 5\n\n@processor 7\n' : '',
    );
    await assert.rejects(remote.unit('backup', 'true', 86_400, progress), /no progress for 600 s/);
    assert.match(scripts.at(-1)!, /^systemctl stop 'hapg-backup'|^systemctl stop hapg-backup/);
  });

  test('says how far it is and how much processor time it has used', () => {
    const path = join(root, 'bin');
    mkdirSync(path, { recursive: true });
    const systemctl = `#!/bin/sh\ncase "$1" in show) echo 61234567890 ;; is-active) exit 0 ;; esac\n`;
    writeFileSync(join(path, 'systemctl'), systemctl, { mode: 0o755 });
    const { out } = sh(awaitUnit('backup', { seconds: 0, script: 'echo bytes 5' }).replaceAll(PATHS.state, root), {
      path,
    });
    assert.deepEqual(isRunning(out), { output: 'bytes 5', mark: 'bytes 5 61' });
    assert.equal(isRunning('the end of a log'), undefined);
  });
});

describe('the progress of a copy', () => {
  const data = join(root, 'data');
  const wal = join(root, 'elsewhere');
  mkdirSync(join(data, 'log'), { recursive: true });
  mkdirSync(wal);
  writeFileSync(join(data, 'base'), Buffer.alloc(1_000_000, 1));
  writeFileSync(join(data, 'log', 'postgresql.log'), Buffer.alloc(5_000_000, 1));
  writeFileSync(join(wal, '000000010000000000000001'), Buffer.alloc(2_000_000, 1));
  symlinkSync(wal, join(data, 'pg_wal'));

  test('counts what is behind links too, and no logs, for a server that fails again and again writes them', () => {
    const bytes = copiedBytes(sh(copyProgress(data)).out)!;
    assert.ok(bytes > 2_900_000 && bytes < 3_400_000, String(bytes));
    assert.match(
      copyProgressLine('copying', `bytes ${bytes}`, 6_000_000)!,
      /copying \[####+ +\] 2\.9|3\.\d MiB of 5\.7 MiB/,
    );
  });

  test('is the used space of the file system where counting does not end in time', () => {
    const path = join(root, 'slow');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'timeout'), '#!/bin/sh\nshift\ncase $1 in du) exit 124 ;; esac\nexec "$@"\n', {
      mode: 0o755,
    });
    const { out } = sh(copyProgress(data), { path });
    assert.match(out, /^used \d+$/m);
    assert.equal(copiedBytes(out), undefined);
  });

  test('says that there is no directory, which is no silence: such a copy can be stuck', () => {
    const { out } = sh(copyProgress(join(root, 'none')));
    assert.equal(out, 'absent\n');
    assert.equal(copiedBytes(out), undefined);
  });
});
