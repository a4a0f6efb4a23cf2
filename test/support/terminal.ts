import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { words } from '../../src/shell/quote.ts';
import { VirtualTerminal } from './vt.ts';

/** Keys as a terminal sends them. */
export const KEY = { enter: '\r', ctrlC: '\x03', ctrlD: '\x04', ctrlZ: '\x1a', ctrlBackslash: '\x1c' } as const;

/** Bound after which a hanging program ends its test (ms); nothing else depends on it. */
const PATIENCE_MS = 60_000;

/** Descriptor on which a test program may wait for the test. */
export const GO_ON_FD = 4;

/** Text that is printed after a command that has left the terminal with changed settings. */
const SPOILT = 'the settings of the terminal are not what they were';

/** The reason why no command can run in a terminal here; undefined where it can. `script` is util-linux's. */
export function noTerminal(): string | undefined {
  const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return stdout?.includes('util-linux') ? undefined : 'there is no script(1) of util-linux';
}

export interface TerminalOptions {
  rows?: number;
  columns?: number;
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** More shell after the command, such as a redirection. */
  redirect?: string;
}

/** A command in a terminal of its own, which a test can read and type into. */
export class Terminal {
  private readonly view: VirtualTerminal;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();
  /** All output of the command, with control sequences. */
  raw = '';
  /** The command's exit status, once it has ended. */
  readonly ended: Promise<number>;
  private code: number | undefined;
  /** The terminal's own name, such as /dev/pts/3. */
  private device = '';

  /**
   * Starts a command in a new pseudo terminal, which becomes its controlling terminal. script(1) needs no terminal
   * itself, and forwards its standard input.
   */
  constructor(command: readonly string[], { rows = 24, columns = 80, env, cwd, redirect = '' }: TerminalOptions = {}) {
    this.view = new VirtualTerminal(rows, columns);
    // Ctrl-C goes to the shell as well; it has to survive to report the terminal's settings.
    const shell = `trap : INT QUIT TSTP; tty >&3; exec 3>&-; stty rows ${rows} cols ${columns}; was=$(stty -g); ${words(...command)} ${redirect}; code=$?; [ "$was" = "$(stty -g)" ] || printf '\\n%s\\n' ${words(SPOILT)}; exit $code`;
    this.child = spawn('script', ['-qefc', shell, '/dev/null'], {
      cwd,
      env: { ...process.env, TERM: 'xterm-256color', CI: undefined, NO_COLOR: undefined, SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
    });
    (this.child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => {
      this.device += chunk.toString().trim();
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      this.view.write(text);
      for (const listener of this.listeners) listener();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code) => {
        this.code = code ?? -1;
        for (const listener of this.listeners) listener();
        resolve(this.code);
      });
    });
    this.ended.catch(() => undefined);
  }

  /** The visible screen. */
  get screen(): string {
    return this.view.screen;
  }

  /** Everything shown so far, including lines that have scrolled off. */
  get all(): string {
    return this.view.all;
  }

  /** The same, with wrapped lines joined. */
  get unwrapped(): string {
    return this.view.unwrapped;
  }

  /** The text before the cursor in its line. */
  get beforeCursor(): string {
    return this.view.beforeCursor;
  }

  get cursorVisible(): boolean {
    return this.view.cursorVisible;
  }

  /** Whether the command has put the terminal's settings (echo, line editing, signals) back; to be asked when it has ended. */
  get isAsItWas(): boolean {
    return !this.raw.includes(SPOILT);
  }

  /** Resizes the terminal, as with the mouse; the command gets SIGWINCH. */
  resize(rows: number, columns: number): void {
    this.view.resize(rows, columns);
    execFileSync('stty', ['-F', this.device, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** Continues a test program that waits for a byte from GO_ON_FD; no key is pressed. */
  goOn(): void {
    (this.child.stdio[GO_ON_FD] as NodeJS.WritableStream).write('.');
  }

  /** Types keys. */
  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  /** Waits until the screen shows something; rejects with the screen when the command ends before, or never does. */
  async sees(what: string | RegExp): Promise<void> {
    await this.until(JSON.stringify(String(what)), () =>
      typeof what === 'string' ? this.screen.includes(what) : what.test(this.screen),
    );
  }

  /** Waits until a condition holds for this terminal. */
  until(what: string, isSo: (terminal: Terminal) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        done();
        reject(new Error(`${what}: ${why}. The screen:\n${this.screen}\n(end of the screen)`));
      };
      const timer = setTimeout(() => fail('not seen'), PATIENCE_MS);
      const done = () => {
        clearTimeout(timer);
        this.listeners.delete(look);
      };
      const look = () => {
        if (isSo(this)) {
          done();
          resolve();
        } else if (this.code !== undefined) fail(`the command has ended with ${this.code}`);
      };
      this.listeners.add(look);
      look();
    });
  }

  /** Ends the command if it still runs; to be called at the end of a test. */
  close(): void {
    if (this.code === undefined) this.child.kill('SIGHUP');
  }
}
