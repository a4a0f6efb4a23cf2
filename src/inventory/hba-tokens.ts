/** One word of a line of pg_hba.conf, as PostgreSQL sees it without quotes. */
export interface HbaToken {
  text: string;
  /** A quote stood before its first character, so that keywords, `+` and `@` have no meaning in it. */
  quoted: boolean;
  /** Its start and end in the line (from 0); the end is exclusive. */
  start: number;
  end: number;
}

/** Words joined by commas; a line is a list of fields. */
export type HbaField = readonly HbaToken[];

/** Whether a character is blank, as `pg_isblank()` of hba.c; other white space belongs to a word. */
const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t' || char === '\r';

/**
 * Splits one line of pg_hba.conf into fields, as `next_token()` and `next_field_expand()` of PostgreSQL's hba.c (15 to
 * 18) do. Quotes may stand anywhere in a word, and two quotes within quotes are one; a quote that is not closed reaches
 * to the end of the line; `#` outside of quotes begins a comment, also in the middle of a word; blanks may follow a
 * comma. An empty line has no fields. The line must not contain line breaks.
 */
export function hbaFields(line: string): HbaField[] {
  const fields: HbaField[] = [];
  let at = 0;
  while (at < line.length) {
    const field: HbaToken[] = [];
    let comma = true;
    while (comma) {
      const next = nextToken(line, at);
      at = next.at;
      if (!next.token) break;
      field.push(next.token);
      comma = next.comma;
    }
    if (field.length > 0) fields.push(field);
  }
  return fields;
}

function nextToken(line: string, from: number): { token: HbaToken | undefined; at: number; comma: boolean } {
  let at = from;
  while (isBlank(line[at]) || line[at] === ',') at++;
  const start = at;
  let text = '';
  let quoted = false;
  let inQuote = false;
  let wasQuote = false;
  let sawQuote = false;
  let comma = false;
  let end = at;
  for (; at < line.length && (inQuote || !isBlank(line[at])); at++, end = at) {
    const char = line[at]!;
    if (char === '#' && !inQuote) {
      at = line.length;
      break;
    }
    if (char === ',' && !inQuote) {
      comma = true;
      break;
    }
    if (char !== '"' || wasQuote) text += char;
    wasQuote = inQuote && char === '"' ? !wasQuote : false;
    if (char === '"') {
      inQuote = !inQuote;
      sawQuote = true;
      if (text === '') quoted = true;
    }
  }
  return { token: sawQuote || text !== '' ? { text, quoted, start, end } : undefined, at, comma };
}

/** Options whose value is a secret between PostgreSQL and another program. */
const SECRET_OPTION = /^(ldapbindpasswd|radiussecrets)=/;

/** Redacts the values of secret options in a line, in comments too; for screens and journals. */
export function redactHba(line: string): string {
  const tokens = hbaFields(line).flat();
  const comment = tokens.at(-1)?.end ?? 0;
  const tail = line.slice(comment).replaceAll(/(ldapbindpasswd|radiussecrets)=("[^"]*"?|\S+)/g, '$1=[redacted]');
  return tokens
    .filter(({ text }) => SECRET_OPTION.test(text))
    .reduceRight(
      (shown, { text, start, end }) =>
        `${shown.slice(0, start)}${SECRET_OPTION.exec(text)![0]}[redacted]${shown.slice(end)}`,
      line.slice(0, comment) + tail,
    );
}
