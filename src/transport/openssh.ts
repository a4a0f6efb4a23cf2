import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { home } from '../whoami.ts';
import { systemConfigCounts } from './client-config.ts';
import type { SshTarget } from './target.ts';

const quoted = (path: string): string => `"${path}"`;

/** How a client gets to its host: a master process on the jump host before it. */
export interface Through {
  /** The configuration with which that master was started. */
  config: string;
  /** Its control socket. */
  socket: string;
  /** The name of the jump host in that configuration. */
  alias: string;
}

/** Lines of ssh_config(5) for one hop. The first value of a keyword counts, so the operator's own file adds to them. */
const block = (name: string, hop: SshTarget, way: string | undefined): string =>
  [
    `Host ${name}`,
    `  HostName ${hop.host}`,
    `  Port ${hop.port}`,
    `  User ${quoted(hop.user)}`,
    `  StrictHostKeyChecking ${hop.acceptsNew ? 'accept-new' : 'yes'}`,
    ...(hop.known.host === hop.host ? [] : [`  HostKeyAlias ${hop.known.host}`]),
    `  UserKnownHostsFile ${hop.knownHosts.map(quoted).join(' ')}`,
    ...hop.keys.map((key) => `  IdentityFile ${quoted(key)}`),
    hop.agent ? `  IdentityAgent ${quoted(hop.agent)}` : '  IdentityAgent none',
    ...(hop.onlyKeys ? ['  IdentitiesOnly yes'] : []),
    `  ${way ?? 'ProxyJump none'}`,
  ].join('\n');

/**
 * The configuration (ssh_config(5)) with which an OpenSSH client reaches a target by its `alias` as hapg does: the same
 * keys (those of an agent first, which is OpenSSH's own order), known hosts and jump hosts. Everything else (certificates,
 * algorithms) comes from the operator's configuration and the machine's, as with ssh itself.
 */
export function opensshConfig(target: SshTarget, through?: Through): string {
  const hops = through ? [target] : [...target.jumps, target];
  // Several hosts may be reached under one name, at different ports.
  const names = hops.map(({ alias }, index) =>
    hops.slice(index + 1).some((later) => later.alias === alias) ? `hapg-jump-${index}` : alias,
  );
  const wayOf = ({ command }: SshTarget, index: number): string | undefined => {
    if (index > 0) return `ProxyJump ${names[index - 1]}`;
    if (through)
      return `ProxyCommand ssh -F ${quoted(through.config)} -S ${quoted(through.socket)} -W [%h]:%p ${through.alias}`;
    return command === undefined ? undefined : `ProxyCommand ${command.replaceAll('%', '%%')}`;
  };
  const blocks = hops.map((hop, index) => block(names[index]!, hop, wayOf(hop, index)));
  const own = [join(home(), '.ssh', 'config'), ...(systemConfigCounts() ? ['/etc/ssh/ssh_config'] : [])];
  return [...blocks, ['Match all', ...own.filter(existsSync).map((file) => `  Include ${quoted(file)}`)].join('\n')]
    .join('\n\n')
    .concat('\n');
}
