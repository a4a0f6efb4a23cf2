import { REDACTED, Secret } from '../../secret.ts';
import { conceal, isPlace, namesSecret } from '../suspect.ts';
import { linesOf, lineText, type Part } from '../text.ts';
import type { ShownText } from './lines.ts';

interface IniLine {
  section: string;
  /** The key; undefined for the line that opens the section. */
  key: string | undefined;
  value: string;
  raw: string;
  /** Whether the value is a secret of hapg's. */
  secret: boolean;
}

/** Parses lines as pgBackRest does (ini.c): comments begin with `#`, the first `=` ends the key. Undefined when it would fail. */
function parse(lines: readonly (readonly Part[])[]): IniLine[] | undefined {
  let section = '';
  const all: IniLine[] = [];
  for (const line of lines) {
    const raw = lineText(line).trim();
    if (!raw || raw.startsWith('#') || raw.startsWith(';')) continue;
    const opened = /^\[([^[\]]+)\]$/.exec(raw)?.[1];
    const at = raw.indexOf('=');
    if (opened !== undefined) {
      section = opened;
      all.push({ section, key: undefined, value: '', raw, secret: false });
    } else if (at > 0 && !raw.startsWith('['))
      all.push({
        section,
        key: raw.slice(0, at).trim(),
        value: raw.slice(at + 1).trim(),
        raw,
        secret: line.some((part) => part instanceof Secret),
      });
    else return undefined;
  }
  return all;
}

/**
 * Returns the lines of a file of sections and options that may be shown; undefined when it is not one. `wanted` is the
 * text that hapg would write: options with secrets there have secrets here, and its plain values may be shown here.
 */
export function showIni(text: string | Secret, wanted: Secret): ShownText | undefined {
  const ours = parse(linesOf(wanted));
  const lines = parse(linesOf(text));
  if (!ours || !lines) return undefined;
  const secretKeys = new Set(ours.flatMap(({ key, secret }) => (key !== undefined && secret ? [key] : [])));
  const plain = new Set(ours.flatMap(({ raw, secret }) => (secret ? [] : [raw])));
  const found: string[] = [];
  const shown = lines.map(({ section, key, value, raw, secret }) => {
    const place = section;
    if (!secret && plain.has(raw)) return { place, text: raw, raw };
    if (key === undefined) {
      const name = conceal(section);
      found.push(...name.found);
      return { place, text: `[${name.text}]`, raw };
    }
    if (secret || secretKeys.has(key) || (namesSecret(key) && !isPlace(key, value))) {
      found.push(value);
      return { place, text: `${conceal(key).text}=${REDACTED}`, raw };
    }
    // An operator may mean the rest of a line as a comment; to pgBackRest it is a part of the value.
    const [, plainly = '', remark = ''] = /^(.*?)(\s[#;].*)?$/.exec(value) ?? [];
    const [name, rest] = [conceal(key), conceal(plainly)];
    found.push(...name.found, ...rest.found, ...(remark ? [remark.trim().slice(1).trim()] : []));
    return { place, text: `${name.text}=${rest.text}${remark && ` ${REDACTED}`}`, raw };
  });
  return { lines: shown, found };
}
