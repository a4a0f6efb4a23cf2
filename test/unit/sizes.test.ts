import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { memberParameters } from '../../roles/patroni/parameters.ts';
import type { Observation } from '../../src/observe/index.ts';
import type { Postgres } from '../../src/observe/postgres.ts';
import { settingOf } from '../../src/postgres/settings.ts';
import { type Sizes, sizes } from '../../src/postgres/sizes.ts';
import { parseValue } from '../../src/postgres/value.ts';
import { contextFor, FACTS, healthyLab, its, labCluster } from './model.ts';

const MIB = 1_048_576;
const GIB = 1024 * MIB;
const NAMES = ['shared_buffers', 'effective_cache_size', 'maintenance_work_mem', 'work_mem'] as const;

/** Memory as hosts have it, in bytes: 256 MB to 2 TB, alike in every magnitude. */
const memory = fc
  .tuple(
    fc.double({ min: Math.log2(256 * MIB), max: Math.log2(2048 * GIB), noNaN: true }),
    fc.integer({ min: 0, max: 1023 }),
  )
  .map(([exponent, pages]) => Math.floor(2 ** exponent / 1024) * 1024 + pages);
const connections = fc.integer({ min: 25, max: 5000 });
/** What a kernel, a balloon driver or a reserved page takes or gives. */
const wander = fc.integer({ min: -3 * MIB, max: 3 * MIB });

test('memory that wanders by 3 MB changes no size of a running member, wherever it stands', () => {
  fc.assert(
    fc.property(memory, connections, fc.array(wander, { minLength: 1, maxLength: 5 }), (host, count, steps) => {
      const first = sizes(host, count);
      let present: Sizes = first;
      for (const step of steps) present = sizes(host + step, count, present);
      assert.deepEqual(present, first);
    }),
    { numRuns: 3000 },
  );
});

test('without a member to look at, only an edge of 64 MB between the two makes a difference', () => {
  fc.assert(
    fc.property(memory, connections, wander, (host, count, step) => {
      fc.pre(Math.floor(host / (64 * MIB)) === Math.floor((host + step) / (64 * MIB)));
      assert.deepEqual(sizes(host + step, count), sizes(host, count));
    }),
  );
});

test('sizes are what is advised, less a sixty-fourth at most where memory is large', () => {
  fc.assert(
    fc.property(memory, connections, (host, count) => {
      const { shared_buffers, effective_cache_size, maintenance_work_mem, work_mem } = sizes(host, count);
      const least = host >= 4 * GIB ? (63 / 64) * host : host - 64 * MIB;
      assert.ok(shared_buffers <= host / 4 && shared_buffers >= least / 4 - MIB);
      assert.ok(effective_cache_size <= (host * 3) / 4 && effective_cache_size >= (least * 3) / 4 - MIB);
      assert.ok(maintenance_work_mem <= 2 * GIB);
      assert.ok(work_mem >= 4 * MIB);
      for (const size of [shared_buffers, effective_cache_size, maintenance_work_mem, work_mem])
        assert.equal(size % MIB, 0);
    }),
  );
});

test('a host that really has more or less memory gets other sizes, and they settle at once', () => {
  fc.assert(
    fc.property(memory, connections, fc.constantFrom(0.5, 0.8, 1.5, 2), (host, count, factor) => {
      fc.pre(host >= 2 * GIB && host * factor >= 2 * GIB);
      const before = sizes(host, count);
      const after = sizes(host * factor, count, before);
      assert.notEqual(after.shared_buffers, before.shared_buffers);
      assert.deepEqual(sizes(host * factor, count, after), after, 'a second look changes nothing');
    }),
  );
});

const KNOWN: [memory: string, bytes: number, sizes: [number, number, number, number]][] = [
  ['256 MB, of which the kernel leaves 230', 230 * MIB, [48, 144, 12, 4]],
  ['less than one step', 50 * MIB, [16, 48, 4, 4]],
  ['1 GB', 980 * MIB, [240, 720, 60, 4]],
  ['4 GB', 3913 * MIB, [976, 2928, 244, 4]],
  ['16 GB', 16 * GIB, [4096, 12_288, 1024, 10]],
  ['64 GB', 64_300 * MIB, [16_000, 48_000, 2048, 40]],
  ['2 TB', 2048 * GIB, [524_288, 1_572_864, 2048, 1310]],
];

for (const [what, bytes, megabytes] of KNOWN)
  test(`sizes of a host with ${what}`, () => {
    const found = sizes(bytes, 200);
    assert.deepEqual(
      NAMES.map((name) => found[name] / MIB),
      megabytes,
    );
  });

test('a member keeps what it has within 5 %, in whatever unit that is, and PostgreSQL takes every size', async () => {
  const cluster = labCluster(['    shared_buffers: 128MB', '    random_page_cost: 2']);
  const member = cluster.hosts.find(({ name }) => name === 'db1')!;
  const seen = (present: Partial<Postgres>) => {
    const lab = healthyLab();
    const db1 = lab.get('db1')!;
    return new Map<string, Observation>([...lab, ['db1', { ...db1, sql: { said: { ...its(db1.sql), ...present } } }]]);
  };
  const parameters = async (present: Partial<Sizes> | null, memoryBytes = FACTS.memoryBytes) =>
    memberParameters(member, {
      ...(await contextFor(cluster, seen({ sizes: present }))),
      facts: () => ({ ...FACTS, memoryBytes }),
    });
  assert.equal((await parameters(null)).shared_buffers, '4096MB');
  assert.equal((await parameters({ shared_buffers: 4000 * MIB })).shared_buffers, '4000MB');
  assert.equal((await parameters({ shared_buffers: 4000 * MIB + 8192 })).shared_buffers, '4096008kB');
  assert.equal((await parameters({ shared_buffers: 3 * GIB })).shared_buffers, '4096MB');
  for (const bytes of [50 * MIB, 230 * MIB, 2048 * GIB, 16_384 * GIB])
    for (const name of NAMES)
      assert.ok(
        parseValue(settingOf(17, name)!, String((await parameters(null, bytes))[name])).ok,
        `${name} of ${bytes}`,
      );
});
