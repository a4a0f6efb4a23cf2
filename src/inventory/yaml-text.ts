import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLParseError,
} from 'yaml';
import { UsageError } from '../errors.ts';
import { scalarColumn } from './scalar-column.ts';

/** One error or warning about an inventory, with its place in the text. */
export interface Problem {
  severity: 'error' | 'warning';
  message: string;
  /** Keys and indices from the root to the offending value. */
  path: readonly (string | number)[];
  /** Whether the problem is the key rather than the value. */
  atKey?: boolean;
  /** The character of a text that is at fault (from 0). */
  column?: number;
}

/** The most problems that are reported at once, and with their lines of the text: what fits into ten lines is read. */
const MOST = 9;
const MOST_WITH_LINES = 3;
/** How many columns of a line are shown around the place. */
const WIDTH = 160;
/** How often aliases may be followed; more would expand to something huge. */
const MAX_ALIASES = 100;

/** A text that is no inventory; `messages` describe the problems without a place, for texts that the operator does not have. */
export class BadInventory extends UsageError {
  constructor(
    message: string,
    readonly messages: readonly string[],
    /** Every problem in one line, `file:line:column: severity: message`. */
    readonly problems: readonly string[] = [message.split('\n')[0]!],
  ) {
    super(message);
  }
}

/** Joins formatted problems of an inventory into one error. */
export function badInventory(
  file: string,
  formatted: readonly string[],
  messages: readonly string[] = formatted,
): BadInventory {
  const rest = formatted.length - MOST;
  const problems = formatted.map((one) => one.split('\n')[0]!);
  const shown = formatted.length > MOST_WITH_LINES ? problems : formatted;
  return new BadInventory(
    [...shown.slice(0, MOST), ...(rest > 0 ? [`${file}: and ${rest} more`] : [])].join('\n'),
    messages,
    problems,
  );
}

/** A parsed YAML text that knows the place of each path. */
export class YamlText {
  private readonly lines: string[];
  private readonly counter = new LineCounter();
  readonly document: Document.Parsed;
  /** Settings that override the text, by their path: `-e postgres.port=x`. */
  private readonly overrides: { path: readonly string[]; from: string; kept: number }[] = [];

