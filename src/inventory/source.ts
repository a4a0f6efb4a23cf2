import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { scalarColumn } from './scalar-column.ts';

/** One thing that is wrong (or doubtful) in an inventory, with the place in the text. */
export interface Problem {
  severity: 'error' | 'warning';
  message: string;
  /** Keys and indices from the root to the offending value. */
  path: readonly (string | number)[];
  /** Point at the key rather than at the value. */
  atKey?: boolean;
  /** Which character of a text is at fault, from 0. */
  column?: number;
}

/** A parsed YAML text that can tell where each path stands. */
export class Source {
  private readonly lines: string[];
  private readonly counter = new LineCounter();
  readonly document: Document.Parsed;

  constructor(
    readonly file: string,
    readonly text: string,
  ) {
    this.lines = text.split('\n');
    this.document = parseDocument(text, { lineCounter: this.counter, uniqueKeys: true, prettyErrors: false });
  }

  /** The YAML parser's own complaints, formatted. */
  syntaxErrors(): string[] {
    return this.document.errors.map((error) => {
      const { line, col } = this.counter.linePos(error.pos[0]);
      return this.render('error', error.message, line, col);
    });
  }

  /** `file:line:column: severity: message` with the offending line and a caret. */
  format(problem: Problem): string {
    const { line, col } = this.counter.linePos(this.offset(problem));
    return this.render(problem.severity, problem.message, line, col);
  }

  /** Offset of the nearest node that exists on the problem's path. */
  private offset(problem: Problem): number {
    let node: unknown = this.document.contents;
    let offset = 0;
    for (const [index, key] of problem.path.entries()) {
      const last = index === problem.path.length - 1;
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
    const text = (this.lines[line - 1] ?? '').replace(/\r$/, '');
    return [
      `${this.file}:${line}:${col}: ${severity}: ${message}`,
      `  ${number} | ${text}`,
      `  ${' '.repeat(number.length)} | ${' '.repeat(Math.max(0, col - 1))}^`,
    ].join('\n');
  }
}
