import type { Status } from '../status/status.ts';
import { bytes } from '../units.ts';
import { paint, table } from './style.ts';

/** Joins versions of one program: one for all, or each with its hosts. */
function versions(label: string, each: readonly (readonly [host: string, version: string | null])[]): string[] {
  const hosts = new Map<string, string[]>();
  for (const [host, version] of each) if (version !== null) hosts.set(version, [...(hosts.get(version) ?? []), host]);
  if (hosts.size === 0) return [];
  const [only] = hosts.keys();
  return hosts.size === 1
    ? [`${label} ${only}`]
    : [`${label} ${[...hosts].map(([version, names]) => `${version} (${names.join(' ')})`).join(', ')}`];
}

const versionsOf = ({ members, dcs }: Status): string =>
  [
    ...versions(
      'PostgreSQL',
      members.map((one) => [one.name, one.versions.postgresql]),
    ),
    ...versions(
      'Patroni',
      members.map((one) => [one.name, one.versions.patroni]),
    ),
    ...versions(
      dcs.kind,
      dcs.members.map((one) => [one.name, one.version]),
    ),
  ].join(', ');

function replicationOf({ replication: { mode, strict, standbys, synchronous } }: Status): string {
  if (standbys === 0) return 'async: commits wait for no standby';
  return `${mode}${strict ? ', strict' : ''}: ${synchronous.length > 0 ? `commits wait for ${standbys} of ${synchronous.join(' ')}` : paint.red('commits wait for nobody')}`;
}

/** `2025-12-31T12:00:00+00:00` as `2025-12-31 12:00 UTC`. */
const minute = (at: string | null): string =>
  at === null || Number.isNaN(Date.parse(at))
    ? 'at an unknown time'
    : `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function changeOf({ last_change: last }: Status): string {
  if (!last) return '';
  return `${minute(last.at)}, ${last.from && last.from !== last.to ? `${last.from} → ` : 'to '}${last.to ?? 'an unknown member'}`;
}

function slotsOf({ slots }: Status): string {
  if (!slots || slots.length === 0) return '';
  const idle = slots.filter(({ active }) => !active);
  const kept = Math.max(0, ...slots.map(({ kept_bytes }) => kept_bytes ?? 0));
  return `${slots.length}${idle.length > 0 ? `, ${idle.length} not in use` : ', all in use'}, at most ${bytes(kept)} of WAL kept`;
}

/** The member with the least room, by the share that is free. */
function roomOf({ members }: Status): string {
  const rooms = members.flatMap(({ name, storage }) => storage.map((one) => ({ name, ...one })));
  const least = rooms.sort((a, b) => a.free_bytes / a.size_bytes - b.free_bytes / b.size_bytes)[0];
  return least ? `${bytes(least.free_bytes)} of ${bytes(least.size_bytes)} free on ${least.name}, which has least` : '';
}

function loadOf({ members, databases }: Status): string {
  const leader = members.find(({ role }) => role === 'leader' || role === 'standby_leader');
  const total = databases?.reduce((sum, one) => sum + one.bytes, 0);
  return [
    ...(databases ? [`${bytes(total!)} in ${databases.length}`] : []),
    ...(leader?.connections ? [`${leader.connections.used} of ${leader.connections.max} connections`] : []),
  ].join(', ');
}

/** The figures of a cluster in one block; what is not known has no line. */
export const showFigures = (status: Status): string =>
  table(
    [
      ['clients', `write ${status.endpoints.write.join(' ')}, read ${status.endpoints.read.join(' ')}`],
      ['replication', replicationOf(status)],
      ['databases', loadOf(status)],
      ['disk', roomOf(status)],
      ['slots', slotsOf(status)],
      ['last change', changeOf(status)],
      ['versions', versionsOf(status)],
    ].filter(([, text]) => text !== ''),
  );

/** The figures of each member, database and slot, in blocks. */
export function showDetails({ members, dcs, databases, slots }: Status): string[] {
  const blocks = [
    table([
      ['MEMBER', 'POSTGRESQL', 'PATRONI', dcs.kind.toUpperCase(), 'CONNECTIONS', 'FREE'],
      ...members.map((one) => [
        one.name,
        one.versions.postgresql ?? '?',
        one.versions.patroni ?? '?',
        dcs.members.find(({ name }) => name === one.name)?.version ?? '',
        one.connections ? `${one.connections.used} of ${one.connections.max}` : '?',
        one.storage.map(({ path, free_bytes }) => `${bytes(free_bytes)} in ${path}`).join(', ') || '?',
      ]),
    ]),
  ];
  if (databases) blocks.push(table([['DATABASE', 'SIZE'], ...databases.map((one) => [one.name, bytes(one.bytes)])]));
  if (slots && slots.length > 0)
    blocks.push(
      table([
        ['SLOT', 'TYPE', 'IN USE', 'WAL KEPT'],
        ...slots.map((one) => [
          one.name,
          one.type,
          one.active ? 'yes' : 'no',
          one.kept_bytes === null ? '?' : bytes(one.kept_bytes),
        ]),
      ]),
    );
  return blocks;
}
