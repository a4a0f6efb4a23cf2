import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KEEPALIVE_MS } from '../bounds/hosts.ts';
import type { Askpass } from './askpass.ts';
import { DROPPED, type Failure, lastLines } from './hop.ts';
import type { Opened } from './jump-connections.ts';
import type { Login } from './login.ts';
import { opensshConfig, type Through } from './openssh.ts';
import { type ProgramStream, startProgram } from './program-stream.ts';
import type { SshTarget } from './target.ts';

/** Settings of the operator's that would make something else of a connection than a login of hapg's. */
const NOT_OURS = ['RemoteCommand=none', 'RequestTTY=no', 'ClearAllForwardings=yes', 'ForwardX11=no', 'ForwardAgent=no'];

/** Number of the next client; its files are named by it. */
let next = 0;

interface Client {
  /** The words of a client of this target. */
  args: (...options: string[]) => string[];
  socket: string;
  config: string;
}

/** Writes the configuration of a target's clients. */
function clientOf(target: SshTarget, asking: Askpass, timeoutMs: number, through: Through | undefined): Client {
  const name = join(asking.directory, String(++next));
  const config = `${name}.conf`;
  writeFileSync(config, opensshConfig(target, through), { mode: 0o600 });
  // Where a new key would be kept.
  mkdirSync(dirname(target.knownHosts[0]!), { recursive: true, mode: 0o700 });
  const options = [
    ...NOT_OURS,
    // An empty answer would count as a wrong password there.
    ...(asking.answersAll ? [] : ['PasswordAuthentication=no', 'KbdInteractiveAuthentication=no']),
    'NumberOfPasswordPrompts=1',
    // What a host has to say before it ends a login comes as a banner, which is shown from this level on.
    'LogLevel=INFO',
    `ConnectTimeout=${Math.ceil((target.connectMs ?? timeoutMs) / 1000)}`,
    `ServerAliveInterval=${KEEPALIVE_MS / 1000}`,
    'ServerAliveCountMax=3',
    'ControlPersist=no',
    `ControlPath=${name}`,
  ];
  return {
    config,
    socket: name,
    args: (...more) => ['-F', config, '-T', ...[...options, ...more].flatMap((option) => ['-o', option]), target.alias],
  };
}

/** What the client's words mean, in the codes of `describe`; the first that fits counts. */
const MEANINGS: [words: RegExp, code: Pick<Failure, 'code' | 'level'>][] = [
  [/Permission denied|Too many authentication failures/, { level: 'client-authentication' }],
  [/Could not resolve hostname/, { code: 'ENOTFOUND' }],
  [/Connection refused/, { code: 'ECONNREFUSED' }],
  [/timed out/, { code: 'ETIMEDOUT' }],
];

/** The client's own words about a connection that ended, which say nothing of the reason. */
const ENDED =
  /^(?:(?:kex|ssh)_exchange_identification|Connection (?:closed|reset) by|client_loop|Disconnected from|Received disconnect from .*:\d+: *$)/;

/** Why a client ended, in its own words or those of the host; undefined for one that ended by a signal or without a word. */
function failureOf(client: ProgramStream): Failure | undefined {
  if (client.code !== 255 || client.said.length === 0) return undefined;
  const said = client.said.slice(-2).join('; ');
  if (/Host key verification failed/.test(said))
    return new Error(`${said}. Compare the key with what the host's console shows, and run "hapg trust"`);
  const [words, meaning] = MEANINGS.find(([one]) => client.said.some((line) => one.test(line))) ?? [];
  if (words) return Object.assign(new Error(client.said.findLast((line) => words.test(line))), meaning);
  const others = lastLines(client.said.filter((line) => !ENDED.test(line)).join('\n'));
  if (others === '') return Object.assign(new Error(''), { level: DROPPED });
  return new Error(client.said.some((line) => ENDED.test(line)) ? `the host ended the login: ${others}` : others);
}

/**
 * A login by the OpenSSH client: its first command's process is the connection (ssh(1), ControlMaster), later ones use it.
 * The connection ends with that process.
 */
export function opensshLogin(
  target: SshTarget,
  { asking, timeoutMs, through }: { asking: Askpass; timeoutMs: number; through?: Through | undefined },
): Login {
  const { args } = clientOf(target, asking, timeoutMs, through);
  const start = (master: 'yes' | 'no', command: string) =>
    startProgram('ssh', [...args(`ControlMaster=${master}`, 'PermitLocalCommand=no'), command], {
      env: asking.environment,
    });
  let master: ProgramStream | undefined;
  return {
    get isAsking() {
      return asking.waiting > 0;
    },
    get failure() {
      return master && failureOf(master);
    },
    exec: async (command) => (master ? start('no', command) : (master = start('yes', command))),
    onEnd: (listener) => master?.once('close', listener),
    end: () => master?.close(),
  };
}

/** Runs ssh until the end of the own input, which comes with the end of hapg, however that ends. */
const UNTIL_END_OF_INPUT = `exec 3<&0
ssh "$@" & pid=$!
trap 'kill $pid' TERM
{ cat <&3; kill $pid; } > /dev/null 2>&1 &
wait $pid`;

/** Printed by the client on this machine once it is logged in (ssh_config(5), LocalCommand). */
const READY = 'hapg-ready';

/**
 * Opens a connection on a jump host that other clients go through. It ends with this process too, since its shell waits
 * for the end of its input. Rejects with the client's words.
 */
export function openJump(
  target: SshTarget,
  { asking, timeoutMs, through }: { asking: Askpass; timeoutMs: number; through?: Through | undefined },
): Promise<Opened<Through>> {
  const { args, socket, config } = clientOf(target, asking, timeoutMs, through);
  // A jump host may forbid every command (ForceCommand), so none is run there.
  const words = args('ControlMaster=yes', 'PermitLocalCommand=yes', `LocalCommand=echo ${READY}`);
  const client = startProgram('sh', ['-c', UNTIL_END_OF_INPUT, 'ssh', '-N', ...words], { env: asking.environment });
  return new Promise((resolve, reject) => {
    const expire = (): NodeJS.Timeout =>
      setTimeout(() => {
        if (asking.waiting > 0) timer = expire();
        else client.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
      }, timeoutMs);
    let timer = expire();
    let out = '';
    let error: Error | undefined;
    client.on('error', (cause) => {
      error = cause;
    });
    client.on('close', () => {
      clearTimeout(timer);
      reject(error ?? failureOf(client) ?? new Error('the connection was lost'));
    });
    client.on('data', (chunk: Buffer) => {
      out += chunk.toString('latin1');
      if (!out.includes(READY)) return;
      clearTimeout(timer);
      resolve({
        link: { config, socket, alias: target.alias },
        onEnd: (listener) => client.once('close', listener),
        end: () => client.close(),
      });
    });
  });
}
