import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { isFree, leftovers, manifest, type TestLab, until } from '../support/lab.ts';
import { milliseconds, pause } from '../support/time.ts';

/** Two runs at once, killed and interrupted controllers. */
export function locking(lab: TestLab): void {
  test('two applies at once: the second exits 3, names the holder, and has run nothing; a killed controller leaves no lock', async () => {
    assert.equal(
      lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart libpam-tmpdir').code,
      0,
    );
    const before = manifest(lab);
    const first = lab.start(['apply', '--yes', '-l', 'client']);
    await until('the first run takes its lock', 10, () => !isFree(lab, 'client'), first);
    const second = await lab.hapg(['apply', '--yes', '-e', 'postgres.parameters.work_mem=9MB']);
    assert.equal(second.code, 3, second.stderr);
    assert.match(second.stderr, /client: locked by another run \(hapg apply by .* since /);
    first.kill('SIGKILL');
    await first.done;
    await until('the lock is free', 10, () => isFree(lab, 'client'));
    const unchanged = manifest(lab);
    for (const host of lab.hosts.filter((name) => name !== 'client'))
      assert.deepEqual(unchanged[host], before[host], host);
    const again = await lab.hapg(['apply', '--yes']);
    assert.equal(again.code, 0, again.stderr);
    assert.match((await lab.hapg(['audit'])).stdout, /apply +\d+ +did not end/);
  });

  test('Ctrl-C finishes what is in flight, exits 130, and the next run goes on', async () => {
    assert.equal(lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart').code, 0);
    lab.on('client', 'systemctl disable --now apt-daily-upgrade.timer');
    const first = lab.start(['apply', '--yes', '-l', 'client']);
    const installs = () => lab.on('client', 'systemctl is-active hapg-packages').out === 'active';
    await until('packages are being installed', 30, installs, first);
    first.kill('SIGINT');
    const ended = await first.done;
    assert.equal(ended.code, 130, ended.stdout + ended.stderr);
    assert.match(ended.stdout + ended.stderr, /interrupted; run again to continue/);
    assert.notEqual(
      lab.on('client', 'systemctl is-enabled apt-daily-upgrade.timer').code,
      0,
      'a later step was not begun',
    );
    const again = await lab.hapg(['apply', '--yes']);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(lab.on('client', 'systemctl is-enabled apt-daily-upgrade.timer').code, 0);
  });

  for (const [presses, words] of [
    [2, 'twice leaves what runs in its unit to itself'],
    [3, 'three times ends at once'],
  ] as const)
    test(`Ctrl-C ${words}; the unit goes on, and the next run waits for it`, async () => {
      assert.equal(lab.on('client', 'DEBIAN_FRONTEND=noninteractive apt-get -q -y purge debsums needrestart').code, 0);
      const first = lab.start(['apply', '--yes', '-l', 'client']);
      const runs = () => lab.on('client', 'systemctl is-active hapg-packages').out === 'active';
      await until('packages are being installed', 30, runs, first);
      for (let press = 0; press < presses; press++) {
        first.kill('SIGINT');
        await pause(0.1);
      }
      const pressed = Date.now();
      assert.equal((await first.done).code, 130);
      assert.ok(Date.now() - pressed < milliseconds(5000), `${Date.now() - pressed} ms until it ended`);
      await until('the lock is free', 20, () => isFree(lab, 'client'));
      const again = await lab.hapg(['apply', '--yes']);
      assert.equal(again.code, 0, again.stderr);
      assert.equal(lab.on('client', 'dpkg -C; dpkg-query -W -f x debsums').out, 'x', 'dpkg was never cut off');
      assert.equal((await lab.hapg(['apply', '--yes'])).code, 0);
      assert.deepEqual(leftovers(lab), {}, 'a run that meets no unit at work clears what one has left');
    });

  test('status --watch shows the cluster until Ctrl-C, and exits as status does', async () => {
    await lab.healthy(60);
    const watch = lab.start(['status', '--watch']);
    const pictures = () => (watch.said().match(/pgtest is healthy/g) ?? []).length;
    await until('it has shown the cluster twice', 30, () => pictures() >= 2, watch);
    watch.kill('SIGINT');
    const { code, stdout } = await watch.done;
    assert.equal(code, 0, stdout);
  });
}
