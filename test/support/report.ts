/** The expected duration of a group of tests on the reference machine, and its duration here; undefined: skipped. */
export interface Recorded {
  name: string;
  seconds: number;
  actual?: number;
}

/** Formats the table for the next estimates: the duration of each group, also in seconds of the reference machine. */
export function costTable(groups: readonly Recorded[], factor: number): string {
  const rows = groups.map(({ name, seconds, actual }) => [
    name,
    String(seconds),
    actual === undefined ? 'skipped' : String(Math.round(actual)),
    actual === undefined ? '' : String(Math.round(actual / factor)),
  ]);
  const all = [['GROUP', 'ESTIMATE', 'SECONDS', `÷ ${factor}`], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return all.map(line).join('\n');
}

/**
 * Reads the head of a file of test/full: the comment at its beginning, which says what it proves and how long it takes
 * on the reference machine ("Takes about 20 minutes."). Throws when there is none.
 */
export function headOf(source: string): string {
  const comment = /^\/\*\*(.*?)\*\//s.exec(source)?.[1];
  const text = comment
    ?.split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join(' ')
    .trim();
  if (!text || !/Takes about \d+ minutes/.test(text)) throw new Error('its head does not say how long it takes');
  return text;
}
