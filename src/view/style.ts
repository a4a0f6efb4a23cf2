import colors from 'picocolors';

/** Colours as Ansible's users know them; off without a terminal, with NO_COLOR or --no-color. */
export let paint = colors.createColors(colors.isColorSupported);

export function noColor(): void {
  paint = colors.createColors(false);
}

/** Milliseconds for a person. */
export const duration = (ms: number): string =>
  ms < 1000
    ? `${Math.round(ms)} ms`
    : ms < 60_000
      ? `${(ms / 1000).toFixed(1)} s`
      : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;

/** Rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const plain = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '');
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
