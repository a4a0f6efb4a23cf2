import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import SSHConfig from 'ssh-config';
import { UsageError } from '../errors.ts';
import type { Cluster, Host, SshSettings } from '../inventory/model.ts';
import { home, userName } from '../whoami.ts';

/** Flags of the command line that win over the inventory. */
export interface SshFlags {
  user?: string | undefined;
  privateKey?: string | undefined;
  jump?: string | undefined;
}

/** How to log in to a host; fully resolved. */
export interface SshTarget {
  /** The name that is looked up in known_hosts. */
  host: string;
  port: number;
  user: string;
  /** Private key files that exist, in the order in which they are offered. */
  keys: string[];
  /** Socket of the agent, where there is one. */
  agent: string | undefined;
  /** Files in the format of known_hosts; the first is hapg's own. */
  knownHosts: string[];
  /** Jump hosts; the first one is reached directly. */
  jumps: SshTarget[];
}

const expand = (path: string, base: string): string => {
  const full = path.replace(/^~(?=$|\/)/, home()).replaceAll('%d', home());
  return isAbsolute(full) ? full : join(base, full);
};

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
const list = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

const SSH_CONFIG = '~/.ssh/config';
type Written = Record<string, string | string[] | undefined>;

/** Parses a file in the format of ssh_config(5). Throws UsageError for unknown syntax. */
function understood<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // The parser's own message for a truncated line describes its internals.
    const reason = cause instanceof TypeError ? 'a line has no value' : (cause as Error).message;
    throw new UsageError(`${file}: this is not understood: ${reason}. "ssh -G HOST" names the line`);
  }
}

/**
 * Reads ~/.ssh/config; an unreadable or missing file counts as empty, as with ssh. Throws UsageError for unknown
 * syntax.
 */
export function readSshConfig(file = join(home(), '.ssh', 'config')): SSHConfig {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // As with ssh.
  }
  return understood(file, () => SSHConfig.parse(text));
}

/**
 * Resolves how to reach a host. The more specific setting wins: flags, the host's `ssh`, the inventory's `ssh`,
 * ~/.ssh/config (ssh_config(5): HostName, Port, User, IdentityFile, IdentityAgent, ProxyJump, UserKnownHostsFile),
 * defaults.
 */
export function resolveTarget(cluster: Cluster, host: Host, flags: SshFlags = {}, config = readSshConfig()): SshTarget {
  return resolve(cluster, host.ssh.host ?? host.address, host.ssh, flags, config, 0);
}

function resolve(
  cluster: Cluster,
  alias: string,
  settings: SshSettings,
  flags: SshFlags,
  config: SSHConfig,
  depth: number,
): SshTarget {
  if (depth > 4)
    throw new UsageError(
      `more than four jump hosts to ${alias}: do the jump hosts of the inventory, or ProxyJump in ~/.ssh/config, go in a circle?`,
    );
  const written = understood(SSH_CONFIG, () => config.compute(alias, { ignoreCase: true })) as Written;
  const dotSsh = join(home(), '.ssh');
  const explicit = flags.privateKey ?? settings.key;
  const keys = explicit
    ? [expand(explicit, flags.privateKey ? process.cwd() : dirname(cluster.file))]
    : [
        ...list(written.identityfile).map((file) => expand(file, dotSsh)),
        ...['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(dotSsh, name)),
      ];
  const agent = first(written.identityagent);
  const jump = flags.jump ?? settings.jump ?? first(written.proxyjump);
  const host = first(written.hostname) ?? alias;
  const port = settings.port ?? Number(first(written.port) ?? 22);
  return {
    host,
    port,
    user: flags.user ?? settings.user ?? first(written.user) ?? ownName(host),
    keys: [...new Set(keys)].filter((file) => existsSync(file)),
    agent:
      agent === 'none'
        ? undefined
        : agent && agent !== 'SSH_AUTH_SOCK'
          ? expand(agent, dotSsh)
          : process.env.SSH_AUTH_SOCK,
    knownHosts: [
      join(cluster.stateDir, 'known_hosts'),
      ...list(written.userknownhostsfile)
        .flatMap((files) => files.split(/\s+/))
        .map((file) => expand(file, dotSsh)),
      join(dotSsh, 'known_hosts'),
      '/etc/ssh/ssh_known_hosts',
    ],
    jumps:
      jump && jump !== 'none'
        ? before({ host, port }, resolveJumps(cluster, jump, settings, flags, config, depth))
        : [],
  };
}

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

/**
 * Parses `[user@]host[:port][,...]`; a name of the inventory means that host, any other name is looked up in
 * ~/.ssh/config.
 */
function resolveJumps(
  cluster: Cluster,
  jump: string,
  via: SshSettings,
  flags: SshFlags,
  config: SSHConfig,
  depth: number,
): SshTarget[] {
  return jump.split(',').flatMap((hop) => {
    const [, user, bracketed, plain, port] = /^(?:(.+)@)?(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(hop.trim()) ?? [];
    const name = bracketed ?? plain ?? '';
    if (!/^[^\s-]\S*$/.test(name) || (port !== undefined && !(Number(port) > 0 && Number(port) < 65_536)))
      throw new UsageError(`jump host "${hop}": [USER@]HOST[:PORT] is needed, several of them separated by commas`);
    const host = cluster.hosts.find((candidate) => candidate.name === name);
    const settings: SshSettings = host ? { ...host.ssh } : { key: via.key };
    if (host?.ssh.jump === jump || flags.jump === jump) delete settings.jump;
    if (user) settings.user = user;
    if (port) settings.port = Number(port);
    const alias = host ? (host.ssh.host ?? host.address) : name;
    const target = resolve(cluster, alias, settings, { privateKey: flags.privateKey }, config, depth + 1);
    return [...target.jumps, { ...target, jumps: [] }];
  });
}
