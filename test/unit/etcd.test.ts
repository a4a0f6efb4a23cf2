import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PATHS } from '../../src/paths.ts';
import {
  createKey,
  deleteKeys,
  isHealthy,
  isVoter,
  joinMember,
  promoteMember,
  removeMember,
} from '../../src/programs/etcd.ts';
import { programs, sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-etcd-'));
after(() => rmSync(root, { recursive: true, force: true }));

const LIST = `11, started, db1, https://10.0.0.1:2380, https://10.0.0.1:2379, false
12, started, db2, https://10.0.0.2:2380, https://10.0.0.2:2379, false
13, started, db3, https://10.0.0.3:2380, https://10.0.0.3:2379, false
`;
const PEER = 'https://10.0.0.3:2380';
const ASKED = 'https://10.0.0.1:2379';

/**
 * An ensemble whose list of members is a file; `fails` is a pattern of sh for what is refused after `lists` lists. Tells the
 * end of a script, and what was done.
 */
function ensemble(
  script: string,
  {
    list = LIST,
    fails = '-',
    lists = 0,
    stays = false,
  }: { list?: string; fails?: string; lists?: number; stays?: boolean } = {},
) {
  const box = mkdtempSync(join(root, 'box-'));
  const [file, log] = [join(box, 'members'), join(box, 'log')];
  writeFileSync(file, list);
  writeFileSync(log, '');
  const path = programs({
    sleep: ':',
    etcdctl: `while case "$1" in --*) true ;; *) false ;; esac; do shift; done
n=$(grep -c 'member list' ${log})
echo "$*" >> ${log}
if [ $n -ge ${lists} ]; then case "$*" in ${fails}) echo "Error: context deadline exceeded" >&2; exit 1 ;; esac; fi
case "$*" in
  'member list'*) cat ${file} ;;
  'member remove '*) ${stays ? 'exit 0; ' : ''}grep -v "^$3," ${file} > ${file}.new; mv ${file}.new ${file} ;;
  'member promote '*) sed -i "/^$3,/s/true/false/" ${file} ;;
  'member add '*) echo "14, unstarted, , ${PEER}, , true" >> ${file} ;;
esac`,
  });
  const { code, out } = sh(script.replaceAll(PATHS.state, box), { path });
  const did = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('member list'))
    .map((line) => line.replace(/ \/\S+/, ''));
  return { code, out, did, list: readFileSync(file, 'utf8'), file: (name: string) => join(box, name) };
}

describe('a member that leaves', () => {
  const script = removeMember(PEER, ASKED);

  test('is removed by its id, behind a snapshot', () => {
    const { code, did, list } = ensemble(script);
    assert.equal(code, 0);
    assert.deepEqual(did, ['snapshot save', 'member remove 13']);
    assert.doesNotMatch(list, /db3/);
  });

  test('and is gone already needs nothing', () => {
    const { code, out, did } = ensemble(script, { list: LIST.replace(/^13.*\n/m, '') });
    assert.deepEqual([code, out, did], [0, '', []]);
  });

  test('is not taken for gone because the list of members could not be read', () => {
    const { code, out, did } = ensemble(script, { fails: "'member list'*" });
    assert.notEqual(code, 0);
    assert.match(out, /context deadline exceeded/);
    assert.deepEqual(did, []);
  });

  test('is not taken for gone because nobody could look afterwards', () => {
    assert.notEqual(ensemble(script, { fails: "'member list'*", lists: 1 }).code, 0);
  });

  test('stays where no snapshot could be kept, and the reason is told', () => {
    const { code, out, did } = ensemble(script, { fails: 'snapshot*' });
    assert.notEqual(code, 0);
    assert.match(out, /context deadline exceeded/);
    assert.deepEqual(did, ['snapshot save']);
  });

  test('and is not let go is a failure', () => {
    assert.match(ensemble(script, { fails: "'member remove'*" }).out, /context deadline exceeded/);
    const { code, out } = ensemble(script, { stays: true });
    assert.notEqual(code, 0);
    assert.match(out, /member 13 is still there/);
  });
});

