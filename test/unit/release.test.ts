import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checksums } from '../../tools/release/checksums.ts';
import { control, copyright, debianArchitecture, debianVersion } from '../../tools/release/deb-control.ts';
import { debianTree } from '../../tools/release/deb-tree.ts';
import { packagesOf } from '../../tools/release/libraries.ts';

/** What ldd(1) prints of the Node of nodejs.org. */
const LDD = `	linux-vdso.so.1 (0x00007f6e32aa9000)
	libdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007f6e32a92000)
	libstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f6e32800000)
	libgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f6e32a72000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f6e3253e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007f6e32aab000)
`;
const LIBRARIES = ['libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6'];
const PACKED = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'dist/hapg.js',
  'dist/man/hapg.1',
  'dist/program.cjs',
  'docs/status.md',
  'inventory/lab.yaml',
  'package.json',
  'templates/completion/hapg.bash',
  'templates/completion/hapg.fish',
  'templates/completion/hapg.zsh',
  'templates/etcd/etcd.service.eta',
];

test("Debian's package depends on the libraries that Node is linked with, each once", () => {
  assert.deepEqual(packagesOf(LDD), LIBRARIES);
});

test("a distribution's own Node is refused, since it needs libraries that other machines do not have", () => {
  assert.throws(
    () => packagesOf(`\tlibnode.so.115 => /lib/libnode.so.115 (0x1)\n${LDD}`),
    /needs libnode\.so\.115, .* make the release with a Node of nodejs\.org/,
  );
});

test('a release candidate is older than its release, for Debian too', () => {
  assert.equal(debianVersion('1.2.3'), '1.2.3');
  assert.equal(debianVersion('1.2.3-rc.1'), '1.2.3~rc.1');
  assert.equal(debianArchitecture('x64'), 'amd64');
  assert.throws(() => debianArchitecture('mips'), /no package is made for mips, only for x64 and arm64/);
});

test('the control file has what Debian demands, and dpkg reads it', (context) => {
  const text = control({ version: '1.2.3-rc.1', architecture: 'amd64', libraries: LIBRARIES, size: 104_000 });
  assert.match(text, /^Version: 1\.2\.3~rc\.1\nArchitecture: amd64$/m);
  assert.match(text, /^Depends: libc6 \(>= 2\.28\), libgcc-s1, libstdc\+\+6\nRecommends: openssh-client$/m);
  assert.match(text, /^Installed-Size: 104000$/m);
  const [, synopsis = ''] = /^Description: (.*)$/m.exec(text) ?? [];
  assert.ok(synopsis.length <= 80 && !/^[A-Z]|\.$/.test(synopsis), synopsis);
  for (const line of text.split('\n').slice(text.split('\n').findIndex((one) => one.startsWith('Description')) + 1, -1))
    assert.match(line, /^ \S.{0,79}$/);
  if (spawnSync('dpkg-deb', ['--version']).error) return context.diagnostic('dpkg-deb is not here');
  const directory = mkdtempSync(join(tmpdir(), 'hapg-control-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const root = join(directory, 'root');
  execFileSync('mkdir', ['-p', join(root, 'DEBIAN')]);
  writeFileSync(join(root, 'DEBIAN/control'), text);
  const deb = join(directory, 'hapg.deb');
  const { status, stderr } = spawnSync('dpkg-deb', ['--build', root, deb], { encoding: 'utf8' });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.equal(execFileSync('dpkg-deb', ['--field', deb, 'Suggests'], { encoding: 'utf8' }).split(', ').length, 6);
});

test('every file has its place: the program, man pages, documents, examples, completion of three shells', () => {
  assert.deepEqual(
    debianTree(PACKED, 'release/hapg-1.2.3-linux-x64').map(
      ({ to, from, gzip }) => `${to} ← ${from}${gzip ? ' gzip' : ''}`,
    ),
    [
      'usr/bin/hapg ← release/hapg-1.2.3-linux-x64',
      'usr/share/bash-completion/completions/hapg ← templates/completion/hapg.bash',
      'usr/share/doc/hapg/README.md ← README.md',
      'usr/share/doc/hapg/changelog.gz ← CHANGELOG.md gzip',
      'usr/share/doc/hapg/docs/status.md ← docs/status.md',
      'usr/share/doc/hapg/inventory/lab.yaml ← inventory/lab.yaml',
      'usr/share/fish/vendor_completions.d/hapg.fish ← templates/completion/hapg.fish',
      'usr/share/man/man1/hapg.1.gz ← dist/man/hapg.1 gzip',
      'usr/share/zsh/vendor-completions/_hapg ← templates/completion/hapg.zsh',
    ],
  );
});

test('the copyright file names the licence of hapg, of what it contains, and of Node', () => {
  const text = copyright('yaml 2.9.1: ISC', 'Permission is hereby granted');
  assert.match(text, /^License: Apache-2\.0$/m);
  assert.match(text, /yaml 2\.9\.1: ISC[\s\S]*Node\.js v\d+\.[\s\S]*Permission is hereby granted$/);
});

test('sha256sum accepts the sums', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-sums-'));
  context.after(() => rmSync(directory, { recursive: true }));
  for (const name of ['b', 'a']) writeFileSync(join(directory, name), name);
  writeFileSync(join(directory, 'SHA256SUMS'), checksums(directory, ['b', 'a']));
  assert.match(readFileSync(join(directory, 'SHA256SUMS'), 'utf8'), /^[0-9a-f]{64} {2}a\n[0-9a-f]{64} {2}b\n$/);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: directory });
});

test('the documents name the files of this version', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  for (const page of ['README.md', 'docs/install.md']) {
    const named = [...readFileSync(page, 'utf8').matchAll(/\bhapg[-_](\d[\w.~-]*?)(?:\.tgz|-linux|_amd64)/g)];
    assert.ok(named.length >= 3, page);
    assert.deepEqual([...new Set(named.map(([, one]) => one))], [version], page);
  }
});
