import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SOCKET_DIR } from '../../src/programs/postgres.ts';

const ROOT = '/usr/lib/postgresql';
const PORT = 54329;

/** The newest major version of which this machine has a server; undefined without one, or where nobody else can be become. */
export const MAJOR: string | undefined =
  process.getuid?.() === 0 && existsSync(ROOT)
    ? readdirSync(ROOT)
        .filter((name) => existsSync(join(ROOT, name, 'bin/initdb')))
        .sort((a, b) => Number(a) - Number(b))
        .at(-1)
    : undefined;

/** A server of PostgreSQL on a socket in a directory of its own, without TCP. */
export class PrivateServer {
  readonly binDir = join(ROOT, MAJOR!, 'bin');
  private readonly directory = mkdtempSync(join(tmpdir(), 'hapg-postgres-'));
  readonly port = PORT;

  constructor() {
    execFileSync('chown', ['postgres:', this.directory]);
    this.as('initdb', '-D', this.data, '-A', 'trust', '-N', '-U', 'postgres', '--locale=C.UTF-8', '-E', 'UTF8');
    const settings = `-k ${this.directory} -p ${PORT} -c listen_addresses= -c shared_buffers=16MB -c fsync=off -c max_connections=20`;
    this.as('pg_ctl', '-D', this.data, '-s', '-w', '-l', join(this.directory, 'log'), '-o', settings, 'start');
  }

  private get data(): string {
    return join(this.directory, 'data');
  }

  private as(program: string, ...args: readonly string[]): void {
    execFileSync('runuser', ['-u', 'postgres', '--', join(this.binDir, program), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      cwd: '/',
    });
  }

  /** Runs sh as a host would; hosts have their socket elsewhere. Returns its output, and throws with its complaint. */
  sh(script: string): string {
    const { status, stdout, stderr } = spawnSync('sh', [], {
      input: script.replaceAll(SOCKET_DIR, this.directory),
      encoding: 'utf8',
      cwd: '/',
    });
    if (status !== 0 || stderr.replace(/.*FATAL: {2}database .* does not exist\n/, ''))
      throw new Error(`${stdout}${stderr}`);
    return stdout;
  }

  /** Runs SQL as the superuser, or as another role, and returns bare values. */
  sql(text: string, database = 'postgres', user = 'postgres'): string {
    return execFileSync(
      join(this.binDir, 'psql'),
      [
        '-XAtq',
        '-v',
        'ON_ERROR_STOP=1',
        '-h',
        this.directory,
        '-p',
        String(PORT),
        '-U',
        user,
        '-d',
        database,
        '-f',
        '-',
      ],
      { input: text, encoding: 'utf8', cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] },
    ).trim();
  }

  /** Opens a session of a role and waits until the server has it; the returned function ends it. */
  async session(database: string, user: string): Promise<() => void> {
    const child = spawn(
      join(this.binDir, 'psql'),
      ['-X', '-h', this.directory, '-p', String(PORT), '-U', user, '-d', database, '-c', 'select pg_sleep(60)'],
      { cwd: '/', stdio: 'ignore' },
    );
    const there = () => this.sql(`select count(*) from pg_stat_activity where usename = '${user}'`);
    for (let looks = 0; there() !== '1'; looks++) {
      assert.ok(looks < 100, `${user} is not there`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return () => {
      this.sql(`select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = '${user}'`);
      child.kill();
    };
  }

  stop(): void {
    this.as('pg_ctl', '-D', this.data, '-s', '-m', 'immediate', 'stop');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
