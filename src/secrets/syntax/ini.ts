import { REDACTED, Secret } from '../../secret.ts';
import { conceal, isPlace, namesSecret } from '../suspect.ts';
import { linesOf, lineText, type Part } from '../text.ts';
import type { ShownText } from './lines.ts';

interface IniLine {
  section: string;
  /** undefined: the line opens the section. */
  key: string | undefined;
  value: string;
  raw: string;
  /** The value is a secret of ours. */
  secret: boolean;
}

/** The lines as pgBackRest reads them (ini.c): comments begin with `#`, the first `=` ends the key. Undefined when it would not. */
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
 * What may be shown of a file of sections and options; undefined when it is not one. `wanted` is the text that hapg would
 * write: options that hold secrets there hold secrets here, and what stands there in plain may be shown here.
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
    // Somebody may take the rest of a line for a comment; to pgBackRest it is a part of the value.
    const [, plainly = '', remark = ''] = /^(.*?)(\s[#;].*)?$/.exec(value) ?? [];
    const [name, rest] = [conceal(key), conceal(plainly)];
    found.push(...name.found, ...rest.found, ...(remark ? [remark.trim().slice(1).trim()] : []));
    return { place, text: `${name.text}=${rest.text}${remark && ` ${REDACTED}`}`, raw };
  });
  return { lines: shown, found };
}
