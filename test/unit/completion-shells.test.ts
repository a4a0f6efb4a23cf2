import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { programWords } from '../support/bundle.ts';
import { ownController } from '../support/controller.ts';
import { skipWithout } from '../support/debian-programs.ts';
import { bash, fish, type Shell, zsh } from '../support/shells.ts';

const directory = ownController();
/** Directories and files beside the inventory, by whether a shell finds them. */
mkdirSync('rendered');
mkdirSync('reports');
writeFileSync('saved.plan', '');
mkdirSync('bin');
writeFileSync(join('bin', 'hapg'), `#!/bin/sh\nexec '${programWords('hapg').join("' '")}' "$@"\n`);
chmodSync(join('bin', 'hapg'), 0o755);
const env = { ...process.env, PATH: `${join(directory, 'bin')}:${process.env.PATH}`, HAPG_INVENTORY: 'lab.yaml' };

/** A command line up to the cursor, what a shell offers, and the part of it that bash leaves as it is. */
const LINES: [line: string, offered: string, before?: string][] = [
  ['hapg ss', 'ssh'],
  ['hapg stat', 'status'],
  ['hapg nosuch', ''],
  ['hapg secrets ', 'rotate set show'],
  ['hapg secrets -i lab.yaml ro', 'rotate'],
  ['hapg secrets show s', 'stats superuser'],
  ['hapg certs renew --authority p', 'patroni pgbackrest postgres'],
  ['hapg lab k', 'kill'],
  ['hapg lab kill db', 'db1 db2 db3'],
  ['hapg ssh db', 'db1 db2 db3'],
  ['hapg ssh -i nowhere.yaml db', ''],
  ['hapg remove-node db1 db', 'db2 db3'],
  ['hapg switchover --to db', 'db1 db2 db3'],
  ['hapg switchover --to=db', '--to=db1 --to=db2 --to=db3', '--to='],
  ['hapg config edit --set rt', 'rto='],
  ['hapg config edit --set rto=', 'rto=fast rto=norm rto=wide', 'rto='],
  ['hapg update --reboot=', '--reboot=always --reboot=auto --reboot=never', '--reboot='],
  ['hapg plan -l proxy1,db', 'proxy1,db1 proxy1,db2 proxy1,db3'],
  ['hapg plan -t ha', 'haproxy hardening'],
  ['hapg restore --to-', '--to-lsn --to-name --to-time'],
  ['hapg status -o ', 'json prometheus text'],
  ['hapg logs pat', 'patroni'],
  ['hapg explain no_q', 'no_quorum'],
  ['hapg completion ', 'bash fish zsh'],
  ['hapg help exi', 'exit-codes'],
  ['hapg apply sav', 'saved.plan'],
  ['hapg plan --out sav', 'saved.plan'],
  ['hapg render re', 'rendered reports'],
];

const SHELLS: [name: string, shell: Shell, keepsWhole: boolean][] = [
  ['bash', bash, false],
  ['zsh', zsh, true],
  ['fish', fish, true],
];

for (const [name, shell, keepsWhole] of SHELLS)
  test(`${name} offers what may stand at the end of a command line`, async (context) => {
    const missing = await skipWithout({ [name]: name });
    if (missing) return context.skip(missing);
    const offers = await shell(
      directory,
      env,
      LINES.map(([line]) => line),
    );
    assert.equal(offers.length, LINES.length);
    for (const [index, [line, offered, before = '']] of LINES.entries()) {
      const wanted = keepsWhole
        ? offered
        : offered
            .split(' ')
            .map((word) => word.slice(before.length))
            .join(' ');
      // A shell marks directories, each in its way.
      assert.equal(offers[index]!.map((word) => word.replace(/\/$/, '')).join(' '), wanted, line);
    }
  });
