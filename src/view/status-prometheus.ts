import type { Status } from '../status/status.ts';

/** One series: the values of its labels, and its value; undefined where it is not known, which is not 0. */
type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number | undefined];

interface Metric {
  name: string;
  help: string;
  samples: readonly Sample[];
}

/** Escapes the value of a label (Prometheus, "Text-based format"). */
const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** Returns a moment as Unix time (s); undefined where there is none. */
function unixTime(moment: string | null | undefined): number | undefined {
  const ms = Date.parse(moment ?? '');
  return Number.isNaN(ms) ? undefined : ms / 1000;
}

/** Returns the metrics of one cluster's status. */
function metricsOf(status: Status): Metric[] {
  const { members, dcs, vip, balancers, backup, certificates, problems, unknown } = status;
  const one = (name: string, help: string, value: number | undefined): Metric => ({
    name,
    help,
    samples: [[{}, value]],
  });
  const each = (name: string, help: string, samples: readonly Sample[]): Metric => ({ name, help, samples });
  const counts = new Map<string, { code: string; host: string; count: number }>();
  for (const { code, host } of problems) {
    const key = `${code} ${host}`;
    counts.set(key, { code, host, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [
    one('hapg_cluster_healthy', 'Whether status finds no problem.', status.healthy ? 1 : 0),
    each(
      'hapg_cluster_problems',
      'Problems that status finds, by their code; see hapg explain.',
      [...counts.values()].map(({ code, host, count }) => [{ code, on: host }, count]),
    ),
    each(
      'hapg_cluster_unknown',
      'Parts of the cluster of which nobody could be asked.',
      unknown.map((part) => [{ part }, 1]),
    ),
    one(
      'hapg_cluster_paused',
      'Whether there is no failover.',
      unknown.includes('members') ? undefined : Number(status.paused),
    ),
    one('hapg_cluster_timeline', 'Timeline of the leader.', status.timeline ?? undefined),
    each(
      'hapg_member_info',
      'A member with its role and its state.',
      members.map(({ name, role, state }) => [{ host: name, role, state }, 1]),
    ),
    each(
      'hapg_member_lag_bytes',
      'WAL that a member has not replayed.',
      members.map(({ name, lag_bytes }) => [{ host: name }, lag_bytes ?? undefined]),
    ),
    each(
      'hapg_member_pending_restart',
      'Whether settings wait for a restart of PostgreSQL.',
      members.map(({ name, pending_restart }) => [{ host: name }, Number(pending_restart)]),
    ),
    each(
      'hapg_member_connections',
      'Connections in use.',
      members.map(({ name, connections }) => [{ host: name }, connections?.used]),
    ),
    one('hapg_dcs_quorum', 'Whether the DCS has a quorum.', unknown.includes('dcs') ? undefined : Number(dcs.quorum)),
    each(
      'hapg_dcs_member_healthy',
      'Whether a member of the DCS is healthy.',
      dcs.members.map(({ name, healthy }) => [{ host: name }, Number(healthy)]),
    ),
    each(
      'hapg_vip_held',
      'A host that holds the virtual address.',
      (vip?.holders ?? []).map((host) => [{ host, address: vip!.address }, 1]),
    ),
    each(
      'hapg_balancer_leaders',
      'Members to which a balancer sends writes.',
      balancers.map(({ host, primary }) => [{ host }, primary.length]),
    ),
    one('hapg_backup_last_timestamp_seconds', 'When the newest backup was finished.', unixTime(backup?.last)),
    one('hapg_backup_archive_ok', 'Whether WAL is archived.', backup ? Number(backup.archive_ok) : undefined),
    one('hapg_backup_archive_waiting', 'WAL segments that wait for the archive.', backup?.archive_waiting),
    one(
      'hapg_drill_last_timestamp_seconds',
      'When the last good restore drill ended.',
      backup?.drill?.ok ? unixTime(backup.drill.finished) : undefined,
    ),
    one(
      'hapg_certificate_first_expiry_timestamp_seconds',
      'When the first certificate ends.',
      unixTime(certificates.earliest_expiry),
    ),
  ];
}

/**
 * Formats the status of clusters as Prometheus reads it, for a textfile collector. What is not known has no series. Pure.
 */
export function prometheusStatus(clusters: readonly Status[]): string {
  const all = clusters.map((status) => ({ cluster: status.cluster, metrics: metricsOf(status) }));
  const families = new Map<string, string[]>();
  for (const { cluster, metrics } of all)
    for (const { name, help, samples } of metrics) {
      const lines = families.get(name) ?? [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`];
      families.set(name, lines);
      for (const [labels, value] of samples) {
        if (value === undefined) continue;
        const text = Object.entries({ cluster, ...labels }).map(([label, its]) => `${label}="${escaped(String(its))}"`);
        lines.push(`${name}{${text.join(',')}} ${value}`);
      }
    }
  return [...families.values()]
    .filter((lines) => lines.length > 2)
    .flat()
    .join('\n');
}
