import { capabilities } from '../../src/cluster/versions.ts';
import { Refused } from '../../src/errors.ts';
import {
  type Cluster,
  type Host,
  hostsWith,
  type RepositorySettings,
  repositoryHost,
} from '../../src/inventory/model.ts';
import type { Able, Options } from '../../src/inventory/repositories/kind.ts';
import { kindOf } from '../../src/inventory/repositories/kinds.ts';
import { PKI } from '../../src/paths.ts';
import type { Context } from '../../src/playbook.ts';
import { POSTGRES, SOCKET_DIR } from '../../src/programs/postgres.ts';
import { Secret } from '../../src/secret.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { joined, type Part, type SecretText } from '../../src/secrets/text.ts';

/**
 * Returns the options of a TLS connection to another host's pgBackRest, with the keys in `directory`; `prefix` is
 * `repoN-host` or `pgN-host`.
 */
const tlsHost = (prefix: string, host: Host, port: number, directory: string): Options => ({
  [prefix]: host.address,
  [`${prefix}-port`]: port,
  [`${prefix}-type`]: 'tls',
  [`${prefix}-ca-file`]: `${directory}/ca.crt`,
  [`${prefix}-cert-file`]: `${directory}/pgbackrest.crt`,
  [`${prefix}-key-file`]: `${directory}/pgbackrest.key`,
});

/** Returns the path of a file of a repository's own, whose kind names it. */
export const repositoryFile = ({ key }: RepositorySettings, name: string, directory: string): string =>
  `${directory}/repo${key}-${name}`;

/**
 * Returns where a repository is and how it is read (pgBackRest configuration reference, "Repository Options"), for a host
 * with these capabilities; `directory` holds its files.
 */
function repositoryPlace(one: RepositorySettings, secrets: SecretStore, directory: string, able: Able): Options {
  const its: Options = {
    path: one.path,
    'cipher-type': 'aes-256-cbc',
    'cipher-pass': secrets.password('repository'),
    ...kindOf(one).options?.(one, {
      given: (name) => secrets.externalSecret(name),
      file: (name) => repositoryFile(one, name, directory),
      able,
    }),
  };
  return Object.fromEntries(Object.entries(its).map(([name, value]) => [`repo${one.key}-${name}`, value]));
}

/** Returns what is kept (pgBackRest configuration reference, "Full Retention Type"). */
const retention = (
  repo: string,
  { full = 2, days, diff }: Cluster['settings']['pgbackrest']['retention'],
): Options => ({
  ...(days === undefined
    ? { [`${repo}-retention-full`]: full }
    : { [`${repo}-retention-full-type`]: 'time', [`${repo}-retention-full`]: days }),
  ...(diff === undefined ? {} : { [`${repo}-retention-diff`]: diff }),
});

/** Returns the options of a repository that is reached through another host. */
const remoteRepository = ({ key }: RepositorySettings, host: Host, port: number, directory: string): Options => ({
  ...tlsHost(`repo${key}-host`, host, port, directory),
  [`repo${key}-host-user`]: POSTGRES.owner,
});

/**
 * Returns the configuration with which a host of another cluster restores from this one's repositories. It is
 * effectively read only, since it is used only for `restore` and `archive-get`. `directory` holds its keys, `dataDir`
 * is the target of the restore, `able` are the capabilities of the host.
 */
export function cloneSourceConfig(
  cluster: Cluster,
  secrets: SecretStore,
  dataDir: string,
  directory: string,
  able: Able,
): SecretText {
  const { pgbackrest } = cluster.settings;
  const dedicated = repositoryHost(cluster);
  const global: Options = { 'process-max': pgbackrest.process_max, 'log-level-file': 'off' };
  for (const one of cluster.repositories)
    Object.assign(
      global,
      dedicated
        ? remoteRepository(one, dedicated, pgbackrest.port, directory)
        : repositoryPlace(one, secrets, directory, able),
    );
  return joined(serialize({ global, [cluster.stanza]: { 'pg1-path': dataDir } }, []), { syntax: 'ini' });
}

/** Returns `/etc/pgbackrest/pgbackrest.conf` of the repository host or of a database host. */
export function pgbackrestConfig(host: Host, context: Context): SecretText {
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
      'tls-server-ca-file': `${PKI.pgbackrest}/ca.crt`,
      'tls-server-cert-file': `${PKI.pgbackrest}/pgbackrest.crt`,
      'tls-server-key-file': `${PKI.pgbackrest}/pgbackrest.key`,
    });
  if (host === dedicated) {
    global['backup-standby'] = able.backupStandbyPrefer ? 'prefer' : 'n';
    for (const [index, member] of members.entries())
      Object.assign(section, tlsHost(`pg${index + 1}-host`, member, pgbackrest.port, PKI.pgbackrest), {
        [`pg${index + 1}-path`]: member.dataDir,
        [`pg${index + 1}-port`]: postgres.port,
        [`pg${index + 1}-socket-path`]: SOCKET_DIR,
      });
  } else {
    Object.assign(global, { 'archive-async': 'y', 'spool-path': '/var/spool/pgbackrest' });
    Object.assign(section, {
      'pg1-path': host.dataDir,
      'pg1-port': postgres.port,
      'pg1-socket-path': SOCKET_DIR,
    });
  }
  for (const one of cluster.repositories)
    Object.assign(
      global,
      dedicated && host !== dedicated
        ? remoteRepository(one, dedicated, pgbackrest.port, PKI.pgbackrest)
        : {
            ...repositoryPlace(one, context.secrets, PKI.pgbackrest, able),
            ...retention(`repo${one.key}`, pgbackrest.retention),
            [`repo${one.key}-bundle`]: 'y',
            ...(able.blockBackup ? { [`repo${one.key}-block`]: 'y' } : {}),
          },
    );
  const peers = !dedicated ? [] : host === dedicated ? members : [dedicated];
  const text = serialize(
    // The stanza comes last: a drill replaces it with its own database.
    { global, [cluster.stanza]: section },
    peers.map((peer) => `tls-server-auth=${peer.name}=${cluster.stanza}`),
  );
  return joined(['# Managed by hapg\n', ...text], { syntax: 'ini' });
}

/**
 * Formats sections and options as pgBackRest reads them (ini.c): a key ends at the first `=`, and the value is the rest
 * of the line without surrounding spaces. Throws Refused for a value that is not one such line. `repeated` are lines of
 * the first section with an option that is given several times.
 */
function serialize(sections: Record<string, Options>, repeated: readonly string[]): Part[] {
  const parts: Part[] = [];
  for (const [index, [name, options]] of Object.entries(sections).entries()) {
    if (/[\r\n\]]/.test(name)) throw new Refused(`pgbackrest.conf cannot have a section "${name}"`, 'secret_weak');
    parts.push(`${index > 0 ? '\n' : ''}[${name}]\n`);
    if (index === 0) parts.push(...repeated.map((line) => `${line}\n`));
    for (const [key, value] of Object.entries(options)) {
      const text = value instanceof Secret ? value.reveal() : String(value);
      if (!text || text !== text.trim() || /[\r\n\0]/.test(text))
        throw new Refused(
          `pgbackrest.conf cannot hold ${key}=${value}: a value is one line, and neither begins nor ends with a space`,
          'secret_weak',
        );
      parts.push(`${key}=`, value instanceof Secret ? value : text, '\n');
    }
  }
  return parts;
}
