import { settingOf } from '../postgres/settings.ts';
import { parseBoolean, parseValue } from '../postgres/value.ts';
import { error, type Path, warning, withRole } from './check.ts';
import { replicationOf } from './model.ts';
import type { Inventory } from './schema.ts';
import { hotStandbySettings, senders } from './standby.ts';
import type { Problem } from './yaml-text.ts';

type Value = boolean | number | string;
type Judgement = [severity: 'error' | 'warning', reason: string] | undefined;

const when = (bad: boolean, severity: 'error' | 'warning', reason: string): Judgement =>
  bad ? [severity, reason] : undefined;

const SLRU = (value: Value): Judgement =>
  when(Number(value) % 16 !== 0, 'error', 'PostgreSQL takes multiples of 16 blocks (128kB) only');

/** Checks for values that PostgreSQL accepts, or accepts until it starts, and that harm a cluster; by name (base units). */
const CAUTIONS: Readonly<Record<string, (value: Value, inventory: Inventory) => Judgement>> = {
  allow_system_table_mods: (on) =>
    when(on === true, 'warning', 'anybody who may can then break the system catalogs; set it in one session'),
  autovacuum: (on) =>
    when(on === false, 'warning', 'tables grow without end, and PostgreSQL stops writes before transaction ids wrap'),
  // autovacuum.c, check_autovacuum_work_mem: less is silently more.
  autovacuum_work_mem: (value, { postgres }) =>
    when(
      Number(value) !== -1 && Number(value) < (Number(postgres.version) < 17 ? 1024 : 64),
      'error',
      `PostgreSQL takes no less than ${Number(postgres.version) < 17 ? '1MB' : '64kB'}, or -1 for maintenance_work_mem`,
    ),
  commit_timestamp_buffers: SLRU,
  multixact_member_buffers: SLRU,
  multixact_offset_buffers: SLRU,
  notify_buffers: SLRU,
  serializable_buffers: SLRU,
  subtransaction_buffers: SLRU,
  transaction_buffers: SLRU,
  data_sync_retry: (on) =>
    when(on === true, 'warning', 'Linux forgets what it could not write, so a second try can lose committed data'),
  default_transaction_read_only: (on) =>
    when(on === true, 'warning', 'hapg can then make no users and databases, and applications cannot write'),
  exit_on_error: (on) => when(on === true, 'warning', "it ends every session at its first error, Patroni's too"),
  fsync: (on) => when(on === false, 'error', 'the first host that loses power would leave a damaged database'),
  full_page_writes: (on) =>
    when(on === false, 'error', 'pg_rewind and backups from a standby need it (their documentation)'),
  huge_pages: (value) =>
    when(
      value === 'on',
      'warning',
      'PostgreSQL does not start on a host that has too few of them (vm.nr_hugepages); "try" takes what there is',
    ),
  ignore_checksum_failure: (on) =>
    when(on === true, 'error', 'damage would spread to standbys and backups; set it in the session that rescues data'),
  ignore_invalid_pages: (on) =>
    when(on === true, 'error', 'a standby would go on with lost data; use hapg reinit or hapg restore'),
  ignore_system_indexes: (on) => when(on === true, 'warning', 'every session is slow; set it in the one that repairs'),
  max_stack_depth: (value) =>
    when(
      Number(value) > 7680,
      'warning',
      'hosts commonly allow a stack of 8MB, of which PostgreSQL leaves 512kB free: with more it does not start',
    ),
  max_wal_size: (value) =>
    when(Number(value) < 32, 'error', 'PostgreSQL does not start with less than two segments, 32MB'),
  min_wal_size: (value) =>
    when(Number(value) < 32, 'error', 'PostgreSQL does not start with less than two segments, 32MB'),
  session_replication_role: (value) =>
    when(value === 'replica', 'warning', 'no session then checks foreign keys or runs triggers'),
  ssl_max_protocol_version: (value) =>
    when(/^TLSv1(\.1)?$/.test(String(value)), 'error', 'the least that clients may use is TLSv1.2'),
  ssl_min_protocol_version: (value) =>
    when(/^TLSv1(\.1)?$/.test(String(value)), 'error', 'the least that clients may use is TLSv1.2'),
  synchronous_commit: (value, inventory) =>
    when(
      replicationOf(inventory) !== 'async' && (value === 'off' || value === 'local'),
      'error',
      `with replication: ${replicationOf(inventory)} a commit waits for a standby. Write replication: async, or set it for a role or session that may lose its last commits`,
    ),
  track_counts: (on) => when(on === false, 'warning', 'autovacuum does not work without it'),
  unix_socket_group: (value) =>
    when(value !== '', 'warning', 'PostgreSQL does not start on a host that has no such group'),
  unix_socket_permissions: (value) =>
    when((Number(value) & 0o700) !== 0o700, 'error', 'its owner, who is Patroni too, must get in: 0700 at least'),
  // vacuum.c, check_vacuum_buffer_usage_limit
  vacuum_buffer_usage_limit: (value) =>
    when(Number(value) !== 0 && Number(value) < 128, 'error', 'PostgreSQL takes 0, or from 128kB to 16GB'),
  wal_level: (value) =>
    when(
      value !== 'replica' && value !== 'logical',
      'error',
      'wal_level must be replica or logical for replicas to work',
    ),
  zero_damaged_pages: (on) =>
    when(on === true, 'error', 'it throws damaged data away; set it in the session that rescues the rest'),
};

