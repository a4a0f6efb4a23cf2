import type { HbaRecord } from './hba.ts';
import type { HbaAddress } from './hba-address.ts';
import type { HbaField, HbaToken } from './hba-tokens.ts';

/**
 * Whether every connection that matches `later` matches `earlier` too. PostgreSQL takes the first line that matches and
 * looks at no other ("The pg_hba.conf File"), so that a later one has no effect. False when that cannot be decided.
 */
export const coversRecord = (earlier: HbaRecord, later: HbaRecord): boolean =>
  (earlier.type === later.type || (earlier.type === 'host' && later.type !== 'local')) &&
  later.databases.every((one) => hasName(earlier.databases, one)) &&
  later.users.every((one) => hasName(earlier.users, one)) &&
  (later.address === undefined || (earlier.address !== undefined && coversAddress(earlier.address, later.address)));

/** Whether a field has this keyword. `all` in the database column does not match replication connections. */
const hasName = (field: HbaField, { text, quoted }: HbaToken): boolean =>
  field.some((one) => one.text === text && one.quoted === quoted) ||
  ((quoted || text !== 'replication') && field.some((one) => one.text === 'all' && !one.quoted));

function coversAddress(earlier: HbaAddress, later: HbaAddress): boolean {
  if (earlier.kind === 'all') return true;
  if (earlier.kind === 'host' && later.kind === 'host') return earlier.name === later.name;
  if (earlier.kind !== 'network' || later.kind !== 'network') return earlier.kind === later.kind;
  return (
    earlier.address.family === later.address.family &&
    (earlier.mask & later.mask) === earlier.mask &&
    (earlier.address.bits & earlier.mask) === (later.address.bits & earlier.mask)
  );
}
