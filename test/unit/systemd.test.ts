import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  beginStart,
  parseUnits,
  printActive,
  showUnits,
  stop,
  turnOff,
  turnOffUnits,
} from '../../src/programs/systemd.ts';
import { unit } from '../../src/steps/unit.ts';
import { programs, sh } from './sh.ts';

/** systemctl as a host has it on which these words fail; it prints what it was asked. */
const systemctl = (fails: string) => programs({ systemctl: `echo "$*"\ncase "$*" in ${fails || '-'}) exit 5 ;; esac` });

test('a unit that does not stop ends the script', () => {
  assert.deepEqual(sh(`${stop('etcd.service')}\necho on`, { path: systemctl("'stop etcd.service'") }), {
    code: 1,
    out: 'stop etcd.service\n',
  });
});

test('a unit that stopped and had never failed is stopped', () => {
  assert.deepEqual(sh(`set -e\n${stop('etcd.service')}\necho on`, { path: systemctl('reset-failed*') }), {
    code: 0,
    out: 'stop etcd.service\nreset-failed etcd.service\non\n',
  });
});

test('a start that is only begun fails where systemd refuses it', () => {
  assert.equal(sh(beginStart('etcd.service'), { path: systemctl("'start --no-block'*") }).code, 5);
  assert.equal(sh(beginStart('etcd.service'), { path: systemctl('reset-failed*') }).code, 0);
});

test('a unit that is just being started is told as active, a stopped one not at all', () => {
  for (const [state, told] of [
    ['active', 'active\n'],
    ['activating', 'active\n'],
    ['failed', ''],
    ['inactive', ''],
  ] as const)
    assert.equal(sh(printActive('etcd.service'), { path: programs({ systemctl: `echo ${state}; exit 3` }) }).out, told);
});

test('units of which a host has some only are turned off; one that does not stop is a failure', () => {
  const units = ['a.service', 'b.service'];
  assert.equal(sh(turnOffUnits(units), { path: systemctl("'cat a.service'") }).code, 0);
  assert.equal(sh(turnOffUnits(units), { path: systemctl("'stop b.service'") }).code, 1);
});

test('a unit that still runs is not off', () => {
  assert.equal(sh(turnOff('a.service'), { path: systemctl('') }).code, 1);
  assert.equal(sh(turnOff('a.service'), { path: systemctl("'-q is-active a.service'") }).code, 0);
});

test('a drop-in of somebody else is kept and told: it may change how the unit runs', () => {
  const wanted = unit('haproxy', 'haproxy.service');
  const mine = '/etc/systemd/system/haproxy.service.d/limits.conf';
  const state = (dropIns: string) =>
    wanted.kind
      .parse(`LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nDropInPaths=${dropIns}\n`, [wanted])
      .get(wanted.id);
  assert.deepEqual(wanted.kind.notes!(wanted, state(mine)), [
    `kept, not from hapg: ${mine} changes how haproxy.service runs`,
  ]);
  assert.equal(wanted.kind.diff(wanted, state(mine)), undefined);
  assert.deepEqual(wanted.kind.notes!(wanted, state('/etc/systemd/system/haproxy.service.d/hapg.conf')), []);
});

test('states are read in the order of the question, and one that is missing is an error', () => {
  assert.match(showUnits(['a.service', 'b.service']), / -- a\.service b\.service$/);
  const answer =
    'LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\nDropInPaths=/etc/systemd/system/a.service.d/hapg.conf /etc/systemd/system/a.service.d/memory.conf /usr/lib/systemd/system/a.service.d/package.conf /run/systemd/system/service.d/container.conf\n\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=yes\n';
  assert.deepEqual(parseUnits(answer, 2), [
    {
      load: 'loaded',
      active: 'active',
      enabled: 'enabled',
      needsReload: false,
      dropIns: ['/etc/systemd/system/a.service.d/memory.conf'],
    },
    { load: 'not-found', active: 'inactive', enabled: '', needsReload: true, dropIns: [] },
  ]);
  assert.throws(() => parseUnits(answer, 3), /answered for 2 of 3 units/);
});
