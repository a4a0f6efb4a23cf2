import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { patroniPrepare } from '../../roles/patroni/patroni.ts';
import { hugePagesFor, sharedMemory } from '../../roles/tuning/huge-pages.ts';
import { tuning } from '../../roles/tuning/tuning.ts';
import { checkHugePages } from '../../src/decisions/equipment.ts';
import { TUNING_ITEMS } from '../../src/inventory/tuning-schema.ts';
import { FACTS_SCRIPT, type Facts, parseFacts } from '../../src/observe/host.ts';
import type { FileWant } from '../../src/steps/file.ts';
import { hugePages } from '../../src/steps/huge-pages.ts';
import { kernelChoice } from '../../src/steps/kernel-choice.ts';
import type { Step } from '../../src/steps/step.ts';
import { contextFor, FACTS, labCluster } from './model.ts';
import { sh } from './sh.ts';

const GIB = 1024 ** 3;

/** The steps of tuning for db1, with the inventory's words at the top and for the host, and these facts. */
async function steps(common = '', facts: Partial<Facts> = {}, own = ''): Promise<Step[]> {
  const cluster = labCluster(
    ['postgres:\n', `${common}\npostgres:\n`],
    ['shared_buffers: 128MB', 'shared_buffers: 8GB'],
    ['roles: [etcd, patroni]}', `roles: [etcd, patroni]${own && `, ${own}`}}`],
  );
  const host = cluster.hosts[0]!;
  const context = { ...(await contextFor(cluster)), facts: () => ({ ...FACTS, ...facts }) };
  return host.roles.has('tuning') ? tuning(host, context) : [];
}
const ids = (list: readonly Step[]) =>
  list.filter(({ notApplicable }) => notApplicable === undefined).map(({ id }) => id);
const content = (list: readonly Step[], path: string) =>
  (list.find(({ id }) => id === `file ${path}`)?.want as FileWant | undefined)?.content;

const SETS: Record<string, RegExp> = {
  memory: /^sysctl vm\.(swappiness|dirty_bytes|dirty_background_bytes)$/,
  huge_pages: /^huge-pages vm\.nr_hugepages$/,
  transparent_huge_pages: /^kernel-choice transparent huge pages$/,
  overcommit: /^sysctl vm\.overcommit_/,
  io_scheduler: /^kernel-choice scheduler of /,
};

for (const [item, sets] of Object.entries(SETS))
  test(`${item} is on or off by itself, for all hosts or for one`, async () => {
    const on = `tuning: {${item}: true}`;
    const off = `tuning: {${item}: false}`;
    assert.ok(ids(await steps(on)).some((id) => sets.test(id)));
    assert.ok(!ids(await steps(off)).some((id) => sets.test(id)));
    assert.ok(!ids(await steps(on, {}, off)).some((id) => sets.test(id)));
    assert.ok(ids(await steps(off, {}, on)).some((id) => sets.test(id)));
    const others = (list: Step[]) => ids(list).filter((id) => !sets.test(id) && !id.startsWith('file '));
    assert.deepEqual(others(await steps(on)), others(await steps(off)));
  });

test('overcommit is for whoever turns it on', async () => {
  assert.ok(!ids(await steps()).some((id) => SETS.overcommit!.test(id)));
});

test('a host without PostgreSQL, and one whose tuning is false, have nothing of it', async () => {
  const cluster = labCluster();
  for (const host of cluster.hosts) assert.equal(host.roles.has('tuning'), host.roles.has('patroni'), host.name);
  assert.deepEqual(await steps('tuning: false'), []);
  assert.deepEqual(await steps('', {}, 'tuning: false'), []);
});

test('in a container every step is skipped, with the reason', async () => {
  const list = await steps('', { sysctl: 'net', container: true, virtualization: 'docker' });
  assert.ok(list.length > 5);
  assert.deepEqual(
    [...new Set(list.map(({ notApplicable }) => notApplicable))],
    ['belongs to the machine that carries this container'],
  );
});

test('every item stands in docs/tuning.md', () => {
  const page = readFileSync('docs/tuning.md', 'utf8');
  assert.deepEqual(
    TUNING_ITEMS.filter((name) => !page.includes(`| \`${name}\` |`)),
    [],
  );
});

test('huge pages hold the shared memory of PostgreSQL, and small caches need none', async () => {
  // Figures of PostgreSQL 17 (shared_memory_size).
  for (const [buffers, connections, asked] of [
    [128 * 1024 ** 2, 100, 143],
    [8 * GIB, 100, 8400],
  ] as const)
    assert.ok(sharedMemory(buffers, connections) >= asked * 1024 ** 2, `${buffers}`);
  const small = labCluster();
  assert.equal(hugePagesFor(small.hosts[0]!, await contextFor(small)), 0);
  const text = String(content(await steps(), '/etc/sysctl.d/61-hapg-tuning.conf'));
  const pages = Number(/^vm\.nr_hugepages = (\d+)$/m.exec(text)?.[1]);
  assert.ok(pages * 2 >= 8400 && pages * 2 < 8192 * 1.06, `${pages} pages`);
  const gigantic = String(content(await steps('', { hugePageBytes: GIB }), '/etc/sysctl.d/61-hapg-tuning.conf'));
  assert.match(gigantic, /^vm\.nr_hugepages = 9$/m);
});

