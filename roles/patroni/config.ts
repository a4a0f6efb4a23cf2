import { placeWal } from '../../src/cluster/storage.ts';
import { type Cluster, type Host, hostsWithAny, isPooled } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { secretYaml } from '../../src/render.ts';
import type { Secret } from '../../src/secret.ts';
import type { SecretText } from '../../src/secrets/text.ts';
import { END_POOL } from '../pgbouncer/pgbouncer.ts';
import { dcsSection } from './dcs-connection.ts';
import { dcsConfig } from './dynamic-config.ts';
import { hbaLines, REPLICATION_USER, REWIND_USER, SUPERUSER } from './hba.ts';
import { memberParameters } from './parameters.ts';
import { hasWatchdog } from './watchdog.ts';

/** Whether new replicas come from the repository; a standby cluster has none of its own. */
export const backupsServe = (cluster: Cluster): boolean => cluster.repositories.length > 0 && !cluster.upstream;

/** Script that restores a replica and puts its WAL where the inventory wants it, which pgBackRest does not do. */
export const RESTORE_REPLICA = '/usr/local/lib/hapg/restore-replica';

const replicaCommand = ({ stanza, walDir }: Cluster): string =>
  `/usr/bin/pgbackrest --stanza=${stanza} --delta${walDir ? ' --link-all' : ''} --type=standby --log-level-console=warn restore`;

/** Returns the variables of that script's template. */
export const restoreReplica = ({ dataDir }: Host, cluster: Cluster): Record<string, string> => ({
  restore: replicaCommand(cluster),
  placeWal: placeWal(dataDir, cluster.walDir),
});

/** Returns `/etc/patroni/config.yml` of one member, passwords included. */
export function patroniConfig(host: Host, context: Context): SecretText {
  const { cluster, secrets } = context;
  const { settings } = cluster;
  const fromBackups = backupsServe(cluster);
  const login = (username: string, password: Secret) => ({
    username,
    password,
    sslmode: 'verify-full',
    sslrootcert: `${PKI.patroni}/postgres-ca.crt`,
  });
  return secretYaml({
    scope: cluster.scope,
    namespace: '/service/',
    name: host.name,
    log: { type: 'plain', level: 'INFO' },
    restapi: {
      listen: hostPort(host.address, settings.patroni.port),
      connect_address: hostPort(host.address, settings.patroni.port),
      certfile: `${PKI.patroni}/rest.crt`,
      keyfile: `${PKI.patroni}/rest.key`,
      cafile: `${PKI.patroni}/rest-ca.crt`,
      verify_client: 'optional',
      authentication: { username: 'patroni', password: secrets.password('rest') },
      allowlist: hostsWithAny(cluster, 'patroni', 'haproxy').map((member) => member.address),
      allowlist_include_members: true,
      // Each balancer checks each member once for every one of its ports, all at once; the default is 5. Read when
      // Patroni starts.
      request_queue_size: 128,
    },
    ctl: {
      cacert: `${PKI.patroni}/rest-ca.crt`,
      certfile: `${PKI.patroni}/rest.crt`,
      keyfile: `${PKI.patroni}/rest.key`,
    },
    ...dcsSection(context),
    ...(settings.patroni.citus ? { citus: settings.patroni.citus } : {}),
    bootstrap: {
      dcs: dcsConfig(context),
      initdb: [
        'data-checksums',
        { encoding: 'UTF8' },
        { locale: settings.postgres.locale },
        { 'auth-local': 'peer' },
        { 'auth-host': 'scram-sha-256' },
        ...(cluster.walDir ? [{ waldir: cluster.walDir }] : []),
      ],
    },
    postgresql: {
      listen: hostPort(host.address, settings.postgres.port),
      connect_address: hostPort(host.address, settings.postgres.port),
      data_dir: host.dataDir,
      bin_dir: cluster.binDir,
      pgpass: '/var/lib/postgresql/.pgpass_patroni',
      use_unix_socket: true,
      authentication: {
        superuser: login(SUPERUSER, secrets.password('superuser')),
        replication: login(REPLICATION_USER, secrets.password('replication')),
        rewind: login(REWIND_USER, secrets.password('rewind')),
      },
      parameters: memberParameters(host, context),
      pg_hba: hbaLines(cluster),
      create_replica_methods: fromBackups ? ['pgbackrest', 'basebackup'] : ['basebackup'],
      ...(fromBackups
        ? {
            pgbackrest: {
              command: cluster.walDir ? RESTORE_REPLICA : replicaCommand(cluster),
              keep_data: true,
              no_params: true,
            },
          }
        : {}),
      basebackup: [{ checkpoint: 'fast' }, ...(cluster.walDir ? [{ waldir: cluster.walDir }] : [])],
      ...(isPooled(cluster) ? { callbacks: { on_role_change: END_POOL, on_stop: END_POOL } } : {}),
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
    },
    watchdog: {
      mode: hasWatchdog(host, context.facts(host)) ? settings.patroni.watchdog : 'off',
      device: '/dev/watchdog',
      safety_margin: 5,
    },
    ...(Object.keys(host.tags).length > 0 ? { tags: host.tags } : {}),
  });
}
