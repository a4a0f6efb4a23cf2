import colors from 'picocolors';

/** The properties of a stream that decide its colours. */
interface Shown {
  isTTY?: boolean;
}

/** `--no-color` was given. */
let refused = false;

/**
 * Whether a stream shows colours. Each stream is judged by itself: a terminal does, a file or a pipe does not, whatever
 * `CI` says. NO_COLOR disables them everywhere (no-color.org: set, and not empty), FORCE_COLOR enables them everywhere.
 */
export function hasColour(stream: Shown, env: NodeJS.ProcessEnv = process.env): boolean {
  if (refused || env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Colours as Ansible's users know them. The screen removes them for a stream that shows none. */
export let paint = colors.createColors(hasColour(process.stdout) || hasColour(process.stderr));

/** Disables colours from now on. */
export function noColor(): void {
  refused = true;
  paint = colors.createColors(false);
}

/** A text without its colours. */
export const plain = (text: string): string => text.replace(/\x1b\[[0-9;]*m/g, '');

/** Formats a duration (ms). */
export const duration = (ms: number): string =>
  ms < 1000
    ? `${Math.round(ms)} ms`
    : ms < 60_000
      ? `${(ms / 1000).toFixed(1)} s`
      : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;

/** Formats rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => plain(row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + ' '.repeat(widths[column]! - plain(cell).length),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
