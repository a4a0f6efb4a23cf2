import type { SshTarget } from './target.ts';

/** Name of the host itself in the configuration of `opensshConfig`. */
export const ALIAS = 'hapg-host';

const quoted = (path: string): string => `"${path}"`;

/**
 * The configuration (ssh_config(5)) with which an OpenSSH client reaches a target as hapg does: the same keys (those of
 * an agent first, which is OpenSSH's own order), known hosts and jump hosts, and nothing of the operator's own
 * configuration, which is resolved already.
 */
export function opensshConfig(target: SshTarget): string {
  const hops = [...target.jumps, target];
  return hops
    .map((hop, index) => {
      const last = index === hops.length - 1;
      const lines = [
        `Host ${last ? ALIAS : `hapg-jump-${index}`}`,
        `  HostName ${hop.host}`,
        `  Port ${hop.port}`,
        `  User ${hop.user}`,
        `  StrictHostKeyChecking yes`,
        ...(hop.known.host === hop.host ? [] : [`  HostKeyAlias ${hop.known.host}`]),
        `  UserKnownHostsFile ${hop.knownHosts.map(quoted).join(' ')}`,
        ...hop.keys.map((key) => `  IdentityFile ${quoted(key)}`),
        ...(hop.agent ? [`  IdentityAgent ${quoted(hop.agent)}`] : ['  IdentityAgent none']),
        ...(hop.onlyKeys ? ['  IdentitiesOnly yes'] : []),
        ...(index > 0 ? [`  ProxyJump hapg-jump-${index - 1}`] : []),
      ];
      return lines.join('\n');
    })
    .join('\n\n')
    .concat('\n');
}
