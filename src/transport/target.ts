import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type SSHConfig from 'ssh-config';
import { UsageError } from '../errors.ts';
import type { Cluster, Host, SshSettings } from '../inventory/model.ts';
import { home, userName } from '../whoami.ts';
import { expandPath, expandTokens, readSshConfig, SSH_CONFIG, understood } from './ssh-config.ts';

/** Flags of the command line that win over the inventory. */
export interface SshFlags {
  user?: string | undefined;
  privateKey?: string | undefined;
  jump?: string | undefined;
}

/** How to log in to a host; fully resolved. */
export interface SshTarget {
  host: string;
  port: number;
  /** Name and port under which its keys are looked up in known_hosts; others than its own with HostKeyAlias. */
  known: { host: string; port: number };
  user: string;
  /** Key files that exist, in the order in which they are offered; a public one stands for a key of the agent. */
  keys: string[];
  /** Socket of the agent, where there is one. */
  agent: string | undefined;
  /** Only `keys` are offered, and no other key of the agent (IdentitiesOnly). */
  onlyKeys: boolean;
  /** Files in the format of known_hosts; the first is hapg's own. */
  knownHosts: string[];
  /** Jump hosts; the first one is reached directly. */
  jumps: SshTarget[];
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
const list = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

type Written = Record<string, string | string[] | undefined>;

/**
 * Resolves how to reach a host. The more specific setting wins: flags, the host's `ssh`, the inventory's `ssh`,
 * ~/.ssh/config (ssh_config(5): HostName, Port, User, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump,
 * HostKeyAlias, UserKnownHostsFile), defaults. Throws UsageError where only a ProxyCommand leads to the host.
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
  const host = expandTokens(first(written.hostname) ?? alias, { h: alias });
  const port = settings.port ?? Number(first(written.port) ?? 22);
  const user = flags.user ?? settings.user ?? first(written.user) ?? ownName(host);
  const keyAlias = first(written.hostkeyalias);
  const tokens = {
    ...{ d: home(), h: host, i: String(process.getuid?.() ?? ''), k: keyAlias ?? alias },
    ...{ n: alias, p: String(port), r: user, u: userName() ?? '' },
  };
  const path = (text: string): string => expandPath(expandTokens(text, tokens), dotSsh);
  const explicit = flags.privateKey ?? settings.key;
  const named = list(written.identityfile).map(path);
  // As with ssh, the usual names count only where none is given.
  const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(dotSsh, name));
  const keys = explicit
    ? [expandPath(explicit, flags.privateKey ? process.cwd() : dirname(cluster.file))]
    : named.length > 0
      ? named
      : usual;
  const agent = first(written.identityagent);
  const jump = flags.jump ?? settings.jump ?? writtenJump(written, alias);
  return {
    host,
    port,
    known: keyAlias ? { host: keyAlias, port: 22 } : { host, port },
    user,
    keys: [...new Set(keys.map(orPublic))].filter((file) => existsSync(file)),
    agent: agent === 'none' ? undefined : agent && agent !== 'SSH_AUTH_SOCK' ? path(agent) : process.env.SSH_AUTH_SOCK,
    onlyKeys: first(written.identitiesonly)?.toLowerCase() === 'yes',
    knownHosts: [
      join(cluster.stateDir, 'known_hosts'),
      ...list(written.userknownhostsfile)
        .flatMap((files) => files.split(/\s+/))
        .map(path),
      join(dotSsh, 'known_hosts'),
      '/etc/ssh/ssh_known_hosts',
    ],
    jumps:
      jump && jump !== 'none'
        ? before({ host, port }, resolveJumps(cluster, jump, settings, flags, config, depth))
        : [],
  };
}

/** Returns the file, or the public half beside it where the private one is elsewhere, such as in an agent. */
const orPublic = (file: string): string => (!existsSync(file) && existsSync(`${file}.pub`) ? `${file}.pub` : file);

/**
 * Returns ProxyJump. Throws UsageError for a ProxyCommand that ssh would use instead: the address alone leads elsewhere
 * or nowhere. As with ssh, the one that is found first counts.
 */
function writtenJump(written: Written, alias: string): string | undefined {
  const [way] = Object.keys(written).filter((key) => key === 'proxyjump' || key === 'proxycommand');
  if (way !== 'proxycommand') return first(written.proxyjump);
  const command = list(written.proxycommand).join(' ');
  if (command === 'none') return undefined;
  throw new UsageError(
    `${SSH_CONFIG}: ${alias} is reached by a ProxyCommand (${command}), which hapg does not run. Where it is another host ("ssh -W %h:%p GATE"), write "ProxyJump GATE" or ssh.jump: GATE; where hapg needs none, ssh.jump: none`,
  );
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
