import { z } from 'zod';
import { sqlName } from './values.ts';

export const extensionName = z.string().regex(/^[a-z_][a-z0-9_-]*$/, 'not the name of an extension');
export const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'not a package name');

/** What the inventory may say of an extension: its name, or with what its packages are and what the server must load. */
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

/** One extension that every member must be able to offer. */
export interface Extension {
  name: string;
  packages: readonly string[];
  /** The library that PostgreSQL must load when it starts. */
  preload: string | undefined;
}

/**
 * Extensions that need more than `create extension`: how Debian and the PostgreSQL project name the package, and which
 * library the extension's own documentation wants in `shared_preload_libraries`. Whatever is not here comes with PostgreSQL,
 * or the inventory names its packages.
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

/** All extensions of an inventory in its order, those that only a database names last; what it leaves open is filled in. */
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
 * What PostgreSQL loads when it starts, in order: Citus insists on being the first (Citus documentation, "Multi-node
 * setup"), the others as the inventory lists them, then what `shared_preload_libraries` names by hand.
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
