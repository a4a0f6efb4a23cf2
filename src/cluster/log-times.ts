/** A length of time, as systemd reads it (systemd.time(7), "Parsing Time Spans"). */
const SPAN = String.raw`(?:\d+(?:\.\d+)?\s*[a-zA-Zµ]*\s*)+`;
/** Forms of a time that journalctl takes (systemd.time(7), "Parsing Timestamps"). */
const TIMES = [
  /^@\d+/,
  /^(?:now|today|yesterday|tomorrow)$/,
  new RegExp(String.raw`^[-+]\s*${SPAN}$`),
  new RegExp(`^${SPAN}(?:ago|left)$`),
  /^(?:[A-Z][a-z]{2,8} )?(?:\d{2,4}-\d{1,2}-\d{1,2})(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}|[A-Z][A-Za-z]+(?:\/[A-Za-z_]+)*))?$/,
  /^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/,
];

/** Returns why journalctl would not take a time; undefined where it does. */
export function timeMistake(text: string): string | undefined {
  if (TIMES.some((form) => form.test(text))) return undefined;
  const isSpan = new RegExp(`^${SPAN}$`).test(text);
  const meant = isSpan
    ? `"${text.trim()} ago" or "-${text.trim()}"`
    : '"-2h", "2 hours ago", "2026-01-31 14:05" or "yesterday"';
  return `not a time that journalctl takes: ${meant}`;
}
