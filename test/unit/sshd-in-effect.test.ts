import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { quote } from '../../src/shell/quote.ts';
import { sshdInEffect } from '../../src/steps/sshd-in-effect.ts';
import { sh } from './sh.ts';

const home = mkdtempSync(join(tmpdir(), 'hapg-sshd-'));
after(() => rmSync(home, { recursive: true, force: true }));
const file = join(home, '10-hapg.conf');
const wanted = sshdInEffect('hardening', file);

/** What is told where hapg's file says this and `sshd -T` that. */
function told(written: string, effective: string): string[] {
  writeFileSync(file, written);
  const { code, out } = sh(`HAPG_SSHD=${quote(effective)}\n${wanted.kind.probe([wanted])}`);
  assert.equal(code, 0);
  return wanted.kind.notes!(wanted, wanted.kind.parse(out, [wanted]).get(wanted.id));
}

const OURS = `# Managed by hapg.
PermitRootLogin prohibit-password
PasswordAuthentication no
AllowTcpForwarding all
LogLevel VERBOSE
`;
const THEIRS =
  'permitrootlogin without-password\npasswordauthentication no\nallowtcpforwarding yes\nloglevel VERBOSE\nusedns no\n';

describe('what sshd makes of its files', () => {
  test('is not told when it is what hapg has written, in whatever words sshd prints it', () => {
    assert.deepEqual(told(OURS, THEIRS), []);
  });

  test('is told when a file that comes first says something else', () => {
    assert.deepEqual(told(OURS, THEIRS.replace('passwordauthentication no', 'passwordauthentication yes')), [
      `sshd does not use passwordauthentication no of ${file}, but yes: another file says that before it ("grep -rin passwordauthentication /etc/ssh/sshd_config*" shows where)`,
    ]);
  });

  test('is no change, for the other file is not ours', () => {
    const state = wanted.kind.parse('PasswordAuthentication no\n--\npasswordauthentication yes\n', [wanted]);
    assert.equal(wanted.kind.diff(wanted, state.get(wanted.id)), undefined);
  });

  test('is not judged while there is no file, nor by keywords that this sshd does not know', () => {
    rmSync(file, { force: true });
    const { out } = sh(`HAPG_SSHD='passwordauthentication yes'\n${wanted.kind.probe([wanted])}`);
    assert.deepEqual(wanted.kind.notes!(wanted, wanted.kind.parse(out, [wanted]).get(wanted.id)), []);
    assert.deepEqual(told('KbdInteractiveAuthentication no\n', 'challengeresponseauthentication no\n'), []);
  });
});
