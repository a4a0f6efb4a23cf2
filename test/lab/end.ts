import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import { leftovers, type TestLab } from '../support/lab.ts';

/** The end of a cluster. */
export function ending(lab: TestLab): void {
  test('destroy asks for the name, stops everything, and deletes no data and no backup', async () => {
    await lab.healthy(60);
    const wrong = await lab.hapg(['destroy', '--yes', '--confirm', 'another']);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /not confirmed; nothing was changed/);
    const sizes = () => lab.on('backup', 'du -sk /var/lib/pgbackrest/backup | cut -f1').out;
    const before = sizes();
    const { code, stdout, stderr } = await lab.hapg(['destroy', '--yes', '--confirm', lab.cluster]);
    assert.equal(code, 0, `${stdout.slice(-1000)}${stderr.slice(-2000)}`);
    for (const host of lab.with('patroni')) {
      assert.equal(
        lab.on(host, 'systemctl is-active patroni etcd; systemctl is-enabled patroni').out,
        'inactive\ninactive\ndisabled',
      );
      assert.match(lab.on(host, `ls /var/lib/postgresql/17/${lab.cluster}.destroyed-*/PG_VERSION`).out, /PG_VERSION/);
      assert.equal(lab.on(host, 'pgrep -c postgres').out, '0');
    }
    for (const host of lab.with('haproxy'))
      assert.equal(lab.on(host, 'systemctl is-active haproxy keepalived').out, 'inactive\ninactive');
    assert.equal(sizes(), before, 'the backups are as they were');
    assert.deepEqual(leftovers(lab), {});
    assert.equal((await lab.status()).code, 1);
    assert.equal((await lab.hapg(['destroy', '--yes', '--confirm', lab.cluster])).code, 0, 'again is no harm');
  });

  test('with --backups the stanza is gone too, and the same hosts can become a new cluster', async () => {
    const { code, stdout, stderr } = await lab.hapg(['destroy', '--yes', '--backups', '--confirm', lab.cluster]);
    assert.equal(code, 0, `${stdout.slice(-1000)}${stderr.slice(-2000)}`);
    assert.equal(
      lab.on('backup', `ls /var/lib/pgbackrest/backup /var/lib/pgbackrest/archive | grep -c ${lab.cluster}`).out,
      '0',
    );
    const again = await lab.hapg(['apply', '--yes']);
    assert.equal(again.code, 0, again.stderr.slice(-2000));
    await lab.healthy(60);
  });
}
