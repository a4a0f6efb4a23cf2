import { REDACTED, type Secret } from '../../secret.ts';
import { conceal } from '../suspect.ts';
import { linesOf, lineText } from '../text.ts';
import type { ShownText } from './lines.ts';

/** Splits `host:port:database:user:password`; a backslash escapes a colon (libpq, "The Password File"). */
function fieldsOf(line: string): string[] {
  const fields = [''];
  for (const [piece] of line.matchAll(/\\.|[^\\]|\\$/gsu)) {
    if (piece === ':') fields.push('');
    else fields.push(`${fields.pop()}${piece}`);
  }
  return fields;
}

/** Returns the lines of a password file that may be shown: all of the right form, without passwords. */
export function showPgpass(text: string | Secret): ShownText {
  const found: string[] = [];
  const lines = linesOf(text)
    .map(lineText)
    .filter((line) => line.trim() && !line.startsWith('#'))
    .map((raw) => {
      const [host, port, database, user, ...password] = fieldsOf(raw);
      if (password.length === 0) {
        found.push(raw, ...fieldsOf(raw));
        return { place: '', text: REDACTED, raw };
      }
      const written = password.join(':');
      const who = conceal([host, port, database, user].join(':'));
      found.push(written, written.replaceAll(/\\(.)/g, '$1'), ...password, ...who.found);
      return { place: '', text: `${who.text}:${REDACTED}`, raw };
    });
  return { lines, found };
}
