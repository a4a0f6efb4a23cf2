/** The codes that `paint` writes (ECMA-48, SGR): bold and dim, red to white, and back. None of them hides a text. */
const COLOURS = new Set(['0', '1', '2', '22', '31', '32', '33', '34', '35', '36', '39']);

/**
 * Colours, control characters except tab and newline, and characters that change the direction of a text (Unicode, UAX
 * #9).
 */
const SPECIAL = /\x1b\[([\d;]*)m|[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The visible form of a control character: from Unicode's "Control Pictures", else its code. */
function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '␡' : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/**
 * A text that is safe for a terminal. Hosts, files and inventories decide the content of diffs and messages; none of it
 * may move the cursor, erase or hide text. Colours of `paint` stay.
 */
export const visible = (text: string): string =>
  text.replace(SPECIAL, (found, codes: string | undefined) =>
    codes === undefined ? picture(found) : COLOURS.has(codes) ? found : `${picture('\x1b')}${found.slice(1)}`,
  );
