import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { factsScript } from '../../roles/exporters/facts.ts';
import { programs, sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-facts-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A host in a directory of its own, and what its script writes. */
function host({ watchdog = '', checksums = '', runs = 'true' } = {}) {
  const at = join(root, String(count++));
  for (const name of ['pki', 'hold', 'undo', 'run']) mkdirSync(join(at, name), { recursive: true });
  const log = join(at, 'openssl.log');
  writeFileSync(log, '');
  const path = programs({
    openssl: `echo x >> ${log}; echo 'notAfter=Jan  1 00:00:00 2030 GMT'`,
    systemctl: 'echo $FAKE_PID',
  });
  const script = factsScript({
    out: join(at, 'hapg.prom'),
    cache: join(at, 'run/certificates'),
    drill: join(at, 'drill.json'),
    hold: join(at, 'hold'),
    undo: join(at, 'undo'),
    reboot: join(at, 'reboot-required'),
    watchdog,
    certificates: `${at}/pki/*.crt`,
    runs,
    checksums,
  });
  return {
    at,
    write: (name: string, text: string) => writeFileSync(join(at, name), text),
    /** The metrics after a run, without comments. */
    run: (before = '') => {
      const { code, out } = sh(`${before}\n${script}`, { path });
      assert.deepEqual([code, out], [0, '']);
      return readFileSync(join(at, 'hapg.prom'), 'utf8')
        .split('\n')
        .filter((line) => line && !line.startsWith('#'));
    },
    reads: () => readFileSync(log, 'utf8').length / 2,
  };
}

test('a quiet host tells that it needs nothing, and when it said so', () => {
  const one = host();
  const [reboot, written, ...more] = one.run();
  assert.equal(reboot, 'hapg_reboot_required 0');
  assert.match(written!, /^hapg_facts_written_seconds \d{10}$/);
  assert.deepEqual(more, []);
  assert.equal(statSync(join(one.at, 'hapg.prom')).mode & 0o777, 0o644);
});

test('certificates are read when one is new, and not every minute', () => {
  const one = host();
  const certificate = join(one.at, 'pki/server.crt');
  one.write('pki/server.crt', 'x');
  const past = new Date(Date.now() - 60_000);
  utimesSync(certificate, past, past);
  const said = `hapg_certificate_not_after_seconds{name="${certificate}"} 1893456000`;
  assert.ok(one.run().includes(said));
  assert.ok(one.run().includes(said));
  assert.equal(one.reads(), 1);
  one.write('pki/client.crt', 'x');
  assert.equal(one.run().filter((line) => line.startsWith('hapg_certificate')).length, 2);
  assert.equal(one.reads(), 3, 'another one is there');
  const later = new Date(Date.now() + 60_000);
  utimesSync(certificate, later, later);
  one.run();
  assert.equal(one.reads(), 5, 'a renewed one');
  rmSync(certificate);
  assert.equal(one.run().filter((line) => line.startsWith('hapg_certificate')).length, 1, 'one that is gone');
});

test('the time of the last good drill outlives a failed one', () => {
  const one = host();
  const drill = (metrics: string[]) => metrics.find((line) => line.startsWith('hapg_drill'));
  assert.equal(drill(one.run()), undefined);
  one.write('drill.json', '{"ok":true,"backup":"20260101-000000F","started":100,"finished":160,"newest":null}\n');
  assert.equal(drill(one.run()), 'hapg_drill_restore_last_success_seconds 160');
  one.write('drill.json', '{"ok":false,"backup":"","started":300,"finished":310,"error":"no room"}\n');
  assert.equal(drill(one.run()), 'hapg_drill_restore_last_success_seconds 160');
});

test('what is held, armed or due is told', () => {
  const one = host();
  for (const name of ['hold/drain', 'hold/pause', 'undo/update', 'undo/empty']) mkdirSync(join(one.at, name));
  one.write('undo/update/undo.sh', '');
  one.write('reboot-required', '');
  const said = one.run();
  assert.deepEqual(
    said.filter((line) => line.startsWith('hapg_mark')),
    ['hapg_mark{kind="drain"} 1', 'hapg_mark{kind="pause"} 1', 'hapg_mark{kind="undo"} 1'],
  );
  assert.ok(said.includes('hapg_reboot_required 1'));
});

test('a watchdog counts as open while Patroni holds it', () => {
  const device = join(root, 'watchdog');
  writeFileSync(device, '');
  const one = host({ watchdog: device });
  assert.ok(one.run('export FAKE_PID=$$').includes('hapg_watchdog_open 0'));
  assert.ok(one.run(`exec 7< ${device}; export FAKE_PID=$$`).includes('hapg_watchdog_open 1'));
  assert.ok(
    !host({ watchdog: `${device}-none` })
      .run()
      .some((line) => line.includes('watchdog')),
  );
});

test('checksum failures are what PostgreSQL prints, and a stopped one says nothing', () => {
  const line = 'hapg_checksum_failures{datname="app"} 0';
  assert.ok(
    host({ checksums: `echo '${line}'` })
      .run()
      .includes(line),
  );
  const stopped = host({ checksums: `echo '${line}'`, runs: 'false' }).run();
  assert.ok(!stopped.includes(line));
  assert.ok(
    !host({ checksums: 'sh -c "exit 3"' })
      .run()
      .some((one) => one.includes('checksum')),
  );
});
