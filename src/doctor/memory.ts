import { bytes } from '../units.ts';
import { hostCheck, ok, orElse, warning } from './check.ts';

/** The least memory of a database host: Patroni, the DCS and PostgreSQL with its smallest sensible cache (bytes). */
const LEAST_BYTES = 900 * 1024 ** 2;
/** The share of memory above which PostgreSQL's cache takes it away from the file cache and from queries (PostgreSQL, "shared_buffers": 25 %, hardly ever more than 40 %). */
const LARGEST_SHARE = 0.5;

/** Memory for what the inventory asks for. The facts have it already, so nothing is asked. */
export const memoryCheck = hostCheck(
  'memory',
  () => ':',
  (_answer, host, { facts, sharedBuffers }) => {
    const { memoryBytes, cpus } = facts(host);
    const seen = `${bytes(memoryBytes)}, ${cpus} ${cpus === 1 ? 'processor' : 'processors'}`;
    if (!host.roles.has('patroni')) return [ok(seen)];
    const buffers = sharedBuffers(host) ?? 0;
    return orElse(
      [
        ...(memoryBytes < LEAST_BYTES
          ? [warning(`${bytes(memoryBytes)} of memory`, 'give a database host at least 1 GiB, better 4')]
          : []),
        ...(buffers > memoryBytes * LARGEST_SHARE
          ? [
              warning(
                `shared_buffers will be ${bytes(buffers)} of ${bytes(memoryBytes)} of memory`,
                'lower it in postgres.parameters, or leave it out: it is then a quarter of the memory',
              ),
            ]
          : []),
      ],
      seen,
    );
  },
);
