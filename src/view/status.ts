import type { Status } from '../status/status.ts';
import { bytes } from '../units.ts';
import { showDetails, showFigures } from './status-figures.ts';
import { paint, table } from './style.ts';

const leads = ({ role }: Status['members'][number]): boolean => role === 'leader' || role === 'standby_leader';

function headline({ cluster, healthy, problems, unknown }: Status): string {
  if (healthy) return paint.green(`${cluster} is healthy`);
  // Who leads is what a person looks for first.
  if (unknown.includes('members')) return paint.red(`${cluster} is unknown: no database host could be asked`);
  return paint.red(`${cluster} has ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
}

/** Formats the status for the operator, problems first; with `verbosity` the figures of each member, database and slot. */
export function showStatus(status: Status, verbosity = 0): string {
  const lines: string[] = [];
  lines.push(headline(status));
  for (const { code, message } of status.problems) lines.push(paint.red(`  ! ${message}`) + paint.dim(`  [${code}]`));
  lines.push('');
  const mark = (good: boolean, text: string) => (good ? paint.green(text) : paint.red(text));
  lines.push(
    table([
      ['MEMBER', 'ADDRESS', 'ROLE', 'STATE', 'TL', 'LAG', ''],
      ...status.members.map((member) => [
        member.name,
        member.host,
        leads(member) ? paint.bold(member.role) : member.role,
        mark(member.state === 'running' || member.state === 'streaming', member.state),
        String(member.timeline ?? '?'),
        leads(member) ? '' : member.lag_bytes === null ? '?' : bytes(member.lag_bytes),
        [
          member.pending_restart ? 'pending restart' : '',
          ...Object.entries(member.tags).map(([tag, value]) => `${tag}: ${value}`),
        ]
          .filter(Boolean)
          .join(', '),
      ]),
    ]),
    '',
  );
  const rows: string[][] = [
    [
      status.dcs.kind,
      status.unknown.includes('dcs') ? '?' : mark(status.dcs.quorum, status.dcs.quorum ? 'quorum' : 'no quorum'),
      status.dcs.members.map((one) => mark(one.healthy, one.leader ? `${one.name}*` : one.name)).join(' ') +
        (status.dcs.members.some(({ leader }) => leader) ? paint.dim('  (* leads)') : ''),
    ],
  ];
  if (status.vip)
    rows.push([
      'vip',
      status.vip.address,
      status.unknown.includes('vip')
        ? '?'
        : mark(status.vip.holders.length === 1, status.vip.holders.join(' ') || 'nobody'),
    ]);
  for (const one of status.balancers)
    rows.push([
      'haproxy',
      one.host,
      `writes → ${one.primary.join(' ') || 'nobody'}, reads → ${one.replica.join(' ') || 'the leader'}`,
    ]);
  if (status.backup)
    rows.push([
      'backup',
      status.backup.stanza,
      `${status.backup.last ? `last ${status.backup.type} ${status.backup.last}` : paint.red('none')}, archiving ${mark(status.backup.archive_ok, status.backup.archive_ok ? 'ok' : 'fails')}`,
    ]);
  const drill = status.backup?.drill;
  if (drill)
    rows.push([
      'drill',
      drill.host,
      mark(drill.ok, drill.ok ? `${drill.backup} restored ${drill.finished}` : `failed ${drill.finished}`),
    ]);
  if (status.certificates.earliest_expiry)
    rows.push(['certificates', 'earliest expiry', status.certificates.earliest_expiry.slice(0, 10)]);
  lines.push(table(rows));
  const figures = [showFigures(status), ...(verbosity > 0 ? showDetails(status) : [])].filter(Boolean);
  return [...lines, ...figures.map((block) => `\n${block}`)].join('\n');
}

/** Formats the status of several clusters: one line each, then the problems of each. */
export function showOverview(
  found: readonly { inventory: string; status: Status }[],
  failed: readonly { inventory: string; error: Error }[],
): string {
  const row = ({ inventory, status }: (typeof found)[number]): string[] => {
    const leader = status.members.find(leads);
    const count = status.problems.length;
    return [
      status.cluster,
      status.healthy
        ? paint.green('healthy')
        : paint.red(status.unknown.includes('members') ? 'unknown' : `${count} problem${count === 1 ? '' : 's'}`),
      leader ? leader.name : status.unknown.includes('members') ? '?' : paint.red('none'),
      `${status.members.filter(({ state }) => /^(running|streaming)$/.test(state)).length} of ${status.members.length}`,
      status.backup?.last ?? '',
      inventory,
    ];
  };
  const lines = [
    table([
      ['CLUSTER', 'STATE', 'LEADER', 'MEMBERS', 'LAST BACKUP', 'INVENTORY'],
      ...found.map(row),
      ...failed.map(({ inventory }) => ['?', paint.red('unknown'), '', '', '', inventory]),
    ]),
  ];
  for (const { status } of found)
    for (const { code, message } of status.problems)
      lines.push(paint.red(`  ! ${status.cluster}: ${message}`) + paint.dim(`  [${code}]`));
  for (const { inventory, error } of failed) lines.push(paint.red(`  ! ${inventory}: ${error.message}`));
  return lines.join('\n');
}
