import { START_MEMBER_S } from '../../src/bounds/copy.ts';
import { settles } from '../../src/bounds/patroni.ts';
import { START_S, shutdown, standstill } from '../../src/bounds/postgres.ts';
import { sharedBuffers } from '../../src/cluster/buffers.ts';
import { capabilities } from '../../src/cluster/versions.ts';
import { bestCandidate } from '../../src/decisions/switchover.ts';
import { presentDatabases } from '../../src/inventory/accounts.ts';
import { type Cluster, commitsWait, type Host, patroniScope, serverOf } from '../../src/inventory/model.ts';
import { said } from '../../src/observe/answer.ts';
import type { Facts } from '../../src/observe/host.ts';
import { patroniRest } from '../../src/observe/patroni.ts';
import { PATHS } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { settingOf } from '../../src/postgres/settings.ts';
import { parseBoolean, parseValue } from '../../src/postgres/value.ts';
import { askRest, PATRONI_CONFIG, patronictlWith, VALIDATE_CONFIG } from '../../src/programs/patroni.ts';
import { notRunning, POSTGRES } from '../../src/programs/postgres.ts';
import { render } from '../../src/render.ts';
import { dataDirectory } from '../../src/steps/data-directory.ts';
import { dataNote } from '../../src/steps/data-note.ts';
import { dcsConfigStep } from '../../src/steps/dcs-config.ts';
import { directory } from '../../src/steps/directory.ts';
import { extensions } from '../../src/steps/extensions.ts';
import { file } from '../../src/steps/file.ts';
import { memberRestart } from '../../src/steps/member-restart.ts';
import { memberSettings } from '../../src/steps/member-settings.ts';
import { ready } from '../../src/steps/ready.ts';
import { settingsInEffect } from '../../src/steps/settings-in-effect.ts';
import { reload, type Step } from '../../src/steps/step.ts';
import { strayClusters } from '../../src/steps/stray-clusters.ts';
import { unit, unitOff } from '../../src/steps/unit.ts';
import { walDirectory } from '../../src/steps/wal-directory.ts';
import { backupsServe, patroniConfig, RESTORE_REPLICA, restoreReplica } from './config.ts';
import { dcsClientPackage } from './dcs-connection.ts';
import { dcsConfig, sharedParameters } from './dynamic-config.ts';
import { hbaLines } from './hba.ts';
import { memberParameters } from './parameters.ts';
import { preferences } from './preferences.ts';
import { RESTORE_WAL, restoreWal } from './restore-wal.ts';
import { librariesCheck, settingsCheck } from './settings-check.ts';
import { hasWatchdog, loadsSoftdog } from './watchdog.ts';

const role = 'patroni';
const UNIT = 'patroni.service';
/** Directory modes that PostgreSQL accepts (initdb, "--allow-group-access"). */
const DATA_MODES = ['0700', '0750'] as const;

export const patroniPackages = (cluster: Cluster): string[] => [
  `postgresql-${cluster.settings.postgres.version}`,
  'patroni',
  dcsClientPackage(cluster),
  'python3-psycopg2',
  'openssl',
  'curl',
  ...cluster.settings.postgres.packages,
  ...cluster.extensions.flatMap((one) => one.packages),
];
export const patroniMinimum = { patroni: '3.0.2' };

/** Steps before the package: settings of its unit. */
export const patroniPrepare = (host: Host, context: Context): Step[] => [
  directory(role, '/etc/systemd/system/patroni.service.d'),
  file(
    role,
    '/etc/systemd/system/patroni.service.d/hapg.conf',
    render('patroni/patroni.service', {
      dataDir: host.dataDir,
      walDir: context.cluster.walDir ?? '',
      restore: PATHS.restore,
      marker: PATHS.data,
      notify: capabilities(context.facts(host)).patroniNotify,
      watchdog: hasWatchdog(host, context.facts(host)),
      softdog: loadsSoftdog(host, context.facts(host)),
      memberConfig: PATHS.memberConfig,
      startSeconds: START_S,
      stopSeconds: shutdown(declaredBuffers(host, context)),
    }),
  ),
];

/** Returns the shared memory that PostgreSQL will have on a host (bytes); its shutdown is bounded by it. */
export function declaredBuffers(host: Host, context: Context): number | undefined {
  const { version } = context.cluster.settings.postgres;
  const setting = settingOf(Number(version), 'shared_buffers');
  const parsed = setting && parseValue(setting, String(memberParameters(host, context).shared_buffers));
  return parsed?.ok ? Number(parsed.value) * BLOCK_BYTES : undefined;
}

