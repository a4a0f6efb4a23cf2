import assert from 'node:assert/strict';
import { test } from '../support/group.ts';
import type { TestLab } from '../support/lab.ts';
import { storedSecrets } from '../support/sampler.ts';

/** What must hold after everything else. */
export function afterwards(lab: TestLab): void {
  test('after all of this apply still has nothing to do, and no secret lies open', async () => {
    const { code, stdout } = await lab.hapg(['plan', '--detailed-exitcode']);
    assert.equal(code, 0, stdout);
    const secrets = storedSecrets(lab);
    for (const host of lab.hosts) {
      const found = lab.on(
        host,
        `cd /; for s in ${secrets.join(' ')}; do { find /etc /var/log /var/lib/hapg /tmp /run -xdev -type f -perm -o+r -exec grep -lF "$s" {} + ; journalctl -q --no-pager | grep -cF "$s" | grep -v '^0$'; grep -rlF "$s" /var/log/hapg; } 2>/dev/null; done`,
      ).out;
      assert.equal(found, '', host);
    }
  });
}
