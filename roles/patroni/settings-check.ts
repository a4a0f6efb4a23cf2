import { preloadLibraries } from '../../src/inventory/extensions.ts';
import type { Cluster } from '../../src/inventory/model.ts';
import { asPostgres } from '../../src/programs/postgres.ts';
import { print, quote } from '../../src/shell/quote.ts';

/** Formats a setting as Patroni does (its ConfigWriter): quoted, quotes and backslashes doubled. */
const line = ([name, value]: [string, string | number | boolean]): string =>
  `${name} = '${String(value).replaceAll(/['\\]/g, '$&$&')}'\n`;

/**
 * POSIX sh that makes PostgreSQL itself read these settings, without a database, and report those with which it would
 * not start (`postgres -C` reads the configuration, shows one value and ends). Only PostgreSQL can detect a missing
 * locale or time zone of this host, or a method that it was built without. Part of a file's check, in which {} is the
 * file.
 */
export const settingsCheck = (
  { binDir }: Pick<Cluster, 'binDir'>,
  settings: Record<string, string | number | boolean>,
): string => `if [ -x ${quote(`${binDir}/postgres`)} ]; then
  trial=$(mktemp -d) || exit 1
  ${print(Object.entries(settings).map(line).join('')).replaceAll('{}', "{''}")} > "$trial/postgresql.conf"
  chown -R postgres:postgres "$trial"
  if out=$(cd / && ${asPostgres(`${binDir}/postgres`, '-C', 'work_mem', '-D')} "$trial" 2>&1); then rm -rf "$trial"; else
    rm -rf "$trial"
    echo "PostgreSQL refuses these settings:"
    printf '%s\\n' "$out" | grep -v 'skipping missing configuration file' | sed 's/^.*\\(LOG\\|FATAL\\|DETAIL\\|HINT\\): *//; s/ in file "[^"]*" line [0-9]*$//; /^configuration file .* contains errors$/d'
    exit 1
  fi
fi`;

/** POSIX sh that checks preloaded libraries: a missing one would keep PostgreSQL from starting at the next restart of every member. */
export const librariesCheck = ({ extensions, settings, binDir }: Cluster): string =>
  // A missing library that sessions load would keep everybody out, Patroni too.
  preloadLibraries(
    extensions,
    [
      settings.postgres.parameters.shared_preload_libraries ?? '',
      settings.postgres.parameters.session_preload_libraries ?? '',
    ].join(),
  )
    .filter((name) => !/[/$]/.test(name))
    .map((name) => {
      const library = `${binDir.replace(/bin$/, 'lib')}/${name}.so`;
      return `[ -e ${quote(library)} ] || { echo ${quote(`${library} is not there, and PostgreSQL is to load it: name its package under postgres.extensions`)}; exit 1; }`;
    })
    .join('\n');
