import { type Board, CLUSTER } from '../board.ts';
import { gauge, stat, stateTimeline, table, timeseries } from '../panel.ts';
import { lagBytes, maybe, ofCluster, onLeader, perSecond, query, walPerSecond } from '../query.ts';
import { type Meanings, over, trouble, under } from '../thresholds.ts';
import { FIRING } from './firing.ts';

const MIB = 2 ** 20;

/** The roles of `ROLE`; a member has the greatest number that fits, and 0 without a running PostgreSQL. */
const ROLES: Meanings = {
  0: { text: 'not running', color: 'red' },
  1: { text: 'leader', color: 'blue' },
  2: { text: 'standby leader', color: 'purple' },
  3: { text: 'sync standby', color: 'green' },
  4: { text: 'quorum standby', color: 'green' },
  5: { text: 'replica', color: 'gray' },
};

/** One number for a member's role. A synchronous standby is a replica too, so its own figures are taken off. */
const ROLE =
  `max by (host) (${ofCluster('patroni_postgres_running')} * (${ofCluster('patroni_primary')}` +
  ` + 2 * ${ofCluster('patroni_standby_leader')} + 5 * ${ofCluster('patroni_replica')}` +
  ` - 2 * ${ofCluster('patroni_sync_standby')} - ${ofCluster('patroni_quorum_standby')}))`;

const LEADS = `max by (host) (${ofCluster('patroni_primary')} == 1 or ${ofCluster('patroni_standby_leader')} == 1)`;

/** Sessions of clients; PostgreSQL's own processes are left out. */
const SESSIONS = `sum by (host) (${ofCluster('pg_stat_activity_count', 'backend_type="client backend"')})`;

/** Sessions of clients against `max_connections`, a part of 1. */
const CONNECTIONS = `${SESSIONS} / on (host) max by (host) (${ofCluster('pg_settings_max_connections')})`;

/** Rows a second that the leader inserts, updates or deletes. */
const written = (how: string): string =>
  onLeader(`sum by (cluster, host) (${perSecond(ofCluster(`pg_stat_database_tup_${how}`))})`, ofCluster);