/** The page size of PostgreSQL, the unit of shared_buffers (bytes). */
const BLOCK_BYTES = 8192;

/** Steps for Patroni's configuration and unit on one member; Patroni starts or joins PostgreSQL. */
export function patroni(host: Host, context: Context): Step[] {
  const { cluster } = context;
  return [
    strayClusters(role, { stopUsed: cluster.settings.postgres.stop_other_clusters }),
    unitOff(role, 'postgresql.service', { packaged: true }),
    dataDirectory(role, host.dataDir, POSTGRES.owner, DATA_MODES),
    ...placesElsewhere(host, context),
    // This comes before Patroni gets the same rules: it writes them unchecked when it is reloaded (4.0.7: always,
    // 3.0.2: when they changed) and whenever it starts PostgreSQL. Rules that the running PostgreSQL refuses end the
    // run here, so config.yml never holds rules that the next start could not read. Where PostgreSQL does not run,
    // Patroni retries its start every other cycle with the configuration that it has read: config.yml and its reload
    // follow at once.
    memberSettings(role, {
      dataDir: host.dataDir,
      ...serverOf(cluster),
      hba: hbaLines(cluster),
      settings: Object.keys(declaredSettings(host, context)),
    }),
    file(role, PATRONI_CONFIG, patroniConfig(host, context), {
      ...POSTGRES,
      mode: '0600',
      check: [
        VALIDATE_CONFIG,
        librariesCheck(cluster),
        settingsCheck(cluster, declaredSettings(host, context)),
        ...(context.snapshot.exists ? [] : [scopeIsFree(cluster)]),
      ].join('\n'),
      notify: [reload(UNIT)],
    }),
    unit(role, UNIT, { timeout: START_S }),
    ready(role, 'postgresql', {
      check: memberCheck(host, cluster, context.facts(host)),
      doing: context.snapshot.members.some((member) => member.role === 'leader' && member.name !== host.name)
        ? 'copying the database and catching up'
        : 'waiting for PostgreSQL to lead',
      timeoutSeconds: START_MEMBER_S,
      copies: {
        directory: host.dataDir,
        totalBytes: context.databaseBytes,
        stuckSeconds: standstill(sharedBuffers(context.snapshot)),
      },
    }),
    dataNote(role, host.dataDir),
    ...preferences(host, context),
  ];
}

/** Steps for what restores WAL, and for directories outside the data directory: for WAL, and on a host without data for each tablespace. */
function placesElsewhere(host: Host, { cluster, snapshot }: Context): Step[] {
  const { walDir } = cluster;
  const hasData = said(snapshot.observations.get(host.name)?.dataDirectory)?.state === 'cluster';
  const own = (path: string) => dataDirectory(role, path, POSTGRES.owner, DATA_MODES);
  return [
    ...(walDir ? [own(walDir)] : []),
    ...(backupsServe(cluster) ? [file(role, RESTORE_WAL, restoreWal(cluster), { mode: '0755' })] : []),
    ...(walDir && backupsServe(cluster)
      ? [
          file(role, RESTORE_REPLICA, render('patroni/restore-replica', restoreReplica(host, cluster)), {
            mode: '0755',
          }),
        ]
      : []),
    // A member with data keeps the tablespaces that PostgreSQL made.
    ...(hasData ? [] : snapshot.tablespaces.map(own)),
  ];
}

/** Returns every PostgreSQL setting that hapg decides, for this member or for all. */
const declaredSettings = (host: Host, context: Context): Record<string, string | number | boolean> => ({
  ...sharedParameters(context.cluster),
  ...memberParameters(host, context),
});

/**
 * POSIX sh that fails when another cluster has the name in an external DCS; Patroni would join that cluster, and might
 * release its leader's key.
 */
const scopeIsFree = (cluster: Cluster): string =>
  cluster.dcs.external
    ? `title=$(${patronictlWith('{}', 'list', ...patroniScope(cluster))} 2>&1 | sed -n 1p)
case "$title" in *'uninitialized)'*) ;; *) echo "${cluster.dcs.label} should have no cluster ${cluster.scope} yet, but says: $title. Give this one another name with patroni.scope"; exit 1 ;; esac`
    : ':';

/**
 * POSIX sh that succeeds when a member leads and holds the leader's key, which the first leader gets only a moment
 * after its PostgreSQL runs, or streams on the leader's timeline (Patroni REST API, GET /patroni, /leader and /cluster).
 * A member that follows a new leader streams the end of the old timeline first, and then waits for up to five seconds
 * (PostgreSQL, wal_retrieve_retry_interval).
 */
