import { parse, stringify } from 'ini';
import { capabilities } from '../../src/cluster/facts.ts';
import { PKI } from '../../src/cluster/observe.ts';
import type { Context } from '../../src/engine/playbook.ts';
import { type Host, hostsWith, type RepositorySettings, repositoryHost } from '../../src/inventory/model.ts';
import { s3Secrets } from '../../src/secrets/given.ts';
import { Secret } from '../../src/secrets/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';

type Options = Record<string, string | number>;

const TLS_FILES = {
  ca: `${PKI.pgbackrest}/ca.crt`,
  cert: `${PKI.pgbackrest}/pgbackrest.crt`,
  key: `${PKI.pgbackrest}/pgbackrest.key`,
};

/** A connection to another host's pgBackRest over TLS; `prefix` is `repoN-host` or `pgN-host`. */
const tlsHost = (prefix: string, host: Host, port: number): Options => ({
  [prefix]: host.address,
  [`${prefix}-port`]: port,
  [`${prefix}-type`]: 'tls',
  [`${prefix}-ca-file`]: TLS_FILES.ca,
  [`${prefix}-cert-file`]: TLS_FILES.cert,
  [`${prefix}-key-file`]: TLS_FILES.key,
});

/** The authority of an S3 storage that the system does not know. */
export const storageAuthority = ({ key }: RepositorySettings): string => `${PKI.pgbackrest}/repo${key}-ca.crt`;

/** A repository as the host that reaches it itself has it (pgBackRest configuration reference, "Repository Options"). */
function ownRepository(one: RepositorySettings, context: Context, able: ReturnType<typeof capabilities>): Options {
  const { pgbackrest } = context.cluster.settings;
  const repo = `repo${one.key}`;
  return {
    [`${repo}-path`]: one.path,
    [`${repo}-cipher-type`]: 'aes-256-cbc',
    [`${repo}-cipher-pass`]: context.secrets.password('repository').reveal(),
    [`${repo}-retention-full`]: pgbackrest.retention.full,
    [`${repo}-bundle`]: 'y',
    ...(able.blockBackup ? { [`${repo}-block`]: 'y' } : {}),
    ...(one.kind === 's3' ? bucket(one, context.secrets) : {}),
  };
}

function bucket(one: RepositorySettings & { kind: 's3' }, secrets: SecretStore): Options {
  const repo = `repo${one.key}`;
  const keys = s3Secrets(one.bucket);
  return {
    [`${repo}-type`]: 's3',
    [`${repo}-s3-bucket`]: one.bucket,
    [`${repo}-s3-endpoint`]: one.endpoint,
    [`${repo}-s3-region`]: one.region,
    [`${repo}-s3-uri-style`]: one.uriStyle,
    [`${repo}-storage-port`]: one.port,
    ...(one.ca ? { [`${repo}-storage-ca-file`]: storageAuthority(one) } : {}),
    [`${repo}-s3-key`]: secrets.given(keys.key).reveal(),
    [`${repo}-s3-key-secret`]: secrets.given(keys.secret).reveal(),
  };
}

/** `/etc/pgbackrest/pgbackrest.conf` of the repository host or of a database host. */
export function pgbackrestConfig(host: Host, context: Context): Secret {
  const { cluster } = context;
  const { pgbackrest, postgres } = cluster.settings;
  const dedicated = repositoryHost(cluster);
  const members = hostsWith(cluster, 'patroni');
  const able = capabilities(context.facts(host));
  const global: Options = {
    'log-level-console': 'info',
    'log-level-file': 'detail',
    'process-max': pgbackrest.process_max,
    'start-fast': 'y',
    'compress-type': pgbackrest.compress,
  };
  const section: Options = {};
  if (dedicated)
    Object.assign(global, {
      'tls-server-address': host.address,
      'tls-server-port': pgbackrest.port,
      'tls-server-ca-file': TLS_FILES.ca,
      'tls-server-cert-file': TLS_FILES.cert,
      'tls-server-key-file': TLS_FILES.key,
    });
  if (host === dedicated) {
    global['backup-standby'] = able.backupStandbyPrefer ? 'prefer' : 'n';
    for (const [index, member] of members.entries())
      Object.assign(section, tlsHost(`pg${index + 1}-host`, member, pgbackrest.port), {
        [`pg${index + 1}-path`]: cluster.dataDir,
        [`pg${index + 1}-port`]: postgres.port,
        [`pg${index + 1}-socket-path`]: '/var/run/postgresql',
      });
  } else {
    Object.assign(global, { 'archive-async': 'y', 'spool-path': '/var/spool/pgbackrest' });
    Object.assign(section, {
      'pg1-path': cluster.dataDir,
      'pg1-port': postgres.port,
      'pg1-socket-path': '/var/run/postgresql',
    });
  }
  for (const one of cluster.repositories)
    Object.assign(
      global,
      dedicated && host !== dedicated
        ? { ...tlsHost(`repo${one.key}-host`, dedicated, pgbackrest.port), [`repo${one.key}-host-user`]: 'postgres' }
        : ownRepository(one, context, able),
    );
  const peers = !dedicated ? [] : host === dedicated ? members : [dedicated];
  return new Secret(
    `# Managed by hapg\n${serialize(
      // The stanza stands last: a drill puts its own database in the place of what it says.
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
