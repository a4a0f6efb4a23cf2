import { isScalar } from 'yaml';

/** How many characters of the text an escape of a double-quoted scalar takes (YAML 1.2.2, 5.7 "Escaped Characters"). */
const ESCAPES: Record<string, number> = { x: 4, u: 6, U: 10 };

/**
 * Returns the offset of a value's character from the start of its YAML scalar in the text (from 0). Returns 0, the
 * start, without a text or for a folded scalar.
 */
export function scalarColumn(text: string, node: unknown, column: number): number {
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return 0;
  const raw = text.slice(node.range[0], node.range[1]);
  const whole = raw.indexOf(node.value);
  if (whole >= 0) return whole + column;
  if (raw.includes('\n')) return 0;
  const doubled = node.type === 'QUOTE_DOUBLE';
  let at = 1;
  for (let left = column; left > 0; left--)
    if (raw[at] !== (doubled ? '\\' : "'")) at += 1;
    else at += (doubled && ESCAPES[raw[at + 1] ?? '']) || 2;
  return at;
}
