import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  APT,
  installProgress,
  installScript,
  LIST_UPGRADES,
  offeredVersions,
  parseUpgrades,
  parseVersions,
  showInstallProgress,
} from '../../src/programs/apt.ts';
import { quote } from '../../src/shell/quote.ts';
import { programs, sh } from './sh.ts';

const bin = mkdtempSync(join(tmpdir(), 'hapg-test-apt-'));
after(() => rmSync(bin, { recursive: true }));

/** Runs the function with an apt-get that fails `times` times with these words; tells its status and how often it was called. */
function apt(times: number, words: string, stderr: boolean) {
  writeFileSync(join(bin, 'calls'), '');
  writeFileSync(
    join(bin, 'apt-get'),
    `#!/bin/sh\necho x >> ${bin}/calls\n[ $(wc -l < ${bin}/calls) -gt ${times} ] && { echo installed; exit 0; }\necho "${words}" ${stderr ? '>&2' : ''}\nexit 100\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(bin, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
  const { stdout, status } = spawnSync('/bin/sh', ['-c', `set -e\n${APT}\napt install x\necho done`], {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    encoding: 'utf8',
  });
  return { stdout, status, calls: readFileSync(join(bin, 'calls'), 'utf8').split('\n').length - 1 };
}

test("another one's lock on apt's lists or archives is waited for", () => {
  const words = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)';
  assert.deepEqual(apt(3, words, true), {
    stdout: `${`${words}\n`.repeat(3)}installed\ndone\n`,
    status: 0,
    calls: 4,
  });
  assert.equal(apt(100, 'E: Unable to lock directory /var/cache/apt/archives/', true).calls, 60, 'with an end');
});

test("dpkg's lock apt has waited for itself", () => {
  const words = 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)';
  assert.equal(apt(9, words, true).calls, 1);
});

test('every other failure is one at once, with what apt has said', () => {
  assert.deepEqual(apt(9, 'E: Unable to locate package x', false), {
    stdout: 'E: Unable to locate package x\n',
    status: 100,
    calls: 1,
  });
});

describe('the progress of an installation', () => {
  /** An apt-get that reports its progress, and shows what is in the file then. */
  const install = (status: string, code: number) =>
    sh(installScript(['patroni'], {}, status), {
      path: programs({
        'apt-get': `case "$*" in *Status-Fd=3*) ;; *) exit 0 ;; esac
echo 'dlstatus:1:20.5:Retrieving file 1 of 2' >&3
echo 'pmstatus:libc6:amd64:40.2:Unpacking' >&3
cat ${quote(status)}
exit ${code}`,
        dpkg: ':',
        'apt-cache': ':',
      }),
    });

  test('is in its file while apt works, in the form that is read, and the file is gone at the end', () => {
    for (const code of [0, 100]) {
      const status = join(bin, "it's a file");
      const { out, code: ended } = install(status, code);
      assert.equal(ended, code);
      assert.equal(installProgress(out), 'installed 40 %', out);
      assert.ok(!existsSync(status));
    }
  });

  for (const [what, answer, says] of [
    ['nothing yet', '', undefined],
    ['a question about a file', 'pmconffile:/etc/x: 12.5:conffile', undefined],
    ['a download', 'dlstatus:1:99.97:Retrieving', 'downloaded 99 %'],
    ['a package after a download', 'dlstatus:2:100:Retrieving\npmstatus:patroni:7:Preparing', 'installed 7 %'],
    ['the run of dpkg itself', 'pmstatus:dpkg-exec:66.6667:Running dpkg', 'installed 66 %'],
    ['a line that is cut short', 'pmstatus:a:50:x\npmstatus:b:6', 'installed 50 %'],
  ] as const)
    test(`is told of ${what}`, () => assert.equal(installProgress(answer), says));

  test('is asked of the file, and without it nothing is printed', () => {
    const status = join(bin, 'status');
    assert.equal(installProgress(sh(`${showInstallProgress(status)} 2>/dev/null`).out), undefined);
    writeFileSync(status, 'pmstatus:patroni:80.1:Installing\n');
    assert.equal(installProgress(sh(showInstallProgress(status)).out), 'installed 80 %');
  });
});

describe('a version that is not known is no version', () => {
  const minimum = { patroni: '3.0.2' };
  const install = (cache: string) =>
    sh(installScript(['patroni'], minimum), {
      path: programs({
        'apt-cache': cache,
        'apt-get': 'echo "apt-get $*"',
        dpkg: '[ "$1" != --compare-versions ] || [ "$2" != 0 ]',
      }),
    });

  test('an old one is refused before anything is installed', () => {
    const { code, out } = install(':');
    assert.equal(code, 1);
    assert.match(out, /patroni is not offered by the package sources is too old: 3\.0\.2/);
    assert.doesNotMatch(out, /fix-broken install/);
  });

  test('apt-cache that fails ends the installation with its own words', () => {
    const { code, out } = install('echo "E: the cache is broken" >&2; exit 100');
    assert.equal(code, 1);
    assert.match(out, /E: the cache is broken/);
    assert.doesNotMatch(out, /too old/);
  });

  test('apt-cache that fails is not "no package of that name" for a host that wants to join', () => {
    const path = programs({ 'apt-cache': 'exit 100', 'apt-get': ':', 'dpkg-query': 'exit 1' });
    assert.equal(sh(offeredVersions(['pgbackrest']), { path }).code, 1);
  });

  test('what is installed counts, and else what is offered; complaints of apt are passed on', () => {
    const path = programs({
      'apt-get': 'echo "W: a source is away"; exit 100',
      'dpkg-query': 'case "$*" in *" one"*) printf 1.0-1 ;; *) exit 1 ;; esac',
      'apt-cache':
        'case "$*" in *three*) v="(none)" ;; *) v=2.0-1 ;; esac; printf "x:\\n  Installed: (none)\\n  Candidate: %s\\n" "$v"',
    });
    const { code, out } = sh(offeredVersions(['one', 'two', 'three']), { path });
    assert.equal(code, 0);
    assert.deepEqual(parseVersions(out), {
      versions: { one: '1.0-1', two: '2.0-1' },
      complaint: 'a source is away',
    });
  });
});

const APT_GET: [what: string, script: string, says: RegExp][] = [
  [
    'unmet dependencies',
    'case "$*" in *upgrade*) echo "Some packages could not be installed."; echo "E: Unmet dependencies."; exit 100 ;; esac',
    /^E: Unmet dependencies\.$/m,
  ],
  [
    'a package source that does not answer',
    'case "$*" in *update*) echo "Err:1 http://deb.example.com trixie InRelease"; echo "E: Some index files failed to download."; exit 100 ;; esac',
    /^Err:1 .*\nE: Some index files failed to download\.$/m,
  ],
];
for (const [what, script, says] of APT_GET)
  test(`${what}: apt's own words, and not "nothing to do"`, () => {
    const df = "echo head; echo 'd 9 1 5000000 1% /'";
    const { code, out } = sh(LIST_UPGRADES, {
      path: programs({ 'apt-get': script, df, dpkg: ':', 'dpkg-query': ':' }),
    });
    assert.equal(code, 1);
    assert.match(out, says);
  });

test('free space of which df tells nothing is not read as none', () => {
  const path = programs({
    df: 'exit 1',
    dpkg: ':',
    'apt-get': ':',
  });
  const { code, out } = sh(LIST_UPGRADES, { path });
  assert.equal(code, 0);
  assert.throws(() => parseUpgrades(out, false), /not understood/);
});
