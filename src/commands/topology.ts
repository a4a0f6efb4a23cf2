import type { Branch } from '../cluster/topology.ts';
import { topologyOf } from '../cluster/topology.ts';
import { EXIT } from '../errors.ts';
import { hostsWith } from '../inventory/model.ts';
import { print, printJson } from '../run/ask.ts';
import type { CommonOptions } from '../run/options.ts';
import { observeHosts } from '../run/read-only.ts';
import { readSetup } from '../run/setup.ts';
import { memberDocument } from '../status/status.ts';
import { showTopology } from '../view/topology.ts';

/** The members of a branch with the member that each receives from. */
const flat = ({ member, branches }: Branch, upstream: string | null): object[] => [
  {
    ...memberDocument(member),
    upstream,
  },
  ...branches.flatMap((one) => flat(one, member.name)),
];

/** `hapg topology`: shows which member receives WAL from which. */
export function topologyCommand(options: CommonOptions): Promise<number> {
  const setup = readSetup({ ...options, quiet: true });
  const hosts = hostsWith(setup.cluster, 'patroni');
  return observeHosts(setup, 'topology', { hosts, about: ['members'] }, (snapshot) => {
    const topology = topologyOf(snapshot);
    if (setup.json)
      printJson({
        cluster: setup.cluster.name,
        members: [
          ...topology.trees.flatMap((tree) => flat(tree, null)),
          ...topology.alone.flatMap((member) => flat({ member, branches: [] }, null)),
        ],
        others: topology.others,
      });
    else print(showTopology(topology) || 'no member is known');
    return EXIT.done;
  });
}
