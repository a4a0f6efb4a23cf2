import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, deleteStanza, makeStanza } from '../../src/programs/pgbackrest.ts';
import { programs, sh } from './sh.ts';

const host = (pgbackrest: string) => ({ path: programs({ runuser: 'shift 3; exec "$@"', sleep: ':', pgbackrest }) });
const WORDS =
  'echo "P00   INFO: check command begin 2.55: --stanza=pglab"; echo "ERROR: [082]: WAL segment was not archived"; exit 82';

test('archiving that does not work is a failure with the reason, without the line of its arguments', () => {
  assert.deepEqual(sh(check('pglab'), host(':')), { code: 0, out: '' });
  assert.deepEqual(sh(check('pglab'), host(WORDS)), { code: 1, out: 'ERROR: [082]: WAL segment was not archived\n' });
});

test('a stanza is made as soon as the lock is free, and not tried again for another reason', () => {
  const locked = (times: number) => `case "$*" in *check) exit 0 ;; esac
d=$(dirname "$0"); echo x >> "$d/calls"; [ $(wc -l < "$d/calls") -gt ${times} ] || { echo "ERROR: [050]: unable to acquire lock"; exit 50; }`;
  assert.equal(sh(makeStanza('pglab', 'stanza-create'), host(locked(3))).code, 0);
  assert.equal(sh(makeStanza('pglab', 'stanza-create'), host(locked(100))).code, 1);
  const other = host('d=$(dirname "$0"); echo x >> "$d/calls"; echo "ERROR: [029]: no such repository"; exit 29');
  assert.match(sh(makeStanza('pglab', 'stanza-create'), other).out, /no such repository/);
  assert.equal(sh(`wc -l < ${other.path}/calls`).out.trim(), '1');
});

test('every repository is tried, and one that keeps its backups fails the deletion; archiving is let go on', () => {
  const log = host('d=$(dirname "$0"); echo "$*" >> "$d/calls"; case "$*" in *repo=1*) exit 1 ;; esac');
  assert.equal(sh(deleteStanza('pglab', [1, 2]), log).code, 1);
  assert.equal(
    sh(`cat ${log.path}/calls`).out,
    '--stanza=pglab stop\n--stanza=pglab --repo=1 --force stanza-delete\n--stanza=pglab --repo=2 --force stanza-delete\n--stanza=pglab start\n',
  );
  assert.equal(sh(deleteStanza('pglab', [1]), host(':')).code, 0);
});
