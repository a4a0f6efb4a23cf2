import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoWords } from '../file-trouble.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import type { Problem } from '../inventory/yaml-text.ts';
import { agentKeys } from './agent.ts';
import { isPublic, publicHalf } from './auth.ts';
import { clientConfig } from './client-config.ts';
import { expandPath } from './ssh-config.ts';
import { resolveTarget, type SshFlags } from './target.ts';

/**
 * What is wrong with a key file. `elsewhere`: on another machine the same inventory may be right, so that a check of the
 * inventory alone says nothing of it.
 */
interface KeyTrouble {
  words: string;
  elsewhere: boolean;
}

/**
 * Judges the file of a key that the inventory or a flag names. A key with a passphrase is none the worse; a public half
 * stands for the private one that an agent holds. Returns undefined for a key that can be offered.
 */
async function keyTrouble(file: string, held: () => Promise<readonly Buffer[]>): Promise<KeyTrouble | undefined> {
  let key: Buffer;
  const half = `${file}.pub`;
  try {
    key = readFileSync(existsSync(file) || !existsSync(half) ? file : half);
  } catch (cause) {
    const isLost = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const words = isLost ? 'there is no such file' : (errnoWords(cause) ?? (cause as Error).message);
    return { words, elsewhere: isLost };
  }
  if (!isPublic(key)) return undefined;
  const blob = publicHalf(key);
  if ((await held()).some((one) => blob?.equals(one))) return undefined;
  return { words: 'it is a public key, and no agent holds its private half; name the private key', elsewhere: false };
}

/** Returns where the key of a host is written: at the host, or for all hosts. */
const pathOf = ({ settings }: Cluster, { name }: Host): string[] =>
  settings.hosts[name]?.ssh?.key === undefined ? ['ssh', 'key'] : ['hosts', name, 'ssh', 'key'];

/** The keys of an agent, by its socket; asked once. */
function agents(): (socket: string | undefined) => Promise<readonly Buffer[]> {
  const asked = new Map<string, Promise<Buffer[]>>();
  return async (socket) => {
    if (socket === undefined) return [];
    if (!asked.has(socket))
      asked.set(
        socket,
        agentKeys(socket).then((keys) => keys.map((key) => key.getPublicSSH())),
      );
    return asked.get(socket)!;
  };
}

export interface KeysOf {
  flags?: SshFlags;
  /** The hosts whose keys are judged; all by default. */
  hosts?: readonly Host[];
  /** Whether this is the machine that connects; else a file that is not there is no problem, and the rest warnings. */
  isHere: boolean;
}

/**
 * Returns what is wrong with the keys that an inventory names, each place once; with `--private-key` in the flags, what is
 * wrong with that one instead. Contacts nobody but the agent of this machine.
 */
export async function keyProblems(
  cluster: Cluster,
  { flags = {}, hosts = cluster.hosts, isHere }: KeysOf,
): Promise<Problem[]> {
  const heldBy = agents();
  const config = clientConfig();
  const problems = new Map<string, Problem>();
  for (const host of hosts) {
    const key = flags.privateKey ?? host.ssh.key;
    const path = flags.privateKey === undefined ? pathOf(cluster, host) : [];
    if (key === undefined || problems.has(path.join())) continue;
    const base = flags.privateKey === undefined ? dirname(cluster.file) : process.cwd();
    const agentOf = async () => (await resolveTarget(cluster, host, flags, config)).agent;
    const trouble = await keyTrouble(expandPath(key, base), async () => heldBy(await agentOf()));
    if (!trouble || (trouble.elsewhere && !isHere)) continue;
    const message = `the private key ${key}: ${trouble.words}`;
    problems.set(path.join(), { severity: isHere ? 'error' : 'warning', path, message });
  }
  return [...problems.values()];
}
