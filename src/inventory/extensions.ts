import { z } from 'zod';
import { sqlName } from './values.ts';

export const extensionName = z.string().regex(/^[a-z_][a-z0-9_-]*$/, 'not the name of an extension');
export const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'not a package name');

/** An extension in the inventory: its name, or an object with its packages and the library to preload. */
export const extension = z.union(
  [
    extensionName,
    z.strictObject({
      name: extensionName.describe('Name of the extension'),
      packages: z
        .array(packageName)
        .optional()
        .describe('Packages that bring it; default: the known package, or none for what comes with PostgreSQL'),
      preload: sqlName
        .optional()
        .describe('Library for shared_preload_libraries; default: the one that the extension is known to need'),
    }),
  ],
  'the name of an extension, or {name, packages, preload}',
);

/** An extension that every member must be able to provide. */
export interface Extension {
  name: string;
  packages: readonly string[];
  /** The library that PostgreSQL must load when it starts. */
  preload: string | undefined;
}

/**
 * Extensions that need more than `create extension`: the package's name at Debian and the PostgreSQL project, and the
 * library that the extension's documentation wants in `shared_preload_libraries`. Others come with PostgreSQL, or the
 * inventory names their packages.
 */
const KNOWN: Record<string, { package?: string; preload?: string }> = {
  auto_explain: { preload: 'auto_explain' },
  citus: { preload: 'citus' },
  hypopg: { package: 'hypopg' },
  pg_cron: { package: 'cron', preload: 'pg_cron' },
  pg_partman: { package: 'partman' },
  pg_repack: { package: 'repack' },
  pg_squeeze: { package: 'squeeze', preload: 'pg_squeeze' },
  pg_stat_statements: { preload: 'pg_stat_statements' },
  pgaudit: { package: 'pgaudit', preload: 'pgaudit' },
  postgis: { package: 'postgis-3' },
  timescaledb: { preload: 'timescaledb' },
  vector: { package: 'pgvector' },
};

/** Extensions that come with the server's package (PostgreSQL 15 to 18 documentation, appendix F). */
const SUPPLIED = new Set(
  `adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect pg_buffercache
pg_freespacemap pg_logicalinspect pg_prewarm pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks
pgstattuple plpgsql postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2`.split(
    /\s+/,
  ),
);

/** Whether an extension comes with PostgreSQL, or from a package that hapg knows. */
export const hasKnownSource = (name: string): boolean => SUPPLIED.has(name) || KNOWN[name] !== undefined;

/** Returns all extensions of an inventory in its order, those that only a database names last, with defaults filled in. */
export function extensionsOf(postgres: {
  version: string;
  extensions: readonly z.output<typeof extension>[];
  databases: readonly { extensions: readonly string[] }[];
}): Extension[] {
  const found = new Map<string, Extension>();
  for (const one of [...postgres.extensions, ...postgres.databases.flatMap((database) => database.extensions)]) {
    const said = typeof one === 'string' ? { name: one } : one;
    const known = KNOWN[said.name];
    if (!found.has(said.name))
      found.set(said.name, {
        name: said.name,
        packages: said.packages ?? (known?.package ? [`postgresql-${postgres.version}-${known.package}`] : []),
        preload: said.preload ?? known?.preload,
      });
  }
  return [...found.values()];
}

/**
 * Returns the libraries that PostgreSQL loads at its start, in order: Citus must be the first (Citus documentation,
 * "Multi-node setup"), the others as the inventory lists them, then those of a manual `shared_preload_libraries`.
 */
export function preloadLibraries(extensions: readonly Extension[], byHand: unknown = ''): string[] {
  const libraries = [
    ...extensions.flatMap((one) => one.preload ?? []),
    ...String(byHand)
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  ];
  return [...new Set([...libraries.filter((name) => name === 'citus'), ...libraries])];
}
