import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

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
