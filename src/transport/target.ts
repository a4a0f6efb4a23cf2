import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import type { Cluster, Host, SshSettings } from '../inventory/model.ts';
import { home, userName } from '../whoami.ts';
import { clientConfig } from './client-config.ts';
import type { ClientConfig, Directives } from './directives.ts';
import { expandPath, expandTokens, expandVariables } from './ssh-config.ts';

/** Flags of the command line that win over the inventory. */
export interface SshFlags {
  user?: string | undefined;
  privateKey?: string | undefined;
  jump?: string | undefined;
}

/** The programs that make connections; the inventory's word. */
export type Transport = NonNullable<SshSettings['transport']>;

/** How to log in to a host; fully resolved. */
export interface SshTarget {
  /** The name under which it was looked up in the configuration of the SSH client. */
  alias: string;
  host: string;
  port: number;
  /** Name and port under which its keys are looked up in known_hosts; others than its own with HostKeyAlias. */
  known: { host: string; port: number };
  user: string;
  /** Key files that exist, in the order in which they are offered; a public one stands for a key of the agent. */
  keys: string[];
  /** The key that the inventory or a flag names, and that is not there: no other one may be taken for it. */
  lostKey?: string | undefined;
  /** Socket of the agent, where there is one. */
  agent: string | undefined;
  /** Only `keys` are offered, and no other key of the agent (IdentitiesOnly). */
  onlyKeys: boolean;
  /** Files in the format of known_hosts; the first is hapg's own. */
  knownHosts: string[];
  /** Whether an unknown host key is stored and accepted at its first sight (StrictHostKeyChecking accept-new, or no). */
  acceptsNew: boolean;
  /** Time for the connection where the configuration has one (ms). */
  connectMs: number | undefined;
  /** Only addresses of this family are used (AddressFamily). */
  family: 4 | 6 | undefined;
  /** Address of this machine from which the connection is made (BindAddress). */
  bindAddress: string | undefined;
  /** Command whose standard input and output are the connection (ProxyCommand); for the first hop only. */
  command: string | undefined;
  /** What the configuration asks for and only the OpenSSH client can do, in words; undefined when there is nothing. */
  beyond: string | undefined;
  /** Who makes the connection; `auto`: node-ssh, and the OpenSSH client for what only that can do. */
  transport: Transport;
  /** Jump hosts; the first one is reached directly. */
  jumps: SshTarget[];
}

const yes = (value: string | undefined): boolean => value === 'yes' || value === 'true';

/** Lines of ssh_config(5) for which the OpenSSH client has its own machinery: `none`, `no` and empty values ask for nothing. */
const ASKS_FOR_NOTHING = new Set(['none', 'no', 'false', '']);

/**
 * Resolves how to reach a host. The more specific setting wins: flags, the host's `ssh`, the inventory's `ssh`, the
 * configuration of the SSH client (ssh_config(5)), defaults. Rejects with UsageError where that is not understood.
 */
export function resolveTarget(
  cluster: Cluster,
  host: Host,
  flags: SshFlags = {},
  config: ClientConfig = clientConfig(),
): Promise<SshTarget> {
  return resolve({ cluster, flags, config }, host.ssh.host ?? host.address, host.ssh, 0);
}

interface Where {
  cluster: Cluster;
  flags: SshFlags;
  config: ClientConfig;
}

