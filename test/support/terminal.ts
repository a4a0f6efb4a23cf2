import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { words } from '../../src/shell/quote.ts';
import { VirtualTerminal } from './vt.ts';

/** Keys as a terminal sends them. */
export const KEY = { enter: '\r', ctrlC: '\x03', ctrlD: '\x04', ctrlZ: '\x1a', ctrlBackslash: '\x1c' } as const;

/** A program that hangs ends its test after so many milliseconds; nothing else depends on it. */
const PATIENCE_MS = 60_000;

/** The descriptor from which a program that is made for a test may wait for the test. */
export const GO_ON_FD = 4;

/** What is printed behind a command that has left the terminal with other settings than it had. */
const SPOILT = 'the settings of the terminal are not what they were';

/** Why no command can be run in a terminal here; undefined where it can. `script` is util-linux's. */
export function noTerminal(): string | undefined {
  const { stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return stdout?.includes('util-linux') ? undefined : 'there is no script(1) of util-linux';
}

export interface TerminalOptions {
  rows?: number;
  columns?: number;
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** More shell, such as a redirection, behind the command. */
  redirect?: string;
}

/** A command in a terminal of its own, which a test can look at and type into. */
export class Terminal {
  private readonly view: VirtualTerminal;
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();
  /** All that the command has sent, with control sequences. */
  raw = '';
  /** The command's exit status, once it has ended. */
  readonly ended: Promise<number>;
  private code: number | undefined;
  /** The terminal's own name, such as /dev/pts/3. */
  private device = '';

  /**
   * Starts a command in a new pseudo terminal: its controlling terminal, whatever this process has. script(1) needs no
   * terminal itself, and hands on what is written to its standard input.
   */
  constructor(command: readonly string[], { rows = 24, columns = 80, env, cwd, redirect = '' }: TerminalOptions = {}) {
    this.view = new VirtualTerminal(rows, columns);
    // Ctrl-C goes to the shell as well; it has to live on to tell how the terminal was left.
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

  /** What a person sees now. */
  get screen(): string {
    return this.view.screen;
  }

  /** What has been shown so far, with the lines that have scrolled away. */
  get all(): string {
    return this.view.all;
  }

  /** The same, with long lines in one piece. */
  get unwrapped(): string {
    return this.view.unwrapped;
  }

  /** What stands before the cursor in its line. */
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

  /** Gives the terminal another size, as a person does with the mouse; the command gets SIGWINCH. */
  resize(rows: number, columns: number): void {
    this.view.resize(rows, columns);
    execFileSync('stty', ['-F', this.device, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** Lets a program of ours go on that waits for a byte from GO_ON_FD; no key is pressed. */
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

  /** Waits until something is so of this terminal. */
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

  /** Ends what still runs; to be called when a test is over. */
  close(): void {
    if (this.code === undefined) this.child.kill('SIGHUP');
  }
}
