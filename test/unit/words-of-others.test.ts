import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { program } from '../../src/cli.ts';
import { WORDS_OF_OTHERS } from '../../src/commands/words-of-others.ts';
import { nobodysLab, ownController } from '../support/controller.ts';
import { inProcess } from '../support/in-process.ts';

ownController();
writeFileSync('cluster.yaml', nobodysLab());

/** What was typed, and what hapg says. */
const TYPED: [line: string, says: RegExp][] = [
  ['plan cluster.yaml', /^error: hapg plan cluster\.yaml: an inventory is named with -i: hapg plan -i cluster\.yaml$/m],
  ['status db1', /^error: hapg status db1: hosts are selected with --limit: hapg status --limit db1$/m],
  ['switchover db2', /^error: hapg switchover db2: the new leader is named with --to: hapg switchover --to db2$/m],
  ['maintenance', /^error: there is no command "maintenance": hapg calls it hapg drain HOST$/m],
  ['edit-config', /^error: there is no command "edit-config": hapg calls it hapg config edit$/m],
  ['dsn', /^error: there is no command "dsn": hapg calls it hapg connect$/m],
  ['help nosuch', /^error: unknown command 'nosuch'$/m],
  ['help maintenance', /^error: there is no command "maintenance": hapg calls it/m],
  ['constructor', /^error: unknown command 'constructor'$/m],
  ['statsu', /^error: unknown command 'statsu'\n\(Did you mean status\?\)$/m],
  [
    'plan -i cluster.yaml -l db9',
    /^--limit db9: cluster\.yaml has no such host or role; it has db1, .* \(did you mean "db1"\?\)$/m,
  ],
  ['plan -i cluster.yaml -l postgres', /it has db1, .*; hapg calls it patroni$/m],
  [
    'switchover -i cluster.yaml --to nosuch',
    /^--to nosuch: cluster\.yaml has no such database host; it has db1, db2, db3$/m,
  ],
  ['switchover -i cluster.yaml --to proxy1', /^--to proxy1: .* no such database host; it has db1, db2, db3/m],
  [
    'reinit -i cluster.yaml db9',
    /^db9: cluster\.yaml has no such database host; it has db1, db2, db3 \(did you mean "db1"\?\)$/m,
  ],
  ['remove-node -i cluster.yaml prxy1', /no such host; it has .* \(did you mean "proxy1"\?\)$/m],
  ['restore -i cluster.yaml --latest --on client', /^--on client: .* no such database host/m],
  ['ssh -i cluster.yaml db9', /^db9: cluster\.yaml has no such host/m],
  [
    'psql -i cluster.yaml --host proxy1',
    /^--host proxy1: cluster\.yaml has no such database host; it has db1, db2, db3/m,
  ],
  [
    'init two.yaml --databases 10.0.0.1 --databases 10.0.0.2',
    /^--databases 10\.0\.0\.1,10\.0\.0\.2: two database hosts need a third vote/m,
  ],
  ['init one.yaml --databases 10.0.0.1 --witness 10.0.0.9', /^--witness 10\.0\.0\.9: .*; here are 1$/m],
  ['config show -i cluster.yaml --set rto=wide', /^error: hapg config show: --set goes with "hapg config edit"$/m],
  ['certs -i cluster.yaml --trust-only', /^error: hapg certs: --trust-only goes with "hapg certs renew"$/m],
  ['certs renew -i cluster.yaml --trust-only --yes', /^--trust-only goes with --authority NAME/m],
  ['secrets -i cluster.yaml --probe', /^error: hapg secrets: --probe goes with "hapg secrets rotate"$/m],
  ['secrets show --probe -i cluster.yaml', /^error: hapg secrets show: --probe goes with "hapg secrets rotate"$/m],
  ['config --set=rto=wide -i cluster.yaml', /^error: hapg config: --set goes with "hapg config edit"$/m],
  ['config -i cluster.yaml --unset rto show', /^error: hapg config show: --unset goes with "hapg config edit"$/m],
  ['certs rnew -i cluster.yaml', /^error: hapg certs rnew: renew, or nothing \(did you mean "renew"\?\)$/m],
  ['drill -i cluster.yaml', /^error: hapg drill: -i goes with "hapg drill restore"$/m],
  ['drill all', /^error: unknown command 'all'$/m],
  ['lab list', /^error: unknown command 'list'$/m],
  ['secrets set a b -i cluster.yaml', /^error: hapg secrets set takes no argument such as "b"$/m],
  ['help secrets nosuch', /^error: unknown command 'nosuch'$/m],
  ['plan -i cluster.yaml -t postgres', /^--tags postgres: hapg calls it patroni$/m],
  ['plan -i cluster.yaml -t etcd --skip-tags etcd', /^--tags etcd --skip-tags etcd: no role is left$/m],
  ['plan -i cluster.yaml --forks 0', /^--forks 0: a number from 1 on is needed$/m],
  ['plan -i cluster.yaml --private-key nokey', /^--private-key nokey: there is no such file$/m],
  [
    'plan -i cluster.yaml -e postgrs.port=1',
    /^-e postgrs\.port=1: error: unknown key "postgrs" \(did you mean "postgres"\?\)$/m,
  ],
  [
    'plan -i cluster.yaml -e hosts.db9.priority=1',
    /^-e hosts\.db9\.priority=1: error: hosts\.db9\.address is missing$/m,
  ],
];

for (const [line, says] of TYPED)
  test(`hapg ${line} is answered in hapg's words`, async () => {
    const { code, err } = await inProcess(line.split(' '));
    assert.match(err, says);
    assert.equal(code, 5);
  });

test('no word of others is one of hapg, and what hapg calls it is', () => {
  const own = new Set(program.commands.flatMap((one) => [one.name(), ...one.aliases()]));
  for (const [word, meant] of WORDS_OF_OTHERS) {
    assert.ok(!own.has(word), word);
    const command = /^hapg ([a-z-]+)/.exec(meant)?.[1];
    assert.ok(command === undefined || command.startsWith('--') || own.has(command), meant);
  }
});

test('a plan says where its help is', async () => {
  const { err } = await inProcess(['plan', '--nosuch']);
  assert.match(err, /\(see hapg plan --help\)$/m);
});
