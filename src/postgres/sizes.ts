const MIB = 1_048_576;

/** PostgreSQL's shares of a host's memory (bytes). */
export interface Sizes {
  shared_buffers: number;
  effective_cache_size: number;
  maintenance_work_mem: number;
  work_mem: number;
}

/**
 * Returns the step in which memory of this size is counted (bytes): a sixty-fourth of the power of two below it, at
 * least 64 MiB. Changes by a kernel, a balloon driver or reserved pages on the same machine are much smaller.
 */
const stepOf = (memory: number): number => Math.max(64 * MIB, 2 ** Math.floor(Math.log2(memory)) / 64);

/** Rounds memory down to whole steps, at least one (bytes). */
function coarse(memory: number): number {
  const step = stepOf(memory);
  return Math.max(step, Math.floor(memory / step) * step);
}

const wholeMegabytes = (bytes: number): number => Math.max(1, Math.floor(bytes / MIB)) * MIB;

/** Returns the sizes for a memory (bytes): 25 % shared_buffers and 75 % effective_cache_size, as PostgreSQL's documentation advises. */
function sizesFor(memory: number, connections: number): Sizes {
  return {
    shared_buffers: wholeMegabytes(memory / 4),
    effective_cache_size: wholeMegabytes((memory * 3) / 4),
    maintenance_work_mem: wholeMegabytes(Math.min(memory / 16, 2048 * MIB)),
    work_mem: wholeMegabytes(Math.max(4 * MIB, memory / 4 / connections / 2)),
  };
}

/** The share by which a present size may differ from the computed one and still stays: no restart for 5 %. */
const TOLERANCE = 0.05;

/**
 * Returns the sizes for a host's memory and connections (bytes). `present` are the sizes that its PostgreSQL has now:
 * one within 5 %, or within one step of memory, stays, so that memory at the edge of a step does not swing it.
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