const memberCheck = (host: Host, cluster: Cluster, facts: Facts): string => `${patroniRest(cluster, host)}
self=\${HAPG_PATRONI-$(${askRest('patroni')})}
case "$self" in *'"state": "running"'*) ;; *'"state": "streaming"'*) ;; *) exit 1 ;; esac
case "$self" in *'"role": "primary"'*|*'"role": "master"'*|*'"role": "standby_leader"'*) ${askRest('leader', '-f -o /dev/null')}; exit ;; esac
case "$self" in ${capabilities(facts).replicationState ? `*'"replication_state": "streaming"'*` : `*'"received_location": '[1-9]*`}) ;; *) exit 1 ;; esac
all=\${HAPG_CLUSTER-$(${askRest('cluster')})}
case "$all" in
  *'"role": "leader"'*) all=\${all#*'"role": "leader"'} ;;
  *'"role": "standby_leader"'*) all=\${all#*'"role": "standby_leader"'} ;;
  *) exit 1 ;;
esac
# What the leader has told the DCS may be a cycle old.
leads=\${all#*'"timeline": '} own=\${self#*'"timeline": '}
[ "\${own%%[!0-9]*}" -ge "\${leads%%[!0-9]*}" ]`;

/** Step for the declared dynamic configuration of all members; read and changed on one of them. */
export const patroniDynamic = (host: Host, context: Context): Step =>
  dcsConfigStep(role, {
    rest: patroniRest(context.cluster, host),
    config: dcsConfig(context),
    password: context.secrets.password('rest'),
    // Patroni waits a second for PostgreSQL before it reads the result (config.py, reload_config).
    settleSeconds: patroniSettles(context.cluster) + 1,
  });

/** Steps for extensions on the leader, after the rolling restart, without which a preloaded extension cannot be made. */
export const patroniExtensions = (_host: Host, { cluster }: Context): Step[] =>
  presentDatabases(cluster.settings.postgres)
    .filter((database) => database.extensions.length > 0)
    .map((database) =>
      extensions(role, { server: serverOf(cluster), database: database.name, names: database.extensions }),
    );

/** Returns the time within which every member has completed one Patroni cycle (s). */
export const patroniSettles = (cluster: Cluster): number => settles(cluster.timing);

/** Returns settings that Patroni decides itself: for Citus (its `adjust_postgres_gucs`), and feedback when it keeps logical slots. */
const patronisOwn = ({ settings }: Cluster): string[] => [
  ...(parseBoolean(String(settings.postgres.parameters.hot_standby_feedback)) === false
    ? ['hot_standby_feedback']
    : []),
  ...(settings.patroni.citus
    ? ['shared_preload_libraries', 'max_prepared_transactions', 'wal_level', 'citus.local_hostname']
    : []),
];

/** Step after all restarts: PostgreSQL has the declared settings. */
export const patroniInEffect = (host: Host, context: Context): Step[] => {
  const { cluster } = context;
  return [
    settingsInEffect(role, {
      major: Number(cluster.settings.postgres.version),
      server: serverOf(cluster),
      rest: patroniRest(cluster, host),
      settings: declaredSettings(host, context),
      patronis: patronisOwn(cluster),
      settleSeconds: patroniSettles(cluster),
    }),
  ];
};

/** Steps that stop a member's PostgreSQL: to move its WAL, or for a setting to take effect. */
export const patroniRestart = (host: Host, context: Context): Step[] => {
  const { cluster, snapshot, only } = context;
  const settings = said(snapshot.observations.get(host.name)?.sql)?.restartSettings ?? [];
  // Shared settings change with the leader, which may be outside this run.
  const leaderIsIn = only === undefined || only.some((one) => one.name === snapshot.leader?.name);
  const shared = sharedParameters(cluster);
  const leadership = {
    name: host.name,
    rest: patroniRest(cluster, host),
    candidate: bestCandidate(snapshot, commitsWait(cluster))?.name,
    sharedBuffers: sharedBuffers(snapshot, host.name),
    timing: cluster.timing,
  };
  const { dataDir } = host;
  const { walDir } = cluster;
  return [
    walDirectory(role, { ...leadership, dataDir, walDir, notRunning: notRunning(dataDir) }),
    memberRestart(role, {
      ...leadership,
      scope: patroniScope(cluster),
      parameters: declaredSettings(host, context),
      restartSettings: settings.filter((name) => leaderIsIn || !(name in shared)),
      settleSeconds: patroniSettles(cluster),
    }),
  ];
};