  /** Parses a text. Throws BadInventory for what is no text, or no YAML. */
  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    this.lines = text.split('\n');
    const binary = text.search(BINARY);
    if (binary >= 0) {
      const before = text.slice(0, binary).split('\n');
      const message = `this is no text: it has a byte 0x${text.charCodeAt(binary).toString(16).padStart(2, '0')} here`;
      throw new BadInventory(this.render('error', message, before.length, before.at(-1)!.length + 1), [message]);
    }
    this.document = parseDocument(text, { lineCounter: this.counter, uniqueKeys: true, prettyErrors: false });
    this.expectSyntax();
    this.expectAliases();
  }

  /** Sets a value on top of the text; `from` is the operator's own words for it. Throws UsageError when it has no place. */
  override(path: readonly string[], value: unknown, from: string): void {
    const kept = this.depthOf(path);
    try {
      this.document.setIn(path, value);
    } catch {
      const stands = path
        .slice(0, -1)
        .findLastIndex((_, index) => !isCollectionAt(this.document, path.slice(0, index + 1)));
      const place = path.slice(0, Math.max(stands, 0) + 1).join('.');
      throw new UsageError(
        `${from}: ${place} is a single value or a list; it has no key "${path[Math.max(stands, 0) + 1]}"`,
      );
    }
    this.overrides.push({ path, from, kept });
  }

  /** Returns the text's value. Throws BadInventory when its aliases expand to something huge. */
  value(): unknown {
    try {
      return this.document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (cause) {
      throw badInventory(this.file, [
        this.render('error', `its aliases (*name) cannot be followed: ${(cause as Error).message}`, 1, 1),
      ]);
    }
  }

  /** Formats a problem as `file:line:column: severity: message` with the offending line and a caret. */
  format(problem: Problem): string {
    const from = this.overrideOf(problem.path);
    if (from) return `${from}: ${problem.severity}: ${problem.message}`;
    // What is missing as a whole stands nowhere.
    if (problem.path.length === 0 && problem.severity === 'warning')
      return `${this.file}: ${problem.severity}: ${problem.message}`;
    const { line, col } = this.counter.linePos(this.offset(problem));
    return this.render(problem.severity, problem.message, line, col);
  }

  /** Returns where a path stands that this text has: `file:line`, or the operator's words that set it. */
  placeOf(path: Problem['path']): string {
    const { line } = this.counter.linePos(this.offset({ severity: 'warning', message: '', path, atKey: true }));
    return this.overrideOf(path) ?? `${this.file}:${line}`;
  }

  /**
   * Returns the operator's words that set this path, or have made the maps that lead to it; undefined where the text does.
   */
  private overrideOf(problem: Problem['path']): string | undefined {
    const shared = (path: readonly string[]) => {
      const differs = path.findIndex((key, index) => key !== String(problem[index]));
      return differs < 0 ? path.length : differs;
    };
    return this.overrides.find(({ path, kept }) => shared(path) > Math.min(kept, path.length - 1))?.from;
  }

  /** Returns how many keys from the root on this text has of a path, those that override it included. */
  depthOf(path: Problem['path']): number {
    const missing = path.findIndex((_key, index) => !this.document.hasIn(path.slice(0, index + 1)));
    return missing < 0 ? path.length : missing;
  }

  /** Throws the parser's first error; one lost brace causes dozens of others. */
  private expectSyntax(): void {
    const [first, ...others] = this.document.errors;
    if (!first) return;
    const { line, col } = this.counter.linePos(first.pos[0]);
    const message = `${this.complaint(first)}${others.length > 0 ? `; and ${others.length} more that may follow from it` : ''}`;
    throw new BadInventory(this.render('error', message, line, col), [message]);
  }

  private complaint({ code, message, pos }: YAMLParseError): string {
    if (/call stack/.test(message)) return 'this is nested too deeply';
    if (code === 'MULTIPLE_DOCS') return 'a second document begins here; an inventory is one';
    if (code === 'DUPLICATE_KEY') return this.duplicate(pos[0]);
    if (/^Nested mappings are not allowed in compact mappings/.test(message)) {
      const rest = /^[^\n#]*/.exec(this.text.slice(pos[0]))![0].trim();
      return `a mapping in one line has braces, and a "{" is missing here: {${rest.replace(/^\{|\}$/g, '')}}`;
    }
    const open = { map: '{', sequence: '[' }[/^Flow (map|sequence) in block/.exec(message)?.[1] ?? ''];
    if (open) return `the "${open}" of line ${this.lineOfUnclosed(open, pos[0])} is not closed`;
    return message;
  }

  /** Says of a key that its map has it already, and where. */
  private duplicate(at: number): string {
    let found = '';
    visit(this.document, {
      Map: (_key, map) => {
        const keys = map.items.map(({ key }) => key as Scalar);
        const second = keys.find((key) => key.range?.[0] === at);
        const first = second && keys.find((key) => String(key.value) === String(second.value));
        if (!first?.range || first === second) return undefined;
        const { line } = this.counter.linePos(first.range[0]);
        const host = this.document.get('hosts') === map;
        found = `${host ? 'the host' : 'the key'} ${String(first.value)} is given twice: it stands in line ${line} already`;
        return visit.BREAK;
      },
    });
    return found || 'this key is given twice; keys must be unique in their map';
  }

  /** Returns the line of the last bracket before a place that nothing has closed. */
  private lineOfUnclosed(open: string, end: number): number {
    const close = open === '{' ? '}' : ']';
    let depth = 0;
    for (let at = end - 1; at >= 0; at--) {
      if (this.text[at] === close) depth++;
      else if (this.text[at] === open && depth-- === 0) return this.counter.linePos(at).line;
    }
    return 1;
  }

  /** Throws for an alias without its anchor, which the parser accepts until the value is read. */
  private expectAliases(): void {
    let lost: Alias | undefined;
    visit(this.document, {
      Alias: (_key, node) => {
        if (node.resolve(this.document)) return undefined;
        lost = node;
        return visit.BREAK;
      },
    });
    if (!lost) return;
    const { line, col } = this.counter.linePos(lost.range?.[0] ?? 0);
    const message = `*${lost.source} refers to the anchor &${lost.source} above it, and there is none; text that begins with * goes in quotes`;
    throw new BadInventory(this.render('error', message, line, col), [message]);
  }

  /** Returns the offset of the nearest node that exists on the problem's path. */
  private offset(problem: Problem): number {
    let node: unknown = this.document.contents;
    let offset = 0;
    for (const [index, key] of problem.path.entries()) {
      const last = index === problem.path.length - 1;
      if (isAlias(node)) node = node.resolve(this.document);
      const pair = isMap(node)
        ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
        : undefined;
      const next = pair
        ? pair.value
        : ((node as { get?: (k: unknown, keep: boolean) => unknown })?.get?.(key, true) ?? null);
      if (pair && isPair(pair) && isScalar(pair.key) && pair.key.range) offset = pair.key.range[0];
      if (!pair && next === null) break;
      const range = (next as Node | null)?.range;
      if (range && !(last && problem.atKey) && !(pair && isMap(next))) offset = range[0];
      node = next;
    }
    return problem.column === undefined ? offset : offset + scalarColumn(this.text, node, problem.column);
  }

  private render(severity: string, message: string, line: number, col: number): string {
    const number = String(line);
    const whole = (this.lines[line - 1] ?? '').replace(/\r$/, '');
    const from = whole.length > WIDTH ? Math.max(0, col - 1 - WIDTH / 2) : 0;
    return [
      `${this.file}:${line}:${col}: ${severity}: ${printable(message)}`,
      `  ${number} | ${printable(whole.slice(from, from + WIDTH))}`,
      `  ${' '.repeat(number.length)} | ${' '.repeat(Math.max(0, col - 1 - from))}^`,
    ].join('\n');
  }
}

/** Characters that no text holds, and YAML does not allow (YAML 1.2.2, 5.1 "Character Set"). */
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f]/;

/** Makes a text harmless to a terminal without changing its length. */
const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (char) => (char === '\t' || char === '\n' ? char : '\ufffd'));

const isCollectionAt = (document: Document, path: readonly string[]): boolean => isMap(document.getIn(path));
