import type { Cluster, Host } from '../inventory/model.ts';
import { repositoryHost } from '../inventory/model.ts';
import { factsOf, type RoleName, type RolePort, unitsOf } from '../roles.ts';
import { failure, hostCheck, orElse, warning } from './check.ts';
import { LISTENER_NAME } from './reach-script.ts';

/** The ports of a host's roles, with their names. */
function portsOf(cluster: Cluster, host: Host): { port: number; what: string }[] {
  const roles = new Set<RoleName>(host.roles);
  // With a repository host, pgBackRest also listens on the members.
  if (roles.has('patroni') && repositoryHost(cluster)) roles.add('pgbackrest');
  const portAt = ({ path }: RolePort) =>
    path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], cluster.settings) as number;
  return [...roles].flatMap((role) => factsOf(role).ports ?? []).map((one) => ({ port: portAt(one), what: one.what }));
}

/** Units in which a program is somebody's session, so that the unit is not what is to be stopped. */
const SESSIONS = /^(sshd?(@.*)?|user@.*|getty@.*)\.service$/;

/** No other program listens on the ports of the host's roles. */
export const listenersCheck = hostCheck(
  'ports',
  (host, { cluster }) => {
    const ports = [...new Set(portsOf(cluster, host).map(({ port }) => port))];
    if (ports.length === 0) return undefined;
    // One line a listener: port, unit, process. The unit is the last service of its control group (cgroups(7)).
    return `command -v ss >/dev/null || echo 'no ss'
ss -Hltnp 2>/dev/null | while read -r _state _recv _send local _peer users; do
  port=\${local##*:}
  case " ${ports.join(' ')} " in *" $port "*) ;; *) continue ;; esac
  pid=\${users#*pid=}; pid=\${pid%%,*}; name=\${users#*\\"}; name=\${name%%\\"*}; unit=
  [ ! -r "/proc/$pid/cgroup" ] || while IFS= read -r line; do
    case $line in *.service*) unit=\${line%%.service*}.service; unit=\${unit##*/} ;; esac
  done < "/proc/$pid/cgroup"
  echo "listener $port \${unit:--} \${name:--}"
done`;
  },
  (answer, host, { cluster }) => {
    const ours = unitsOf(host);
    const ports = portsOf(cluster, host);
    if (/^no ss$/m.test(answer))
      return [
        warning(
          'what listens there cannot be read',
          'install iproute2 (the program ss), which Debian and Ubuntu have by default',
        ),
      ];
    const found = [...answer.matchAll(/^listener (\d+) (\S+) (.+)$/gm)].flatMap(([, port, unit, program]) =>
      ours.includes(unit!) || program!.startsWith(LISTENER_NAME)
        ? []
        : [{ port: Number(port), program: program!, unit: SESSIONS.test(unit!) ? '-' : unit! }],
    );
    const unique = [...new Map(found.map((one) => [`${one.port} ${one.program} ${one.unit}`, one])).values()];
    return orElse(
      unique.map(({ port, program, unit }) =>
        failure(
          `${program === '-' ? 'a program' : program}${unit === '-' ? '' : ` (${unit})`} listens on port ${port} of ${ports.find((one) => one.port === port)!.what}`,
          `${unit === '-' ? 'end it' : `"systemctl disable --now ${unit}"`}, or give the inventory another port`,
        ),
      ),
      `${ports.length} ports free or its own`,
    );
  },
);
