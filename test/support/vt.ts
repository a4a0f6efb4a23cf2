/**
 * Emulates what a terminal shows for a text: as much of ECMA-48 and of xterm's control sequences as Listr2 and Node's
 * readline write. An unknown sequence throws, so that no test reads a screen that a real terminal would show otherwise.
 */
export class VirtualTerminal {
  private lines: string[][] = [[]];
  /** Lines that continue the one above. */
  private readonly continued = new Set<number>();
  /** The first line of the screen; lines above it have scrolled off. */
  private top = 0;
  private row = 0;
  private column = 0;
  private pending = '';
  cursorVisible = true;

  constructor(
    private rows: number,
    private columns: number,
  ) {}

  /** The visible lines, without trailing blanks. */
  get screen(): string {
    return this.text(this.top);
  }

  /** All lines, beginning with those that have scrolled off. */
  get all(): string {
    return this.text(0);
  }

  /** The same, with wrapped lines joined. */
  get unwrapped(): string {
    return this.text(0, true);
  }

  /** The cursor's line, up to the cursor. */
  get beforeCursor(): string {
    return Array.from({ length: this.column }, (_, index) => this.line(this.row)[index] ?? ' ').join('');
  }

  /** Resizes the terminal; lines are not wrapped again, as in xterm. */
  resize(rows: number, columns: number): void {
    this.rows = rows;
    this.columns = columns;
    this.top = Math.max(this.top, this.lines.length - rows);
  }

  /** Shows the next text; a sequence may be cut anywhere. */
  write(text: string): void {
    this.pending += text;
    while (this.pending !== '') {
      const token = /^(?:\x1b\[([<-?]?[\d;]*)([@-~])|\x1b([^[])|[^\x1b])/u.exec(this.pending);
      if (!token) {
        if (this.pending.length > 20) throw new Error(`not a control sequence: ${JSON.stringify(this.pending)}`);
        return;
      }
      this.pending = this.pending.slice(token[0].length);
      if (token[2] !== undefined) this.control(token[1]!, token[2], token[0]);
      else if (token[3] !== undefined) throw new Error(`unknown sequence ${JSON.stringify(token[0])}`);
      else this.character(token[0]);
    }
  }

  private character(one: string): void {
    if (one === '\r') this.column = 0;
    else if (one === '\n') this.down();
    else if (one === '\b') this.column = Math.max(0, this.column - 1);
    else if (one === '\t') this.column = Math.min(this.columns - 1, (Math.floor(this.column / 8) + 1) * 8);
    else if (one === '\x07') return;
    else if (one < ' ' || one === '\x7f') throw new Error(`unknown control character ${JSON.stringify(one)}`);
    else {
      // A full line wraps only when the next character comes.
      if (this.column >= this.columns) {
        this.column = 0;
        this.down();
        this.continued.add(this.row);
      }
      const line = this.line(this.row);
      while (line.length < this.column) line.push(' ');
      line[this.column++] = one;
    }
  }

  private control(parameters: string, final: string, sequence: string): void {
    const [first, second] = parameters.split(';').map((word) => (word === '' ? undefined : Number(word)));
    const by = Math.max(1, first ?? 1);
    if (final === 'm') return;
    if (final === 'A') this.row = Math.max(this.top, this.row - by);
    else if (final === 'B') this.row = Math.min(this.top + this.rows - 1, this.row + by);
    else if (final === 'C') this.column = Math.min(this.columns - 1, this.column + by);
    else if (final === 'D') this.column = Math.max(0, Math.min(this.column, this.columns - 1) - by);
    else if (final === 'G') this.column = Math.min(this.columns, by) - 1;
    else if (final === 'H') {
      this.row = this.top + Math.min(this.rows, by) - 1;
      this.column = Math.min(this.columns, Math.max(1, second ?? 1)) - 1;
    } else if (final === 'K') this.eraseLine(first ?? 0);
    else if (final === 'J') this.eraseScreen(first ?? 0);
    else if (sequence === '\x1b[?25h') this.cursorVisible = true;
    else if (sequence === '\x1b[?25l') this.cursorVisible = false;
    else throw new Error(`unknown sequence ${JSON.stringify(sequence)}`);
  }

  private eraseLine(how: number): void {
    const line = this.line(this.row);
    if (how === 0) line.length = Math.min(line.length, this.column);
    else if (how === 2) line.length = 0;
    if (line.length === 0) this.continued.delete(this.row);
    if (how === 1) throw new Error(`unknown way to erase a line: ${how}`);
  }

  private eraseScreen(how: number): void {
    if (how === 0) {
      this.eraseLine(0);
      this.empty(this.row + 1);
    } else if (how === 2) this.empty(this.top);
    else throw new Error(`unknown way to erase the screen: ${how}`);
  }

  private empty(from: number): void {
    for (let row = from; row < this.lines.length; row++) {
      this.lines[row] = [];
      this.continued.delete(row);
    }
  }

  private down(): void {
    this.row++;
    if (this.row >= this.top + this.rows) this.top = this.row - this.rows + 1;
    this.line(this.row);
  }

  private line(row: number): string[] {
    while (this.lines.length <= row) this.lines.push([]);
    return this.lines[row]!;
  }

  private text(from: number, unwrap = false): string {
    return this.lines
      .slice(from)
      .map((line, index) => {
        const text = Array.from(line, (one) => one ?? ' ').join('');
        const goesOn = unwrap && this.continued.has(from + index + 1);
        return goesOn ? text : `${text.trimEnd()}\n`;
      })
      .join('')
      .trimEnd();
  }
}