/** One cluster as a whole. */
export const cluster: Board = {
  uid: 'hapg-cluster',
  title: 'PostgreSQL: cluster',
  about: 'One cluster: roles over the time, lag, writes, WAL, the DCS.',
  variables: [CLUSTER],
  sections: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Leader',
          about: 'The member that takes writes, or that leads a standby cluster. Worry about none, and about two.',
          names: true,
          queries: [query(LEADS, '{{host}}')],
        }),
        stat({
          title: 'Members that stream',
          about: 'Replicas that receive WAL at this moment. Worry when it is less than the number of replicas.',
          thresholds: under({ bad: 1 }),
          queries: [query(`sum(${ofCluster('patroni_postgres_streaming')})`, 'stream')],
        }),
        stat({
          title: 'Synchronous standbys',
          about:
            'Standbys that a commit waits for. Worry when it is 0 in a cluster with replication sync or quorum: commits wait, or are not safe.',
          queries: [
            query(
              `sum(${ofCluster('patroni_sync_standby')} + ${ofCluster('patroni_quorum_standby')})`,
              'synchronous standbys',
            ),
          ],
        }),
        stat({
          title: 'Timeline',
          about: 'Raised by every change of leader. Worry when it rises and nobody has asked for it.',
          queries: [query(`max(${ofCluster('patroni_postgres_timeline')})`, 'timeline')],
        }),
        stat({
          title: 'Automatic failover',
          about:
            'Whether Patroni is paused: then nobody takes over when the leader is lost. End it with "hapg resume".',
          meanings: trouble('paused', 'on', 'orange'),
          queries: [query(`max(${ofCluster('patroni_is_paused')})`, 'paused')],
        }),
        stat({
          title: 'Failsafe mode',
          about:
            'Whether the leader goes on without the DCS because all members answer. Worry: one more loss stops writes.',
          meanings: trouble('active', 'not needed'),
          queries: [query(`max(${ofCluster('patroni_failsafe_mode_is_active')})`, 'failsafe')],
        }),
      ],
    },
    {
      title: 'Members',
      panels: [
        stateTimeline({
          title: 'Role of each member',
          about: 'Who led when. Worry about a member that is not running, and about roles that change often.',
          width: 16,
          meanings: ROLES,
          queries: [query(ROLE, '{{host}}')],
        }),
        table({
          title: 'Firing alerts',
          about: 'What wants a person now; empty is good. The documentation of hapg has a page about each.',
          width: 8,
          labels: { alertname: 'Alert', severity: 'Severity', host: 'Host' },
          columns: [
            {
              query: maybe(`max by (alertname, severity, host) (${ofCluster('ALERTS', ...FIRING)})`, 'Fires'),
              hidden: true,
            },
          ],
        }),
        timeseries({
          title: 'Lag of each member',
          about: 'WAL that a member has yet to replay. Worry when it grows and does not fall again.',
          unit: 'bytes',
          min: 0,
          thresholds: over({ bad: 64 * MIB }),
          queries: [query(lagBytes(ofCluster), '{{host}}')],
        }),
        timeseries({
          title: 'Rows written',
          about:
            'Rows that the leader inserts, updates and deletes. Worry when it stops while applications should write.',
          unit: 'cps',
          min: 0,
          queries: ['inserted', 'updated', 'deleted'].map((how) => query(written(how), `{{host}}: ${how}`)),
        }),
        timeseries({
          title: 'Rows read',
          about:
            'Rows that each member returns: how reads are spread. Worry when a member that should take reads has none.',
          unit: 'cps',
          min: 0,
          queries: [query(`sum by (host) (${perSecond(ofCluster('pg_stat_database_tup_returned'))})`, '{{host}}')],
        }),
        timeseries({
          title: 'WAL written',
          about: 'WAL that the cluster writes. Worry when it is more than replicas and the archive can take.',
          unit: 'binBps',
          min: 0,
          queries: [query(walPerSecond(ofCluster), 'WAL')],
        }),
        timeseries({
          title: 'Sessions',
          about: 'Sessions of clients on each member. Worry when they near max_connections: see the next panel.',
          min: 0,
          queries: [query(SESSIONS, '{{host}}')],
        }),
        gauge({
          title: 'Sessions against max_connections',
          about: 'The part of max_connections that is used. Worry above 85 %: the next clients are turned away.',
          width: 8,
          height: 8,
          unit: 'percentunit',
          max: 1,
          thresholds: over({ worry: 0.7, bad: 0.85 }),
          queries: [query(CONNECTIONS, '{{host}}')],
        }),
      ],
    },
    {
      title: 'Archive, timeline, DCS',
      panels: [
        timeseries({
          title: 'Age of the last archived WAL',
          about:
            'Time since the leader archived a WAL segment. Worry when it passes archive_timeout: a restore would end there.',
          unit: 's',
          min: 0,
          queries: [maybe(onLeader(ofCluster('pg_stat_archiver_last_archive_age'), ofCluster), '{{host}}')],
        }),
        timeseries({
          title: 'Timeline of each member',
          about:
            'All members reach the newest timeline soon after a change of leader; 0 is a PostgreSQL that is down. Worry about one that stays behind.',
          min: 0,
          decimals: 0,
          queries: [query(`max by (host) (${ofCluster('patroni_postgres_timeline')})`, '{{host}}')],
        }),
        timeseries({
          title: 'DCS last seen',
          about:
            'Time since each Patroni reached etcd or ZooKeeper. Worry when it passes half of the ttl: the leader gives up at its end.',
          unit: 's',
          min: 0,
          thresholds: over({ bad: 60 }),
          queries: [query(`time() - max by (host) (${ofCluster('patroni_dcs_last_seen')})`, '{{host}}')],
        }),
        stateTimeline({
          title: 'Waits for a restart',
          about:
            'Whether a changed setting waits for a restart of PostgreSQL. "hapg restart --pending" restarts those members one by one.',
          meanings: trouble('waits', 'no', 'orange'),
          height: 6,
          queries: [query(`max by (host) (${ofCluster('patroni_pending_restart')})`, '{{host}}')],
        }),
        stateTimeline({
          title: 'Holds and undos',
          about:
            'What hapg holds on a host: a drain, a fence, a pause, an armed undo. Worry about one that nobody remembers.',
          meanings: { 1: { text: 'held', color: 'orange' } },
          height: 6,
          queries: [maybe(`max by (host, kind) (${ofCluster('hapg_mark')})`, '{{host}}: {{kind}}')],
        }),
      ],
    },
  ],
};
