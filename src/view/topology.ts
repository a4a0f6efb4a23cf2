import type { Member } from '../cluster/snapshot.ts';
import type { Branch, Topology } from '../cluster/topology.ts';
import { bytes } from '../units.ts';
import { paint, table } from './style.ts';

const facts = ({ role, state, lagBytes, timeline }: Member): string[] => [
  role === 'leader' || role === 'standby_leader' ? paint.bold(role) : role,
  state,
  role === 'leader' ? '' : lagBytes === undefined ? 'lag unknown' : `${bytes(lagBytes)} behind`,
  timeline === undefined ? '' : `timeline ${timeline}`,
];

/** The rows of a branch: the member behind the lines that lead to it. */
function rows({ member, branches }: Branch, others: Topology['others'], before = '', lead = ''): string[][] {
  const below = [
    ...branches.map((branch) => (start: string, next: string) => rows(branch, others, next, start)),
    ...others
      .filter(({ from }) => from === member.name)
      .map(({ name, state }) => (start: string) => [[`${start}${name}`, 'not a member', state, '', '']]),
  ];
  return [
    [`${lead}${member.name}`, ...facts(member)],
    ...below.flatMap((show, index) =>
      index === below.length - 1 ? show(`${before}└─ `, `${before}   `) : show(`${before}├─ `, `${before}│  `),
    ),
  ];
}

/** Draws who receives WAL from whom as a tree. */
export const showTopology = ({ trees, others, alone }: Topology): string =>
  table([
    ...trees.flatMap((tree) => rows(tree, others)),
    ...alone.map((member) => [member.name, ...facts(member).slice(0, 2), 'receives from nobody that answers', '']),
  ]);
