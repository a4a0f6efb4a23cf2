import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STORE_EMPTY_MS, STORE_POLL_MS, STORE_WAIT_MS } from '../bounds/controller.ts';
import { EXIT, KnownError } from '../errors.ts';
import { whoAmI } from '../whoami.ts';
import { onDisk } from './durable-file.ts';

/** The present writer of the store; the content of the lock file. */
interface Owner {
  token: string;
  host: string;
  pid: number;
  /** When the process began, as the kernel reports it; distinguishes it from a later one with the same number. */
  began?: string | undefined;
  command: string;
  by: string;
  since: string;
}

/** Locks of this process: one with its number and another token was left by an earlier process. */
const own = new Set<string>();

/** Returns when a process began (clock ticks since the boot; proc(5), /proc/pid/stat, field 22); undefined when unknown. */
function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name, in brackets, which may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    // EPERM: it exists, and is another user's.
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = beganAt(pid);
  return began === undefined || now === undefined || now === began;
}

const describe = (token: string): Owner => ({
  token,
  host: hostname(),
  pid: process.pid,
  began: beganAt(process.pid),
  command: /^[a-z-]+$/.test(process.argv[2] ?? '') ? process.argv[2]! : '',
  by: whoAmI(),
  since: new Date().toISOString(),
});

function ownerIn(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner;
    return typeof owner.pid === 'number' && typeof owner.host === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the run that left the lock has ended; never known for another machine. */
function isStale(file: string, owner: Owner | undefined): boolean {
  if (!owner) return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > STORE_EMPTY_MS;
  if (owner.host !== hostname()) return false;
  return owner.pid === process.pid ? !own.has(owner.token) : !isAlive(owner);
}

/** Removes a stale lock; one that another writer has made meanwhile is put back. */
function clearAway(file: string, stale: string): void {
  const aside = `${file}.stale`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw cause;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Makes the lock file; false when somebody else has it. */
function make(file: string, owner: Owner): boolean {
  try {
    writeFileSync(file, `${JSON.stringify(owner)}\n`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
};

async function take(file: string, token: string, waitMs: number): Promise<void> {
  const end = Date.now() + waitMs;
  for (;;) {
    const holder = onDisk(`${file} cannot be made`, () => {
      if (make(file, describe(token))) return 'nobody';
      const text = textOf(file);
      if (text === undefined) return 'gone';
      const owner = ownerIn(text);
      if (!isStale(file, owner)) return owner ?? 'unknown';
      clearAway(file, text);
      return 'gone';
    });
    if (holder === 'nobody') return;
    if (holder === 'gone') continue;
    if (Date.now() >= end)
      throw new KnownError(
        holder === 'unknown'
          ? `${file}: another run is changing the secret store; nothing was changed`
          : `${file}: hapg ${holder.command} by ${holder.by} (pid ${holder.pid}) has been changing the secret store since ${holder.since}; nothing was changed. Wait for it${holder.host === hostname() ? '' : `, or remove the file where that run on ${holder.host} has ended`}`,
        EXIT.locked,
      );
    await sleep(STORE_POLL_MS);
  }
}

/**
 * Runs `work` as the only writer of a cluster's state directory on this machine. The lock is a file that names its
 * holder for an operator; it does not count once its process is gone. Throws KnownError (exit 3) after `waitMs`.
 */
export async function withStoreLock<T>(stateDir: string, work: () => Promise<T>, waitMs = STORE_WAIT_MS): Promise<T> {
  const file = join(stateDir, 'lock');
  const token = randomUUID();
  own.add(token);
  try {
    await take(file, token, waitMs);
    try {
      return await work();
    } finally {
      if (ownerIn(textOf(file) ?? '')?.token === token) rmSync(file, { force: true });
    }
  } finally {
    own.delete(token);
  }
}
