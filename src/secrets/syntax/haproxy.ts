import { REDACTED, Secret } from '../../secret.ts';
import { conceal, namesSecret } from '../suspect.ts';
import { linesOf, lineText } from '../text.ts';
import type { ShownLine, ShownText } from './lines.ts';

/** Splits a line into words, as HAProxy does (configuration manual, 2.2 "Quoting and escaping"); undefined for an open quote. */
function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  const word = /\s*(?:(#.*)|((?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\#])+)|$)/y;
  for (let at = 0; at < line.length; ) {
    word.lastIndex = at;
    const match = word.exec(line);
    if (!match) return undefined;
    if (match[2] === undefined) break;
    words.push(match[2]);
    at = word.lastIndex;
  }
  return words;
}

/** Returns how many words of a line may be shown before a secret; undefined when there is none. */
function secretWord(words: readonly string[]): number | undefined {
  if (words[0] === 'stats' && words[1] === 'auth') return 2;
  if (words[0] === 'user') {
    const at = words.findIndex((word) => word === 'password' || word === 'insecure-password');
    return at < 0 ? 2 : at + 1;
  }
  const at = words.findIndex((word) => namesSecret(word));
  return at < 0 ? undefined : at + 1;
}

/**
 * Returns the lines of an HAProxy configuration that may be shown. `wanted` is the text that hapg would write: its
 * plain lines may be shown anywhere. In other lines everything after a word that announces a secret is left out, and so
 * are comments.
 */
export function showHaproxy(text: string | Secret, wanted: Secret): ShownText {
  const plainLines = linesOf(wanted)
    .filter((line) => !line.some((part) => part instanceof Secret))
    .map((line) => lineText(line).trim());
  const plain = new Set(plainLines);
  const plainWords = new Set(plainLines.flatMap((line) => wordsOf(line) ?? []));
  const found: string[] = [];
  let place = '';
  const lines = linesOf(text).flatMap((line): ShownLine[] => {
    const raw = lineText(line);
    const trimmed = raw.trim();
    if (!trimmed || trimmed.startsWith('#')) return [];
    const indent = /^\s*/.exec(raw)![0].replaceAll('\t', '    ');
    const words = wordsOf(trimmed);
    if (indent === '') place = (words ?? []).slice(0, 2).join(' ');
    const secrets = line.filter((part) => part instanceof Secret);
    if (secrets.length > 0) {
      found.push(...secrets.map((part) => part.reveal()));
      return [{ place, text: line.join(''), raw }];
    }
    const shown = (words: string) => [{ place, text: `${indent}${words}`, raw }];
    if (plain.has(trimmed)) return shown(trimmed);
    // A single word that hapg does not write is no directive.
    if (!words || (words.length === 1 && !plainWords.has(words[0]!))) {
      found.push(...trimmed.split(/\s+/).filter((word) => !plainWords.has(word)));
      return shown(REDACTED);
    }
    const at = secretWord(words);
    const open = conceal(words.slice(0, at).join(' '));
    found.push(...open.found);
    if (at === undefined || at >= words.length) return shown(open.text);
    const [first = '', ...rest] = words.slice(at);
    const user = words[0] === 'stats' ? first.slice(0, first.indexOf(':') + 1) : '';
    found.push(first.slice(user.length), ...rest.filter((word) => !plainWords.has(word)));
    return shown(`${open.text} ${conceal(user).text}${REDACTED}`);
  });
  return { lines, found };
}
