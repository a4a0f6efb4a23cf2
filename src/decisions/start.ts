import type { Snapshot } from '../cluster/snapshot.ts';
import { type Cluster, dcsHosts, type Host, hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import { type Verdict, verdict } from './verdict.ts';

/** The members that led last, by their own control files. More than one where a leader died and another one stopped. */
export const ledLast = (cluster: Cluster, { observations }: Snapshot): Host[] =>
  hostsWith(cluster, 'patroni').filter(({ name }) => said(observations.get(name)?.dataDirectory)?.led === true);

/**
 * May a stopped cluster be started with the hosts that answer? Its DCS needs a quorum, and the member that led last may
 * hold rows that the others lack.
 */
export function mayStart(cluster: Cluster, snapshot: Snapshot): Verdict {
  const there = (host: Host) => snapshot.observations.has(host.name);
  const voters = dcsHosts(cluster);
  const quorum = Math.floor(voters.length / 2) + 1;
  const awake = voters.filter(there).length;
  const away = hostsWith(cluster, 'patroni').filter((host) => !there(host));
  const names = (hosts: readonly Host[]) => hosts.map(({ name }) => name).join(', ');
  return verdict(
    [
      ...(voters.length > 0 && awake < quorum
        ? [
            `${cluster.dcs.label} needs ${quorum} of its ${voters.length} members, and ${awake} of their hosts answer: bring back ${names(voters.filter((host) => !there(host)))}`,
          ]
        : []),
      ...(away.length > 0 && ledLast(cluster, snapshot).length === 0
        ? [
            `none of the database hosts that answer led last, so ${names(away)} may have rows that they lack: bring ${away.length === 1 ? 'it' : 'them'} back. Where ${away.length === 1 ? 'it is' : 'they are'} lost for good: "hapg ssh HOST -- systemctl start etcd patroni" on the others, and then "hapg failover --to HOST"`,
          ]
        : []),
    ],
    'led_last',
  );
}