test('more huge pages than asked for may be of another program, and stay', () => {
  const step = hugePages('tuning', 100);
  const diff = (answer: string) => step.kind.diff(step, step.kind.parse(answer, [step]).get(step.id));
  assert.equal(diff('100\n'), undefined);
  assert.equal(diff('512\n'), undefined);
  assert.equal(diff('99\n')?.summary, '99 → 100');
  assert.equal(diff('')?.summary, 'unset → 100');
});

test('a choice of /sys is changed where it is offered, and read back', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hapg-sys-'));
  try {
    const disks: Record<string, string> = { vda: '[mq-deadline] none', vdb: '[none] mq-deadline', vdc: '[bfq] other' };
    for (const [disk, words] of Object.entries(disks)) {
      mkdirSync(join(root, 'sys/block', disk, 'queue'), { recursive: true });
      writeFileSync(join(root, 'sys/block', disk, 'queue/scheduler'), `${words}\n`);
    }
    const step = kernelChoice('tuning', 'x', { files: `${root}/sys/block/vd*/queue/scheduler`, choice: 'none' });
    const state = () => step.kind.parse(sh(step.kind.probe([step])).out, [step]).get(step.id);
    assert.match(step.kind.diff(step, state())!.summary, /mq-deadline → none$/);
    const run = async (script: string) => {
      const { code, out } = sh(script);
      assert.equal(code, 0, out);
      return out;
    };
    await step.kind.change(step, state(), { run } as never);
    assert.equal(readFileSync(join(root, 'sys/block/vda/queue/scheduler'), 'utf8'), 'none\n');
    assert.equal(readFileSync(join(root, 'sys/block/vdc/queue/scheduler'), 'utf8'), '[bfq] other\n');
    const absent = kernelChoice('tuning', 'y', { files: `${root}/none/*/x`, choice: 'never' });
    assert.equal(
      absent.kind.diff(absent, absent.kind.parse(sh(absent.kind.probe([absent])).out, [absent]).get(absent.id)),
      undefined,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test('the disks of a virtual machine have no scheduler; of a real one only those without moving parts', async () => {
  const rules = async (facts: Partial<Facts>) =>
    String(content(await steps('', facts), '/etc/udev/rules.d/61-hapg-tuning.rules'));
  assert.doesNotMatch(await rules({ virtualization: 'kvm' }), /rotational/);
  assert.match(await rules({ virtualization: 'none' }), /rotational\}=="1", ATTR\{queue\/scheduler\}="mq-deadline"/);
  assert.deepEqual(
    ids(await steps('', { virtualization: 'none' })).filter((id) => /scheduler/.test(id)),
    ['kernel-choice scheduler of nvme*'],
  );
});

const watchdogOf = async (facts: Partial<Facts>, own = '') => {
  const cluster = labCluster(['roles: [etcd, patroni]}', `roles: [etcd, patroni]${own}}`]);
  const context = { ...(await contextFor(cluster)), facts: () => ({ ...FACTS, ...facts }) };
  const unit = String(
    content(patroniPrepare(cluster.hosts[0]!, context), '/etc/systemd/system/patroni.service.d/hapg.conf'),
  );
  return { loads: /modprobe softdog/.test(unit), owns: /chown postgres \/dev\/watchdog/.test(unit) };
};

test('softdog is loaded where it can be and there is no other watchdog, from the first run on', async () => {
  assert.deepEqual(await watchdogOf({ softdog: 'there' }), { loads: true, owns: true });
  // The next run sees the device that the first one has made.
  assert.deepEqual(await watchdogOf({ softdog: 'loaded', watchdog: true }), { loads: true, owns: true });
  assert.deepEqual(await watchdogOf({ softdog: 'there', watchdog: true }), { loads: false, owns: true });
  assert.deepEqual(await watchdogOf({}), { loads: false, owns: false });
  assert.deepEqual(await watchdogOf({ softdog: 'there' }, ', tuning: {softdog: false}'), { loads: false, owns: false });
});

test('huge_pages: on is refused where they are not there and do not come', () => {
  const cluster = (more: string) =>
    labCluster(
      ['postgres:\n', `${more}\npostgres:\n`],
      ['    max_connections: 100', '    huge_pages: on\n    max_connections: 100'],
    );
  const verdict = (more: string, facts: Partial<Facts>) => {
    const it = cluster(more);
    const result = checkHugePages(
      it,
      () => ({ ...FACTS, ...facts }),
      it.hosts,
      () => 2 * GIB,
    );
    return result.ok ? [] : result.reasons;
  };
  assert.deepEqual(verdict('', {}), []);
  assert.deepEqual(verdict('tuning: false', { hugePages: 1100 }), []);
  assert.equal(verdict('tuning: false', {}).length, 3);
  assert.match(
    verdict('tuning: false', {})[0]!,
    /^db1: huge_pages is on, .* 0 B of huge pages for 2\.0 GiB .*tuning\.huge_pages on$/,
  );
  assert.match(verdict('', { sysctl: 'none' })[0]!, /write huge_pages: try$/);
});

test("the facts of this machine have the size of its huge pages, and its container's watchdog is not its own", () => {
  const facts = parseFacts(sh(FACTS_SCRIPT).out);
  assert.ok(facts.hugePageBytes >= 1024 ** 2);
  assert.ok(facts.hugePages >= 0);
  assert.equal(parseFacts('id=x\nmemory=1\nvirt=docker\nsoftdog=there').softdog, undefined);
  assert.equal(parseFacts('id=x\nmemory=1\nvirt=kvm\nsoftdog=there').softdog, 'there');
});
