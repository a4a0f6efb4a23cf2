import type { Context } from '../../src/engine/playbook.ts';
import { type Host, hostsWithAny, isPooled } from '../../src/inventory/model.ts';
import { hostPort } from '../../src/inventory/network.ts';
import { PKI } from '../../src/paths.ts';
import { secretYaml } from '../../src/render.ts';
import type { Secret } from '../../src/secrets/secret.ts';
import type { SecretText } from '../../src/secrets/text.ts';
import { END_POOL } from '../pgbouncer/pgbouncer.ts';
import { dcsConfig } from './dcs.ts';
import { dcsSection } from './dcs-section.ts';
import { hbaLines, REPLICATION_USER, REWIND_USER, SUPERUSER } from './hba.ts';
import { memberParameters } from './parameters.ts';

/** `/etc/patroni/config.yml` of one member, with passwords in it. */
export function patroniConfig(host: Host, context: Context): SecretText {
  const { cluster, secrets } = context;
  const { settings } = cluster;
  const fromBackups = cluster.repositories.length > 0 && !cluster.source;
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
      // Each balancer asks each member for every port of its own, all at once; the default is 5. Read when Patroni starts.
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
      ],
    },
    postgresql: {
      listen: hostPort(host.address, settings.postgres.port),
      connect_address: hostPort(host.address, settings.postgres.port),
      data_dir: cluster.dataDir,
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
              command: `/usr/bin/pgbackrest --stanza=${cluster.stanza} --delta --type=standby --log-level-console=warn restore`,
              keep_data: true,
              no_params: true,
            },
          }
        : {}),
      basebackup: [{ checkpoint: 'fast' }],
      ...(isPooled(cluster) ? { callbacks: { on_role_change: END_POOL, on_stop: END_POOL } } : {}),
      remove_data_directory_on_rewind_failure: false,
      remove_data_directory_on_diverged_timelines: false,
    },
    watchdog: {
      mode: context.facts(host).watchdog ? settings.patroni.watchdog : 'off',
      device: '/dev/watchdog',
      safety_margin: 5,
    },
    ...(Object.keys(host.tags).length > 0 ? { tags: host.tags } : {}),
  });
}
