const MIB = 1_048_576;

/** What PostgreSQL is given of a host's memory, in bytes. */
export interface Sizes {
  shared_buffers: number;
  effective_cache_size: number;
  maintenance_work_mem: number;
  work_mem: number;
}

/**
 * The step in which memory of this size is counted, in bytes: a sixty-fourth of the power of two below it, at least 64 MiB.
 * What a kernel, a balloon driver or a reserved page more or less leaves of the same machine is much less.
 */
const stepOf = (memory: number): number => Math.max(64 * MIB, 2 ** Math.floor(Math.log2(memory)) / 64);

/** Memory in whole steps, rounded down, but at least one. */
function coarse(memory: number): number {
  const step = stepOf(memory);
  return Math.max(step, Math.floor(memory / step) * step);
}

const wholeMegabytes = (bytes: number): number => Math.max(1, Math.floor(bytes / MIB)) * MIB;

/** Sizes for a memory in bytes: 25 % shared_buffers and 75 % effective_cache_size, as PostgreSQL's documentation advises. */
function sizesFor(memory: number, connections: number): Sizes {
  return {
    shared_buffers: wholeMegabytes(memory / 4),
    effective_cache_size: wholeMegabytes((memory * 3) / 4),
    maintenance_work_mem: wholeMegabytes(Math.min(memory / 16, 2048 * MIB)),
    work_mem: wholeMegabytes(Math.max(4 * MIB, memory / 4 / connections / 2)),
  };
}

/** What is there may differ by so much from what would be computed, and stays: no restart for 5 %. */
const TOLERANCE = 0.05;

/**
 * The sizes for a host with so many bytes of memory and so many connections. `present` is what its PostgreSQL has now: a
 * size that is within 5 %, or within one step of memory, stays, so that memory at the edge of a step does not swing it.
 */
export function sizes(memoryBytes: number, connections: number, present: Partial<Sizes> = {}): Sizes {
  const memory = coarse(memoryBytes);
  const wanted = sizesFor(memory, connections);
  const tolerance = Math.max(TOLERANCE, stepOf(memory) / memory);
  const settled = (name: keyof Sizes): number => {
    const [there, want] = [present[name], wanted[name]];
    return there !== undefined && Math.abs(there - want) <= want * tolerance + MIB ? there : want;
  };
  return {
    shared_buffers: settled('shared_buffers'),
    effective_cache_size: settled('effective_cache_size'),
    maintenance_work_mem: settled('maintenance_work_mem'),
    work_mem: settled('work_mem'),
  };
}