/** Returns the harm of a value that PostgreSQL understands. */
export function caution(name: string, value: Value, path: Path, inventory: Inventory): Problem[] {
  const judgement = Object.hasOwn(CAUTIONS, name) ? CAUTIONS[name]!(value, inventory) : undefined;
  if (!judgement) return [];
  const [severity, reason] = judgement;
  return [(severity === 'error' ? error : warning)(path, reason.startsWith(name) ? reason : `${name}: ${reason}`)];
}

/** Returns a number of the inventory, or its default (base units); undefined when it is no number, which is reported elsewhere. */
function numberOf({ postgres }: Inventory, name: string, without: number): number | undefined {
  const value = postgres.parameters[name];
  const setting = settingOf(Number(postgres.version), name);
  if (value === undefined || !setting) return without;
  const parsed = parseValue(setting, String(value));
  return parsed.ok ? Number(parsed.value) : undefined;
}

/** Whether a setting of the inventory is on, in any spelling of PostgreSQL's. */
const isOn = (value: string | number | boolean | undefined): boolean =>
  value !== undefined && parseBoolean(String(value)) === true;

/** Finds settings that are wrong only in combination. */
export function together(inventory: Inventory): Problem[] {
  const { parameters } = inventory.postgres;
  const at = (...names: string[]): Path => ['postgres', 'parameters', names.find((name) => name in parameters) ?? ''];
  const problems: Problem[] = [];
  const connections = numberOf(inventory, 'max_connections', Number(hotStandbySettings(inventory).max_connections));
  const reserved = ['superuser_reserved_connections', 'reserved_connections'].map((name, index) =>
    numberOf(inventory, name, index === 0 ? 3 : 0),
  );
  const [forSuperusers = 0, forRole = 0] = reserved;
  if (connections !== undefined && forSuperusers + forRole >= connections)
    problems.push(
      error(
        at('superuser_reserved_connections', 'reserved_connections', 'max_connections'),
        `of max_connections, ${connections}, are ${forSuperusers + forRole} reserved: PostgreSQL does not start`,
      ),
    );
  problems.push(...streams(inventory, at));
  const logical = String(parameters.wal_level ?? 'replica').toLowerCase() === 'logical';
  if (isOn(parameters.sync_replication_slots)) {
    // Without either the worker ends with an error again and again (slotsync.c, ValidateSlotSyncParams).
    if (!logical) problems.push(error(at('sync_replication_slots'), 'sync_replication_slots needs wal_level: logical'));
    else if (!isOn(parameters.hot_standby_feedback))
      problems.push(error(at('sync_replication_slots'), 'sync_replication_slots needs hot_standby_feedback: on'));
  }
  return problems;
}

/** Checks that senders and slots suffice: each standby takes one of both, a standby cluster too, and a new copy two senders. */
function streams(inventory: Inventory, at: (...names: string[]) => Path): Problem[] {
  const members = withRole(inventory, 'patroni').length;
  const clusters = Object.keys(inventory.standbys).length;
  const needed = members - 1 + clusters;
  const whom = `${members - 1} standbys${clusters > 0 ? ` and ${clusters} standby clusters` : ''}`;
  const problems: Problem[] = [];
  for (const name of ['max_wal_senders', 'max_replication_slots']) {
    const count = numberOf(inventory, name, senders(inventory));
    if (count === undefined) continue;
    if (count < needed) problems.push(error(at(name), `${name} is ${count}: too few for ${whom}`));
    else if (name === 'max_wal_senders' && count < needed + 2)
      problems.push(
        warning(at(name), `${name} is ${count}: ${whom} take ${needed}, and a copy that is being made two more`),
      );
  }
  return problems;
}
