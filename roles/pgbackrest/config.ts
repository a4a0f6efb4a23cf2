import { parse, stringify } from 'ini';
import { capabilities } from '../../src/cluster/facts.ts';
import { PKI } from '../../src/cluster/observe.ts';
import type { Context } from '../../src/engine/playbook.ts';
import { type Host, hostsWith, repositoryHost } from '../../src/inventory/model.ts';
import { Secret } from '../../src/secrets/secret.ts';

type Options = Record<string, string | number>;

const TLS_FILES = {
  ca: `${PKI.pgbackrest}/ca.crt`,
  cert: `${PKI.pgbackrest}/pgbackrest.crt`,
  key: `${PKI.pgbackrest}/pgbackrest.key`,
};

/** A connection to another host's pgBackRest over TLS; `prefix` is `repo1-host` or `pgN-host`. */
const tlsHost = (prefix: string, host: Host, port: number): Options => ({
  [prefix]: host.address,
  [`${prefix}-port`]: port,
  [`${prefix}-type`]: 'tls',
  [`${prefix}-ca-file`]: TLS_FILES.ca,
  [`${prefix}-cert-file`]: TLS_FILES.cert,
  [`${prefix}-key-file`]: TLS_FILES.key,
});

/** `/etc/pgbackrest/pgbackrest.conf` of the repository host or of a database host. */
export function pgbackrestConfig(host: Host, context: Context): Secret {
  const { cluster, secrets } = context;
  const { pgbackrest, postgres } = cluster.settings;
  const repository = repositoryHost(cluster)!;
  const members = hostsWith(cluster, 'patroni');
  const able = capabilities(context.facts(host));
  const peers = host === repository ? members : [repository];
  const global: Options = {
    'log-level-console': 'info',
    'log-level-file': 'detail',
    'process-max': pgbackrest.process_max,
    'start-fast': 'y',
    'tls-server-address': host.address,
    'tls-server-port': pgbackrest.port,
    'tls-server-ca-file': TLS_FILES.ca,
    'tls-server-cert-file': TLS_FILES.cert,
    'tls-server-key-file': TLS_FILES.key,
  };
  const section: Options = {};
  if (host === repository) {
    Object.assign(global, {
      'repo1-path': pgbackrest.path,
      'repo1-cipher-type': 'aes-256-cbc',
      'repo1-cipher-pass': secrets.password('repository').reveal(),
      'repo1-retention-full': pgbackrest.retention.full,
      'compress-type': pgbackrest.compress,
      'repo1-bundle': 'y',
      ...(able.blockBackup ? { 'repo1-block': 'y' } : {}),
      'backup-standby': able.backupStandbyPrefer ? 'prefer' : 'n',
    });
    for (const [index, member] of members.entries())
      Object.assign(section, tlsHost(`pg${index + 1}-host`, member, pgbackrest.port), {
        [`pg${index + 1}-path`]: cluster.dataDir,
        [`pg${index + 1}-port`]: postgres.port,
        [`pg${index + 1}-socket-path`]: '/var/run/postgresql',
      });
  } else {
    Object.assign(global, tlsHost('repo1-host', repository, pgbackrest.port), {
      'repo1-host-user': 'postgres',
      'archive-async': 'y',
      'spool-path': '/var/spool/pgbackrest',
      'compress-type': pgbackrest.compress,
    });
    Object.assign(section, {
      'pg1-path': cluster.dataDir,
      'pg1-port': postgres.port,
      'pg1-socket-path': '/var/run/postgresql',
    });
  }
  return new Secret(
    `# Managed by hapg\n${serialize(
      { global, [cluster.stanza]: section },
      peers.map((peer) => `tls-server-auth=${peer.name}=${cluster.stanza}`),
    )}`,
  );
}

/** INI as pgBackRest reads it. What the library wrote is parsed again and compared: it mangles values it thinks special. */
function serialize(sections: Record<string, Options>, repeated: readonly string[]): string {
  const text = stringify(sections, { bracketedArray: false });
  for (const [name, options] of Object.entries(sections))
    for (const [key, value] of Object.entries(options)) {
      const line = `${key}=${value}`;
      if (!text.split('\n').includes(line))
        throw new Error(`pgbackrest.conf cannot hold [${name}] ${key} with this value`);
    }
  if (Object.keys(parse(text, { bracketedArray: false })).join() !== Object.keys(sections).join())
    throw new Error('pgbackrest.conf: section names were changed');
  // An option that is given several times is not something that an object can say.
  return text.replace('[global]\n', `[global]\n${repeated.map((line) => `${line}\n`).join('')}`);
}
