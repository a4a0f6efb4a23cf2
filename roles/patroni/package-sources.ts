import type { AptRepository } from '../../src/inventory/apt-schema.ts';
import type { Host } from '../../src/inventory/model.ts';
import type { Context } from '../../src/playbook.ts';
import type { RoleName } from '../../src/roles.ts';
import { quote } from '../../src/shell/quote.ts';
import { directory } from '../../src/steps/directory.ts';
import { file, noFile } from '../../src/steps/file.ts';
import { packages } from '../../src/steps/package.ts';
import type { Step } from '../../src/steps/step.ts';

/** The PostgreSQL project's signing key, from postgresql-common, which every distribution ships. */
const KEY = '/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc';

/**
 * Steps before PostgreSQL's packages: no `main` cluster is ever made (a PostgreSQL beside Patroni's is a split brain),
 * and the PostgreSQL project's package source is added when the inventory asks for it. Packages that depend on libpq or
 * pgBackRest come from the same source: both ends of a backup must have exactly the same version. Sources that the
 * inventory names are for hosts that run the server: members, and the repository host, which runs drills.
 */
export function packageSources(role: RoleName, host: Host, context: Context): Step[] {
  const noMainCluster = [
    directory(role, '/etc/postgresql-common'),
    file(
      role,
      '/etc/postgresql-common/createcluster.conf',
      '# Managed by hapg: Patroni makes the only cluster.\ncreate_main_cluster = false\nstart_conf = disabled\n',
    ),
  ];
  const { codename } = context.facts(host);
  const { postgres } = context.cluster.settings;
  const servesData = isForData(role);
  const named = servesData ? context.cluster.settings.apt.repositories : [];
  const pgdg = postgres.repository === 'pgdg';
  const forHttps = [...(pgdg ? ['postgresql-common'] : []), ...(pgdg || named.length > 0 ? ['ca-certificates'] : [])];
  return [
    ...noMainCluster,
    ...(forHttps.length > 0 ? [packages(role, forHttps, {}, `${role} package source`)] : []),
    ...(pgdg
      ? [
          file(
            role,
            PGDG,
            `# Managed by hapg\nTypes: deb\nURIs: ${PGDG_URI}\nSuites: ${codename}-pgdg\nComponents: main\nSigned-By: ${KEY}\n`,
            { check: noOtherKey(PGDG_URI, KEY) },
          ),
        ]
      : [noFile(role, PGDG, { ifMarked: true })]),
    ...(!servesData
      ? []
      : named.length > 0
        ? [file(role, NAMED, `# Managed by hapg\n${named.map((one) => formatSource(one, codename)).join('\n')}`)]
        : [noFile(role, NAMED)]),
  ];
}

/**
 * POSIX sh that fails where another file names this source with another key: apt would then refuse every command
 * ("Conflicting values set for option Signed-By"). `{}` is the new file.
 */
const noOtherKey = (uri: string, key: string): string => `for f in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  [ "$f" != ${quote(PGDG)} ] && [ -f "$f" ] && [ "$f" != {} ] || continue
  text=$(sed 's/#.*//' "$f")
  case "$text" in *${quote(uri.replace(/^https?:/, ''))}*) ;; *) continue ;; esac
  case "$text" in *${quote(key)}*) continue ;; esac
  echo "$f names the source ${uri} with another key (Signed-By), and apt refuses both together: remove that line or file, and run again"
  exit 1
done`;

/** The role for which a host gets PostgreSQL's packages; undefined: it needs none. */
export const packagesRole = ({ roles }: Host): 'patroni' | 'pgbackrest' | 'client' | undefined =>
  (['patroni', 'pgbackrest', 'client'] as const).find((name) => roles.has(name));

const isForData = (role: RoleName): boolean => role === 'patroni' || role === 'pgbackrest';

/** Returns the sources that `packageSources` adds to a host. */
export function addedSources(host: Host, context: Context): { uri: string; suite: string }[] {
  const role = packagesRole(host);
  const { apt, postgres } = context.cluster.settings;
  const { codename } = context.facts(host);
  if (role === undefined) return [];
  return [
    ...(postgres.repository === 'pgdg' ? [{ uri: PGDG_URI, suite: `${codename}-pgdg` }] : []),
    ...(isForData(role) ? apt.repositories.map(({ uri, suite = codename }) => ({ uri, suite })) : []),
  ];
}

const PGDG_URI = 'https://apt.postgresql.org/pub/repos/apt';

/** File with the source of the PostgreSQL project; its own script writes one of the same name, which is not hapg's. */
const PGDG = '/etc/apt/sources.list.d/pgdg.sources';

/** File with all package sources of the inventory, so that a removed one disappears. */
const NAMED = '/etc/apt/sources.list.d/hapg.sources';

/** Formats one source. The key is in the file itself, a dot for an empty line (deb822(5)). */
function formatSource({ name, uri, suite, components, key }: AptRepository, codename: string): string {
  const lines = key
    .trim()
    .split('\n')
    .map((line) => ` ${line.trim() || '.'}\n`);
  return `X-Name: ${name}\nTypes: deb\nURIs: ${uri}\nSuites: ${suite ?? codename}\n${components.length > 0 ? `Components: ${components.join(' ')}\n` : ''}Signed-By:\n${lines.join('')}`;
}
