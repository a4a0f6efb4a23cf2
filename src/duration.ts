const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
type Unit = keyof typeof UNITS;

/**
 * Reads a length of time as an operator writes it, such as `90s`, `30m` or `1h30m`; returns seconds. Throws an Error with
 * the reason. `most` is the longest that is taken (s).
 */
export function parseDuration(text: string, most: number): number {
  const parts = [...text.trim().matchAll(/(\d+)\s*([smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) {
    const meant = /^\d+$/.test(text.trim()) ? `, such as ${text.trim()}m for minutes` : '';
    throw new Error(`not a length of time such as 90s, 30m, 2h or 1h30m${meant}`);
  }
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as Unit], 0);
  if (seconds === 0) throw new Error('a length of time is more than nothing');
  if (seconds > most) throw new Error(`at most ${describeDuration(most)} are taken`);
  return seconds;
}

/** Formats seconds as `parseDuration` reads them, in the two largest units that are needed: `1h30m`. */
export function describeDuration(seconds: number): string {
  let left = Math.round(seconds);
  const parts: string[] = [];
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const count = Math.floor(left / UNITS[unit]);
    left -= count * UNITS[unit];
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join('') || '0s';
}
