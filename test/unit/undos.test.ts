import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { BEAT_S } from '../../src/bounds/undo.ts';
import { armUndo, isUndoArmed, keepUndo, prolongUndo, runUndo } from '../../src/engine/undo-script.ts';
import { Undos } from '../../src/engine/undos.ts';
import { PATHS } from '../../src/paths.ts';
import { labCluster } from './model.ts';
import { sh } from './sh.ts';

const [first, second] = labCluster().hosts;
const db1 = first!;
const db2 = second!;

/** Ways to hosts that answer at once, and what was asked and beaten. `beat` answers a beat, `ask` a script. */
function ways({
  ask = async (_what: string) => '',
  beat = async () => undefined as unknown,
}: {
  ask?: (what: string) => Promise<string>;
  beat?: () => Promise<unknown>;
} = {}) {
  const asked: string[] = [];
  const beats: string[] = [];
  const undos = new Undos({
    ask: (host, what) => {
      asked.push(`${host.name}: ${what}`);
      return ask(what);
    },
    beside: (host, script) => {
      beats.push(`${host.name}: ${/hapg-undo-[a-z0-9-]+/.exec(script)?.[0]}`);
      return beat();
    },
  });
  return { asked, beats, undos };
}

/** Lets what was promised happen. */
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    mock.timers.tick(1000);
    await settle();
  }
}

describe('an undo', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
  afterEach(() => mock.timers.reset());

  test('counts anew every minute while its work lives, however long that takes, and no more once it is released', async () => {
    const { undos, beats, asked } = ways();
    await undos.arm(db1, 'update', 'true', 300);
    await pass(24 * 60);
    assert.equal(beats.length, 24);
    assert.deepEqual([...new Set(beats)], ['db1: hapg-undo-update']);
    await undos.run(db1, 'update');
    await pass(600);
    assert.equal(beats.length, 24);
    assert.deepEqual(asked, ['db1: arming the undo update', 'db1: undoing update']);
    assert.deepEqual(undos.armed, []);
  });

  test('beats three times at least before its time, however short that is', async () => {
    const { undos, beats } = ways();
    await undos.arm(db1, 'slots', 'true', 30);
    await pass(29);
    assert.ok(beats.length >= 2 && 30 / 3 <= BEAT_S);
  });

  test('that is armed again beats as before, not twice as often', async () => {
    const { undos, beats } = ways();
    for (let turn = 0; turn < 3; turn++) await undos.arm(db1, 'update', 'true', 300);
    await pass(60);
    assert.equal(beats.length, 1);
    assert.equal(undos.armed.length, 1);
  });

  test('does not pile up beats behind a script that takes long', async () => {
    let answer: (value: unknown) => void = () => undefined;
    const { undos, beats } = ways({ beat: () => new Promise((done) => (answer = done)) });
    await undos.arm(db1, 'update', 'true', 300);
    await pass(600);
    assert.equal(beats.length, 1);
    answer(undefined);
    await pass(60);
    assert.equal(beats.length, 2);
  });

  test('goes on beating when a beat is lost with the link', async () => {
    const { undos, beats } = ways({ beat: () => Promise.reject(new Error('the connection was lost')) });
    await undos.arm(db1, 'update', 'true', 300);
    await pass(180);
    assert.equal(beats.length, 3);
  });

  test('is released when its work has failed, and the failure of the work is what is reported', async () => {
    const { undos, asked } = ways();
    await assert.rejects(
      undos.around(db1, 'slots', 'true', 300, async () => {
        throw new Error('the work failed');
      }),
      /the work failed/,
    );
    assert.deepEqual(asked, ['db1: arming the undo slots', 'db1: undoing slots']);
    assert.deepEqual(undos.armed, []);
  });

  test('that cannot be released stays in the account and beats no more, so that it undoes itself', async () => {
    const { undos, beats } = ways({
      ask: async (what) => (what.startsWith('undoing') ? Promise.reject(new Error('no link')) : ''),
    });
    await assert.rejects(
      undos.around(db1, 'slots', 'true', 300, async () => Promise.reject(new Error('the work failed'))),
      /the work failed/,
    );
    assert.deepEqual(
      undos.armed.map(({ host, name }) => [host.name, name]),
      [['db1', 'slots']],
    );
    await pass(600);
    assert.equal(beats.length, 0);
  });

  test('of one host is not that of another with the same name', async () => {
    const { undos } = ways();
    await undos.arm(db1, 'drain-db3', 'true', 300);
    await undos.arm(db2, 'drain-db3', 'true', 300);
    await undos.callOff(db1, 'drain-db3');
    assert.deepEqual(
      undos.armed.map(({ host }) => host.name),
      ['db2'],
    );
    await undos.run(db2, 'drain-db3');
  });
});

describe('on the host', () => {
  /** A host in a directory whose systemd writes down what it is asked; `active` names the units that it says are at work. */
  function machine() {
    const home = mkdtempSync(join(tmpdir(), 'hapg-undo-'));
    const path = join(home, 'bin');
    for (const directory of ['bin', 'state', 'units']) mkdirSync(join(home, directory));
    const program = (name: string, text: string) =>
      writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    program(
      'systemctl',
      `echo "$*" >> ${home}/log
case "$1" in is-active) if [ -e ${home}/active ]; then rm ${home}/active; echo activating; else echo inactive; exit 3; fi ;; esac`,
    );
    program('logger', 'exit 0');
    program('sleep', 'exit 0');
    writeFileSync(join(home, 'log'), '');
    const run = (script: string): string => {
      const here = script
        .replaceAll(PATHS.state, join(home, 'state'))
        .replaceAll('/etc/systemd/system', join(home, 'units'));
      return sh(here, { path }).out;
    };
    const log = () => readFileSync(join(home, 'log'), 'utf8');
    return { home, run, log, end: () => rmSync(home, { recursive: true, force: true }) };
  }

  test('a beat lets an armed undo count anew, and does nothing where it has run', () => {
    const { run, log, end } = machine();
    run(armUndo('update', 'true', 300));
    const before = log();
    run(prolongUndo('update'));
    assert.equal(log().slice(before.length), 'restart hapg-undo-update.timer\n');
    run(runUndo('update'));
    const after = log();
    run(prolongUndo('update'));
    assert.equal(log(), after);
    end();
  });

  test('an undo that has run is known by it, so that what it put back is set again', () => {
    const { run, end } = machine();
    run(armUndo('update', 'true', 300));
    assert.equal(isUndoArmed(run(keepUndo('update'))), true);
    run(runUndo('update'));
    assert.equal(isUndoArmed(run(keepUndo('update'))), false);
    run(armUndo('update', 'true', 300));
    assert.equal(isUndoArmed(run(keepUndo('update'))), true);
    end();
  });

  test('an undo that is at work this moment counts as run, and its end is waited for', () => {
    const { home, run, log, end } = machine();
    run(armUndo('update', 'true', 300));
    writeFileSync(join(home, 'active'), '');
    const before = log();
    assert.equal(isUndoArmed(run(keepUndo('update'))), false);
    assert.match(
      log().slice(before.length),
      /^is-active hapg-undo-update.service\nis-active hapg-undo-update.service\n$/,
    );
    end();
  });
});
