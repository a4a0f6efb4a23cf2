import { error, type Path, warning } from './check.ts';
import { extensionsOf, preloadLibraries } from './extensions.ts';
import type { Inventory } from './schema.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

/** Modules whose settings have another prefix than the module's name (their documentation). */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  pg_cron: ['cron'],
  pg_partman: ['pg_partman_bgw'],
  pg_squeeze: ['squeeze'],
  vector: ['hnsw', 'ivfflat'],
};

/** Modules that know their settings only when the server or a session loads them at its start. */
const LOADED = [
  'auth_delay',
  'auto_explain',
  'basic_archive',
  'citus',
  'passwordcheck',
  'pg_cron',
  'pg_partman_bgw',
  'pg_prewarm',
  'pg_squeeze',
  'pg_stat_statements',
  'pgaudit',
  'sepgsql',
  'timescaledb',
];

/** Modules of PostgreSQL that are loaded on use. */
const ON_DEMAND = ['basebackup_to_shell', 'isn', 'pg_trgm', 'pgcrypto', 'plperl', 'plpgsql', 'pltcl', 'postgres_fdw'];

const prefixesOf = (module: string): readonly string[] => PREFIXES[module] ?? [module];

/**
 * Judges a setting with a dot in its name. PostgreSQL accepts every such name, so one that no module reads is doubtful,
 * not wrong: applications have settings of their own.
 */
export function customSetting(name: string, path: Path, { postgres }: Inventory): Problem[] {
  // guc.c, valid_custom_variable_name
  if (!/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$/.test(name))
    return [error(path, `${name} is no name of a setting: both sides of the dot begin with a letter`, true)];
  const prefix = name.slice(0, name.indexOf('.'));
  const extensions = extensionsOf(postgres);
  const { shared_preload_libraries, session_preload_libraries, local_preload_libraries } = postgres.parameters;
  const loaded = [
    ...preloadLibraries(extensions, shared_preload_libraries),
    ...preloadLibraries([], session_preload_libraries),
    ...preloadLibraries([], local_preload_libraries),
  ].map((library) => library.replace(/^.*\//, ''));
  const named = [...loaded, ...extensions.map((one) => one.name), ...ON_DEMAND];
  if (named.flatMap(prefixesOf).includes(prefix)) return [];
  const module = LOADED.find((one) => prefixesOf(one).includes(prefix));
  return [
    warning(
      path,
      module
        ? `${name} has no effect: nothing loads ${module}; name it under postgres.extensions`
        : `${name} is taken as it is: neither postgres.extensions nor shared_preload_libraries names a module with such settings${suggest(prefix, [...LOADED, ...named].flatMap(prefixesOf))}`,
      true,
    ),
  ];
}
