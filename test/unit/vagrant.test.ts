import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { labCluster } from './model.ts';

/** A stand-in for Vagrant's own DSL that writes down what the Vagrantfile asks for. */
const RECORDER = `require "json"
class Recorder
  def initialize(list) = @list = list
  def method_missing(name, *args, **options, &block)
    @list << [name.to_s, *args, options] unless args.empty? && options.empty?
    block&.call(Recorder.new(@list))
    self
  end
  def respond_to_missing?(*) = true
end
LIST = []
module Vagrant; def self.configure(_) = yield(Recorder.new(LIST)); end
load ARGV[0]
puts JSON.generate(LIST)`;

before(() => {
  if (spawnSync('ruby', ['--version']).status === 0) return;
  execFileSync('apt-get', ['-qq', 'update']);
  execFileSync('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', 'ruby'], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: 'ignore',
  });
});

/** What the Vagrantfile asks for, with an environment. */
function asked(env: Record<string, string> = {}): unknown[][] {
  const directory = mkdtempSync(join(tmpdir(), 'hapg-vagrant-'));
  const inventory = join(directory, 'lab.yaml');
  execFileSync('cp', ['inventory/lab.yaml', inventory]);
  writeFileSync(join(directory, 'recorder.rb'), RECORDER);
  try {
    return JSON.parse(
      execFileSync('ruby', [join(directory, 'recorder.rb'), 'vagrant/Vagrantfile'], {
        env: { ...process.env, HAPG_INVENTORY: inventory, ...env },
      }).toString(),
    ) as unknown[][];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the Vagrantfile makes the machines of the inventory, at its addresses and ports', () => {
  const list = asked();
  const { hosts } = labCluster();
  assert.deepEqual(
    list.filter(([name]) => name === 'define').map(([, host]) => host),
    hosts.map((host) => host.name),
  );
  assert.deepEqual(
    list.filter(([, kind]) => kind === 'private_network').map(([, , options]) => (options as { ip: string }).ip),
    hosts.map((host) => host.address),
  );
  assert.deepEqual(
    list.filter(([, kind]) => kind === 'forwarded_port').map(([, , options]) => (options as { host: number }).host),
    hosts.map((host) => host.ssh.port),
  );
});

test('the box of make-box gets the key of root from outside, and logs in with it', () => {
  const list = asked({ HAPG_BOX: 'hapg-trixie' });
  const called = (name: string) => list.filter(([one]) => one === name).map(([, ...args]) => args);
  assert.deepEqual(called('username='), [['root', {}]]);
  assert.equal(called('provision').length, 0);
  const values = called('qemuargs').map(([options]) => (options as { value: string }).value);
  assert.match(
    values[1]!,
    /^type=11,value=io\.systemd\.credential\.binary:ssh\.authorized_keys\.root=[A-Za-z0-9+/=]+$/,
  );
});
