import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));

describe('what hapg knows of a program stands on the language sh and on the paths', () => {
  for (const file of filesOf('src/programs'))
    test(file, () => {
      const imports = [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, from]) =>
        join(dirname(file), from!),
      );
      for (const one of imports) assert.match(one, /^src\/(programs|shell|bounds)\/|^src\/paths\.ts$/);
    });
});

/** What only the file of a program writes, and where it stands. What is said to a person is no script. */
const KNOWLEDGE: readonly (readonly [what: string, text: RegExp, file: string])[] = [
  ["PostgreSQL's socket", /\/var\/run\/postgresql/, 'postgres'],
  ["HAProxy's socket", /\/run\/haproxy\/admin\.sock/, 'haproxy'],
  ['etcdctl', /\betcdctl['", ]*(member|endpoint|--)|ETCDCTL_API/, 'etcd'],
  ["ZooKeeper's client", /ZooKeeperMain/, 'zookeeper'],
  ["apt's options", /apt-get|apt-cache|DPkg::|Dpkg::/, 'apt'],
  ['du', /\bdu -s/, 'files'],
  ['a switchover of Patroni', /patronictl\('switchover'|patronictl\('restart'/, 'patroni'],
  ['a checkpoint', /'checkpoint'\)/, 'postgres'],
];

describe('one program, one file', () => {
  // What is observed of a host, the lab, and what is compared with or said to a person stand elsewhere.
  const sources = ['src', 'roles', 'playbooks']
    .flatMap(filesOf)
    .filter((file) => !/^src\/(lab|cluster\/observe|observe|inventory)\b/.test(file));
  for (const [what, text, file] of KNOWLEDGE)
    test(`${what}: src/programs/${file}.ts`, () => {
      const found = sources.filter((one) => text.test(readFileSync(one, 'utf8')));
      assert.ok(found.includes(join('src/programs', `${file}.ts`)), 'it stands there');
      assert.deepEqual(
        found.filter((one) => !one.startsWith('src/programs/')),
        [],
      );
    });
});
