/** Formats a number of bytes. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const WIDTH = 20;

/** `[#####               ] 1.2 GiB of 4.8 GiB`; the bar is left out where the whole is not known. */
export function progressBar(count: number, total: number | undefined): string {
  if (!total) return bytes(count);
  const done = Math.min(WIDTH, Math.round((WIDTH * count) / total));
  return `[${'#'.repeat(done)}${' '.repeat(WIDTH - done)}] ${bytes(count)} of ${bytes(total)}`;
}

/** Formats seconds since the epoch as `2026-01-31T14:05:00Z`. */
export const isoSeconds = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