describe('a learner', () => {
  const learner = LIST.replace(/(db3.*)false/, '$1true');

  test('is promoted by its id', () => {
    assert.deepEqual(ensemble(promoteMember('db3', ASKED), { list: learner }).did, ['member promote 13']);
  });

  test('that votes already needs nothing', () => {
    const { code, did } = ensemble(promoteMember('db3', ASKED));
    assert.deepEqual([code, did], [0, []]);
  });

  for (const [what, fails] of [
    ['that the others do not list', "'member list'*"],
    ['that is not in step yet', "'member promote'*"],
  ] as const)
    test(`${what} is told as a failure`, () => {
      const { code, out } = ensemble(promoteMember('db3', ASKED), { list: learner, fails });
      assert.notEqual(code, 0);
      assert.match(out, /context deadline exceeded/);
    });
});

describe('a host that joins', () => {
  const join_ = (list: string, fails = '-') =>
    ensemble(joinMember({ name: 'db3', peerUrl: PEER, endpoints: [ASKED], file: `${PATHS.state}/initial.env` }), {
      list,
      fails,
    });
  const two = LIST.replace(/^13.*\n/m, '');

  test('becomes a learner and is told who the others are', () => {
    const { code, did, file } = join_(two);
    assert.equal(code, 0);
    assert.deepEqual(
      did.map((one) => one.split(' ').slice(0, 2).join(' ')),
      ['endpoint health', 'snapshot save', 'member add'],
    );
    assert.match(
      readFileSync(file('initial.env'), 'utf8'),
      /^ETCD_INITIAL_CLUSTER=db1=https:\/\/10\.0\.0\.1:2380,db2=https:\/\/10\.0\.0\.2:2380,db3=https:\/\/10\.0\.0\.3:2380$/m,
    );
  });

  test('takes the place of the member that had its address', () => {
    assert.ok(join_(LIST).did.includes('member remove 13'));
  });

  test('that an interrupted run has added is not added again', () => {
    assert.ok(!join_(`${two}14, unstarted, , ${PEER}, , true\n`).did.some((one) => one.startsWith('member add')));
  });

  for (const fails of ["'member list'*", "'member add'*", 'snapshot*'])
    test(`ends where ${fails} fails, and writes nothing`, () => {
      const { code, file } = join_(two, fails);
      assert.notEqual(code, 0);
      assert.ok(!existsSync(file('initial.env')));
    });
});

describe('keys', () => {
  const remove = deleteKeys(ASKED, '/service/pglab/', { keys: ['leader'], directories: ['members'], stamp: 'now' });

  test('are written down before they are removed', () => {
    assert.deepEqual(ensemble(remove).did, ['get --prefix -w json', 'del', 'del --prefix']);
  });

  test('that could not be written down are not removed', () => {
    const { code, did } = ensemble(remove, { fails: 'get*' });
    assert.notEqual(code, 0);
    assert.ok(!did.some((one) => one.startsWith('del')));
  });

  test('that could not be removed, or made, are a failure', () => {
    assert.notEqual(ensemble(remove, { fails: "'del /'*" }).code, 0);
    assert.notEqual(ensemble(createKey(ASKED, '/service/pglab/initialize', '7000'), { fails: 'txn' }).code, 0);
  });
});

describe('a member that says nothing', () => {
  const path = programs({ curl: 'exit 7' });

  test('is not healthy', () => assert.notEqual(sh(isHealthy(ASKED), { path }).code, 0));
  test('does not vote', () => assert.notEqual(sh(isVoter(ASKED), { path }).code, 0));
  test('and one that is healthy is', () =>
    assert.equal(sh(isHealthy(ASKED), { path: programs({ curl: `echo '{"health":"true"}'` }) }).code, 0));
});
