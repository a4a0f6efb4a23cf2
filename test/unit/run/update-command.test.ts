import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadInventory } from '../../../src/inventory/load.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { type FakeHost, fakeHosts, healthyHosts, hostsWithBackup } from '../../support/fake-hosts.ts';
import { inProcess } from '../../support/in-process.ts';

/** What apt says where one package has a newer version, with this much room (KiB). */
const apt = (room: string) => `${room}Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian:13.3/stable [amd64])\n`;

/** Updates the client of a healthy lab whose package manager says this; returns what was said, and the scripts that change something. */
async function updated(upgrades: string) {
  const healthy = healthyHosts();
  const lab: Record<string, FakeHost> = {
    ...healthy,
    backup: {
      sections: { ...healthy.backup!.sections, ...hostsWithBackup().backup!.sections },
      answers: { 'is-enabled': 'pgbackrest-full.timer\n' },
    },
    client: { answers: { '--with-new-pkgs': upgrades, 'echo armed': 'armed\n' } },
  };
  const fakes = await fakeHosts(lab);
  try {
    await (await SecretStore.create(loadInventory(fakes.inventory).cluster)).save();
    const { code, out, err } = await inProcess([
      'update',
      '--limit',
      'client',
      '--reboot',
      'never',
      '--yes',
      '--wait-gate',
      '1',
      '-i',
      fakes.inventory,
    ]);
    const changes = fakes.scripts.filter(({ script }) => !/ begin'|flock -w|--with-new-pkgs/.test(script));
    return { code, said: `${out}${err}`, changes };
  } finally {
    fakes.close();
  }
}

test('update refuses before it fetches or stops anything where a file system has too little room', async () => {
  const { code, said, changes } = await updated(apt('free 5000000 /\nfree 1000 /var\n'));
  assert.equal(code, 1, said);
  assert.match(said, /client: only .* are free in \/var, and the update needs/);
  assert.deepEqual(changes, []);
});

test('update holds the schedule of backups while it works on a host, and lets it go on afterwards', async () => {
  const { said, changes } = await updated(apt('free 5000000 /\n'));
  const first = (host: string, text: string): number => {
    const found = changes.findIndex((one) => one.host === host && one.script.includes(text));
    assert.ok(found >= 0, `${host}: ${text}\n${said}`);
    return found;
  };
  const order = [
    first('client', 'hapg-download'),
    first('backup', 'undo/backup-schedule/undo.sh'),
    first('backup', 'systemctl stop pgbackrest-full.timer'),
    first('client', '/var/lib/hapg/undo/update/undo.sh'),
    first('client', '--unit=hapg-update'),
    first('backup', 'if [ -e /var/lib/hapg/undo/backup-schedule/undo.sh ]; then sh'),
  ];
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});
