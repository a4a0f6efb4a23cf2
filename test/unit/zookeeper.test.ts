import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PATHS, PKI } from '../../src/paths.ts';
import { askForVote, createKey, deleteKeys, isVoter, removeMember } from '../../src/programs/zookeeper.ts';
import { programs, sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-zookeeper-'));
after(() => rmSync(root, { recursive: true, force: true }));

const PEER = '10.0.0.3:2888';
const CONFIG = `server.1=10.0.0.1:2888:3888:participant;127.0.0.1:2181
server.2=10.0.0.2:2888:3888:participant;127.0.0.2:2181
server.3=${PEER}:3888:participant;127.0.0.3:2181
version=100000000
`;
const OTHERS = ['10.0.0.1:2281', '10.0.0.2:2281'];

/**
 * An ensemble whose members and keys are files; what `fails` matches does not answer. Tells the end of a script, and what was
 * done.
 */
function ensemble(
  script: string,
  { config = CONFIG, fails = '-', curl = ':' }: { config?: string; fails?: string; curl?: string } = {},
) {
  const box = mkdtempSync(join(root, 'box-'));
  for (const name of ['pki', 'keys/service/pglab/members']) mkdirSync(join(box, name), { recursive: true });
  for (const name of ['admin.key', 'admin.crt', 'ca.crt']) writeFileSync(join(box, 'pki', name), '');
  writeFileSync(join(box, 'keys/service/pglab/leader'), 'db1');
  writeFileSync(join(box, 'config'), config);
  writeFileSync(join(box, 'myid'), '3\n');
  writeFileSync(join(box, 'log'), '');
  const path = programs({
    curl,
    java: `while [ "$1" != -server ]; do shift; done; shift 2
echo "$*" >> ${box}/log
cd ${box}/keys
case "$*" in ${fails}) echo 'KeeperErrorCode = ConnectionLoss' >&2; exit 1 ;; esac
case "$1 $2" in
  'config ') cat ${box}/config ;;
  'reconfig -remove') grep -v "^server.$3=" ${box}/config > ${box}/new; mv ${box}/new ${box}/config ;;
  'reconfig -add') echo "$3" >> ${box}/config ;;
  'ls -R') find .$3 2>/dev/null | cut -c 2- | grep . || { echo "Node does not exist: $3" >&2; exit 1; } ;;
  'get '*) [ -f .$2 ] || { echo "Node does not exist: $2" >&2; exit 1; }; cat .$2; echo ;;
  'create '*) [ ! -e .$2 ] || { echo "Node already exists: $2" >&2; exit 1; }; if [ -n "$3" ]; then printf %s "$3" > .$2; else mkdir .$2; fi ;;
  'deleteall '*) rm -r .$2 ;;
esac`,
  });
  const placed = script
    .replaceAll(PKI.zookeeper, join(box, 'pki'))
    .replaceAll(PATHS.state, box)
    .replaceAll('-p /run', `-p ${box}`)
    .replaceAll('/data/', `${box}/`);
  const { code, out } = sh(placed, { path });
  const did = readFileSync(join(box, 'log'), 'utf8')
    .split('\n')
    .filter((line) => /^(reconfig|deleteall|create)/.test(line));
  return { code, out, did, config: readFileSync(join(box, 'config'), 'utf8'), box };
}

describe('a member that leaves', () => {
  const script = removeMember(PEER, OTHERS);

  test('is removed by its number', () => {
    const { code, did } = ensemble(script);
    assert.deepEqual([code, did], [0, ['reconfig -remove 3']]);
  });

  test('and is gone already needs nothing', () => {
    const { code, did } = ensemble(script, { config: CONFIG.replace(/^server\.3.*\n/m, '') });
    assert.deepEqual([code, did], [0, []]);
  });

  test('is not taken for gone because nobody answers', () => {
    const { code, out } = ensemble(script, { fails: 'config' });
    assert.equal(code, 1);
    assert.match(out, /the others do not answer/);
  });

  test('and is not let go is a failure with the reason', () => {
    const { code, out } = ensemble(script, { fails: 'reconfig*' });
    assert.equal(code, 1);
    assert.match(out, /ConnectionLoss/);
  });
});

describe('a member without a vote', () => {
  const member = {
    dataDir: '/data',
    peer: PEER,
    admin: 'http://127.0.0.1:8080/commands',
    line: `server.$id=${PEER}:3888:participant`,
  };
  const follows = `echo '{"voting" : false, "zabstate" : "broadcast"}'`;
  const without = CONFIG.replace(/^server\.3.*\n/m, '');

  test('that follows asks for one', () => {
    assert.deepEqual(ensemble(askForVote(member, OTHERS), { config: without, curl: follows }).did, [
      `reconfig -add server.3=${PEER}:3888:participant`,
    ]);
  });

  test('that does not follow yet, or gives no answer, asks for none', () => {
    for (const curl of [`echo '{"voting" : false, "zabstate" : "election"}'`, 'exit 7'])
      assert.deepEqual(ensemble(askForVote(member, OTHERS), { config: without, curl }).did, []);
  });

  test('whose number another address has is refused', () => {
    const { code, out, did } = ensemble(askForVote(member, OTHERS), {
      config: CONFIG.replace(PEER, '10.0.0.9:2888'),
      curl: follows,
    });
    assert.deepEqual([code, did], [1, []]);
    assert.match(out, /another member has the number 3/);
  });

  test('has none as long as it does not say so', () => {
    const has = (curl: string) => sh(isVoter(member.admin), { path: programs({ curl }) }).code === 0;
    assert.ok(has(`echo '{"voting" : true, "zabstate" : "broadcast"}'`));
    for (const curl of ['exit 7', follows, `echo '{"voting" : true, "zabstate" : "election"}'`])
      assert.ok(!has(curl), curl);
  });
});

describe('keys', () => {
  const remove = deleteKeys(OTHERS, '/service/pglab', {
    keys: ['leader', 'status'],
    directories: ['members'],
    stamp: 'now',
  });
  const COPY = 'zookeeper/scope-before-restore-now.txt';

  test('are written down before they are removed; one that is not there is no failure', () => {
    const { code, out, box } = ensemble(remove);
    assert.equal(code, 0, out);
    assert.match(readFileSync(join(box, COPY), 'utf8'), /^\/service\/pglab\/leader$[\s\S]*^== leader\ndb1$/m);
    assert.ok(
      !existsSync(join(box, 'keys/service/pglab/leader')) && !existsSync(join(box, 'keys/service/pglab/members')),
    );
  });

  for (const fails of ["'ls -R'*", "'get /service/pglab/leader'"])
    test(`that could not be written down are not removed: ${fails}`, () => {
      const { code, out, did } = ensemble(remove, { fails });
      assert.notEqual(code, 0);
      assert.match(out, /ConnectionLoss/);
      assert.deepEqual(did, []);
    });

  test('that are still there are a failure', () => {
    const { code, out } = ensemble(remove, { fails: "'deleteall /service/pglab/leader'" });
    assert.equal(code, 1);
    assert.match(out, /leader is still there/);
  });

  test('are made with what they stand in, and never over one that is there', () => {
    assert.equal(ensemble(createKey(OTHERS, '/service/new/initialize', '7000')).code, 0);
    assert.notEqual(ensemble(createKey(OTHERS, '/service/pglab/leader', 'db2')).code, 0);
    assert.notEqual(ensemble(createKey(OTHERS, '/service/new/initialize', '7000'), { fails: 'create*' }).code, 0);
  });
});