async function resolve(where: Where, alias: string, settings: SshSettings, depth: number): Promise<SshTarget> {
  const { cluster, flags, config } = where;
  if (depth > 4)
    throw new UsageError(
      `more than four jump hosts to ${alias}: do the jump hosts of the inventory, or ProxyJump in ~/.ssh/config, go in a circle?`,
    );
  const given = { user: flags.user ?? settings.user, port: settings.port };
  const written = await config(alias, given);
  const list = (keyword: string): readonly string[] => written.get(keyword) ?? [];
  const first = (keyword: string): string | undefined => list(keyword)[0];
  const dotSsh = join(home(), '.ssh');
  const host = expandTokens(first('hostname') ?? alias, { h: alias });
  const port = given.port ?? Number(first('port') ?? 22);
  const user = given.user ?? first('user') ?? ownName(host);
  const keyAlias = first('hostkeyalias');
  const tokens = {
    ...{ d: home(), h: host, i: String(process.getuid?.() ?? ''), k: keyAlias ?? alias, j: first('proxyjump') ?? '' },
    ...{ n: alias, p: String(port), r: user, u: userName() ?? '' },
    ...{ l: hostname(), L: hostname().split('.')[0]! },
  };
  const path = (text: string): string => expandPath(expandTokens(expandVariables(text), tokens), dotSsh);
  const paths = (keyword: string): string[] =>
    list(keyword)
      .filter((value) => value !== 'none')
      .map(path);
  const explicit = flags.privateKey ?? settings.key;
  const named = paths('identityfile');
  // As with ssh, the usual names count only where none is given.
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(dotSsh, name));
  const offered = explicit
    ? [expandPath(explicit, flags.privateKey ? process.cwd() : dirname(cluster.file))]
    : named.length > 0
      ? named
      : usual;
  const keys = [...new Set(offered.map(orPublic))].filter((file) => existsSync(file));
  const agent = first('identityagent');
  const said = flags.jump ?? settings.jump;
  const jump = said ?? first('proxyjump');
  const jumps = jump && jump !== 'none' ? before({ host, port }, await resolveJumps(where, jump, settings, depth)) : [];
  const command = said === undefined && jumps.length === 0 ? first('proxycommand') : undefined;
  const seconds = Number(first('connecttimeout'));
  const family = first('addressfamily');
  const bind = first('bindaddress');
  return {
    alias,
    host,
    port,
    known: keyAlias ? { host: keyAlias, port: 22 } : { host, port },
    user,
    keys,
    lostKey: explicit && keys.length === 0 ? explicit : undefined,
    agent: agent === 'none' ? undefined : agent && agent !== 'SSH_AUTH_SOCK' ? path(agent) : process.env.SSH_AUTH_SOCK,
    onlyKeys: yes(first('identitiesonly')?.toLowerCase()),
    knownHosts: [
      ...new Set([
        join(cluster.stateDir, 'known_hosts'),
        ...['userknownhostsfile', 'globalknownhostsfile']
          .flatMap(list)
          .flatMap((files) => files.split(/\s+/))
          .filter((file) => file !== 'none' && file !== '')
          .map(path),
        join(dotSsh, 'known_hosts'),
        '/etc/ssh/ssh_known_hosts',
      ]),
    ],
    acceptsNew: ['accept-new', 'no', 'off', 'false'].includes(first('stricthostkeychecking')?.toLowerCase() ?? 'ask'),
    connectMs: seconds > 0 ? seconds * 1000 : undefined,
    family: family === 'inet' ? 4 : family === 'inet6' ? 6 : undefined,
    bindAddress: bind && !ASKS_FOR_NOTHING.has(bind) ? bind : undefined,
    command: command && command !== 'none' ? expandTokens(command, tokens) : undefined,
    beyond: beyond(written, keys, paths('certificatefile')),
    transport: settings.transport ?? 'auto',
    jumps,
  };
}

/** What a configuration asks for that ssh2 cannot do: certificates, keys in hardware, other sources of host keys. */
function beyond(written: Directives, keys: readonly string[], certificates: readonly string[]): string | undefined {
  for (const file of [...certificates, ...keys.map((key) => `${key.replace(/\.pub$/, '')}-cert.pub`)])
    if (existsSync(file)) return `the certificate ${file}`;
  const hardware = keys.find((key) => /^sk-/.test(textOf(key.endsWith('.pub') ? key : `${key}.pub`)));
  if (hardware) return `the security key ${hardware}`;
  for (const keyword of ['pkcs11provider', 'bindinterface', 'knownhostscommand', 'verifyhostkeydns', 'proxyusefdpass'])
    for (const value of written.get(keyword) ?? [])
      if (!ASKS_FOR_NOTHING.has(value.toLowerCase())) return `${keyword} ${value}`;
  return undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Returns the file, or the public half beside it where the private one is elsewhere, such as in an agent. */
const orPublic = (file: string): string => (!existsSync(file) && existsSync(`${file}.pub`) ? `${file}.pub` : file);

/** The name that ssh logs in with where none is given. Throws UsageError for a uid without a name. */
function ownName(host: string): string {
  const name = userName();
  if (name === undefined)
    throw new UsageError(`${host}: no login name: this uid has none; name a login with ssh.user or --user`);
  return name;
}

/** A jump host is itself reached through the hops before it only. */
function before({ host, port }: Pick<SshTarget, 'host' | 'port'>, jumps: SshTarget[]): SshTarget[] {
  const self = jumps.findIndex((jump) => jump.host === host && jump.port === port);
  return self < 0 ? jumps : jumps.slice(0, self);
}

/** A jump host of a chain: [user@]host[:port], or a URI. */
const HOP = /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[(.+)\]|([^:/]+))(?::(\d+))?\/?$/;

/**
 * Parses `[user@]host[:port][,...]`, each also as `ssh://[user@]host[:port]`; a name of the inventory means that host,
 * any other name is looked up in the configuration of the SSH client.
 */
async function resolveJumps(where: Where, jump: string, via: SshSettings, depth: number): Promise<SshTarget[]> {
  const { cluster, flags } = where;
  const hops = jump.split(',').map(async (hop) => {
    const [, user, bracketed, plain, port] = HOP.exec(hop.trim()) ?? [];
    const name = bracketed ?? plain ?? '';
    if (!/^[^\s-]\S*$/.test(name) || (port !== undefined && !(Number(port) > 0 && Number(port) < 65_536)))
      throw new UsageError(`jump host "${hop}": [USER@]HOST[:PORT] is needed, several of them separated by commas`);
    const host = cluster.hosts.find((candidate) => candidate.name === name);
    const settings: SshSettings = host ? { ...host.ssh } : { key: via.key };
    if (host?.ssh.jump === jump || flags.jump === jump) delete settings.jump;
    if (user) settings.user = user;
    if (port) settings.port = Number(port);
    const alias = host ? (host.ssh.host ?? host.address) : name;
    const own = { ...where, flags: { privateKey: flags.privateKey } };
    const target = await resolve(own, alias, settings, depth + 1);
    return [...target.jumps, { ...target, jumps: [] }];
  });
  return (await Promise.all(hops)).flat();
}
