import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pgbackrestConfig } from '../../roles/pgbackrest/config.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { backupHosts } from '../../src/inventory/model.ts';
import { judgeConfig } from '../../src/programs/pgbackrest.ts';
import { contextWithKeys, ENTRIES, withRepositories } from './repository-kinds.ts';
import { programs, sh } from './sh.ts';

/** The pgBackRest of this machine (`apt-get install pgbackrest`). Nothing is installed for a unit test. */
const installed = /^pgBackRest (\d+(?:\.\d+)+)/.exec(
  spawnSync('pgbackrest', ['version'], { encoding: 'utf8' }).stdout ?? '',
)?.[1];
const directory = mkdtempSync(join(tmpdir(), 'hapg-judged-'));
const path = programs({ runuser: 'shift 3; exec "$@"' });

const KEEPER = { database: false, repositories: true };
const DATABASE = { database: true, repositories: false };

/** What pgBackRest says of a configuration; empty where it accepts it. */
function judged(text: string, has: Parameters<typeof judgeConfig>[2]): string {
  const file = join(directory, "a file's name");
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  const { code, out } = sh(judgeConfig(`'${file.replaceAll("'", "'\\''")}'`, 'pglab', has), { path });
  assert.equal(code === 0, out === '', out);
  return out;
}

/** What pgBackRest says of the configuration of every host of a cluster. */
async function judgedOn(cluster: Cluster): Promise<string[]> {
  const context = await contextWithKeys(cluster, installed);
  return cluster.hosts
    .filter(({ roles }) => roles.has('patroni') || roles.has('pgbackrest'))
    .map((host) =>
      judged(pgbackrestConfig(host, context).reveal(), {
        database: host.roles.has('patroni'),
        repositories: backupHosts(cluster).includes(host),
      }),
    )
    .filter(Boolean);
}

const skip = installed ? false : 'no pgbackrest here: apt-get install pgbackrest';

describe('pgBackRest itself judges', { skip }, () => {
  for (const [name, entry] of Object.entries(ENTRIES)) {
    const beyond =
      (name.startsWith('sftp') && Number(installed?.split('.')[1]) < 46) ||
      (name === 'azure, as the machine' && Number(installed?.split('.')[1]) < 58);
    test(`a repository of the kind ${name}`, {
      skip: beyond ? `${installed} has none, which plan refuses` : false,
    }, async () => {
      assert.deepEqual(await judgedOn(withRepositories([entry])), []);
      if (!entry.startsWith('kind: host')) assert.deepEqual(await judgedOn(withRepositories([entry], false)), []);
    });
  }

  test('several repositories, and what is kept in them', async () => {
    const cluster = withRepositories(['host', 'gcs', 'azure', 's3, with an authority'].map((name) => ENTRIES[name]!));
    Object.assign(cluster.settings.pgbackrest, { retention: { days: 30, diff: 5 } });
    assert.deepEqual(await judgedOn(cluster), []);
  });

  test('an option that it does not know, one that it lacks, and one with a value that it refuses', async () => {
    const cluster = withRepositories([ENTRIES.azure!]);
    const context = await contextWithKeys(cluster, installed);
    const host = backupHosts(cluster)[0]!;
    const good = pgbackrestConfig(host, context).reveal();
    assert.match(
      judged(good.replace('repo1-azure-uri-style', 'repo1-azure-uri-stile'), KEEPER),
      /invalid option 'repo1-azure-uri-stile'/,
    );
    assert.match(judged(good.replace(/^repo1-azure-account=.*$/m, ''), KEEPER), /requires option: repo1-azure-account/);
    assert.match(judged(good.replace('key-type=shared', 'key-type=token'), KEEPER), /'token' is not allowed/);
    assert.match(judged(good.replace('retention-full=2', 'retention-full=0'), KEEPER), /'0' is out of range/);
    assert.match(judged('[global\n', KEEPER), /ERROR/);
  });
});

test('a file that pgBackRest does not accept never takes the place of the present one', () => {
  const says = (words: string) => programs({ runuser: 'shift 3; exec "$@"', pgbackrest: `echo "${words}"; exit 37` });
  assert.equal(
    sh(judgeConfig('/f', 'pglab', DATABASE), { path: says('ERROR: [043]: WAL segment to push required') }).code,
    0,
  );
  const refused = sh(judgeConfig('/f', 'pglab', KEEPER), { path: says('ERROR: [037]: requires option: repo1-path') });
  assert.deepEqual(refused, { code: 1, out: 'ERROR: [037]: requires option: repo1-path\n' });
  const warned = "WARN: configuration file contains invalid option 'x'; WAL segment to push required";
  assert.equal(sh(judgeConfig('/f', 'pglab', DATABASE), { path: says(warned) }).code, 1);
});
