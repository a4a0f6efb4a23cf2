import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { programWords } from '../support/bundle.ts';

/** What runs leave beside the sources, each with secrets or private keys. */
const LEFT = [
  'inventory/.hapg/pglab/secrets.json',
  'inventory/.hapg/pglab/lab_ed25519',
  'vagrant/.vagrant/machines/db1/virtualbox/private_key',
  'vagrant/.hapg/pglab/secrets.json',
  'templates/.hapg/main/secrets.json',
  'docs/.hapg/main/secrets.json',
];
const SHIPPED = [
  'docs/operations.md',
  'inventory/lab.yaml',
  'inventory/standby.yaml',
  'templates/completion/hapg.bash',
  'templates/etcd/etcd.service.eta',
  'templates/init/inventory.yaml.eta',
  'vagrant/Vagrantfile',
];

test('the package has the examples, and nothing of what runs leave beside them', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-package-'));
  context.after(() => rmSync(directory, { recursive: true }));
  for (const name of ['package.json', '.gitignore', ...SHIPPED]) cpSync(name, join(directory, name));
  for (const name of LEFT) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), 'secret');
  }
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ files: { path: string }[] }];
  assert.deepEqual(packed.files.map(({ path }) => path).sort(), ['package.json', ...SHIPPED].sort());
});

/** Runs a program and returns both of what it printed; fails when it fails. */
function said(program: string, args: readonly string[], cwd: string): { stdout: string; stderr: string } {
  // No registry, no cache, no configuration of the person who tests: a package that needs anything else fails.
  const env = { PATH: process.env.PATH, HOME: cwd, npm_config_cache: join(cwd, 'cache'), npm_config_offline: 'true' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return { stdout, stderr };
}

test('the package needs nothing but Node: it is installed without network, scripts or warnings, and works', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-install-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const source = join(directory, 'source');
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'templates', 'docs', 'inventory'])
    cpSync(name, join(source, name), { recursive: true });
  cpSync(dirname(programWords('hapg')[1]!), join(source, 'dist'), { recursive: true });
  // The build is what "prepack" would make.
  said('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], source);
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))!;
  const prefix = join(directory, 'prefix');
  const { stdout, stderr } = said('npm', ['i', '-g', '--foreground-scripts', '--prefix', prefix, tarball], directory);
  assert.match(stdout.trim(), /^added 1 package in \S+$/);
  assert.equal(stderr, '');

  const hapg = (...args: string[]) => said(join(prefix, 'bin/hapg'), args, directory).stdout;
  const installed = join(prefix, 'lib/node_modules/hapg');
  assert.match(hapg('--version'), /^\d+\.\d+\.\d+\n$/);
  assert.match(hapg('validate', '-i', join(installed, 'inventory/lab.yaml')), /7 hosts, 0 warnings/);
  assert.match(hapg('render', 'rendered', '-i', join(installed, 'inventory/lab.yaml')), /rendered/);
  assert.equal(JSON.parse(hapg('schema')).type, 'object');
  assert.match(hapg('completion', 'bash'), /complete -F _hapg hapg/);
  assert.match(hapg('explain'), /unreachable/);
  const page = join(prefix, 'share/man/man1/hapg-apply.1');
  assert.match(readFileSync(page, 'utf8'), /^\.TH HAPG\\-APPLY 1/m);
});

test('nothing is a dependency that would be installed with the package, for the bundle has it', () => {
  const about = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;
  for (const list of ['dependencies', 'optionalDependencies', 'peerDependencies']) assert.equal(about[list], undefined);
  for (const name of ['node-ssh', 'eta', 'yaml', 'listr2', 'commander', 'ini']) assert.ok(about.devDependencies![name]);
});
