import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ending, type Standing, todoAfterApply } from '../../src/decisions/todo.ts';

const FINE: Ending = {
  isNew: false,
  failed: 0,
  interrupted: false,
  waiting: [],
  standing: { undos: [], holds: [], reboots: [] },
  unseenPassphrase: undefined,
  openStore: '/x/secrets.yaml',
};
const standing = (more: Partial<Standing>): Partial<Ending> => ({ standing: { ...FINE.standing, ...more } });
const todo = (more: Partial<Ending>): string[] => todoAfterApply({ name: 'main' }, { ...FINE, ...more });

test('after an apply of a known cluster nothing is left to do', () => assert.deepEqual(todo({}), []));

for (const [what, more, says] of [
  ['a failure', { failed: 1, interrupted: true }, /^mend what failed, and run "hapg apply" again: main/],
  ['an interrupt', { interrupted: true }, /^run "hapg apply" again, which goes on/],
  ['restarts that were not made', { waiting: ['db1', 'db2'] }, /of db1, db2 still wait .* "hapg restart --pending"/],
  [
    'an undo that is armed',
    standing({ undos: [{ host: 'db1', name: 'update' }] }),
    /^db1: something temporary \(update\) is set; "hapg repair" undoes it at once$/,
  ],
  [
    'a pause that somebody has set',
    standing({ holds: [{ host: 'db1', name: 'pause', until: undefined }] }),
    /^db1 will end a pause; "hapg resume" ends it now$/,
  ],
  [
    'a host that wants a reboot',
    standing({ reboots: [{ host: 'db2', reasons: ['kernel 6.2 is installed, 6.1 runs'] }] }),
    /^db2 wants a reboot \(kernel 6\.2 is installed, 6\.1 runs\): "hapg update --limit db2"$/,
  ],
  ['a passphrase that nobody has', { unseenPassphrase: '/x/s' }, /passphrase is only in \/x\/s: keep a copy elsewhere/],
  ['an open store of a new cluster', { isNew: true }, /^\/x\/secrets\.yaml holds all passwords .* not encrypted/],
] as const)
  test(`a person is told of ${what}`, () => {
    const [text, ...others] = todo(more);
    assert.match(text!, says);
    assert.deepEqual(others, []);
  });
