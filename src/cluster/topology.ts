import { said } from '../observe/answer.ts';
import type { Member, Snapshot } from './snapshot.ts';

/** A member and those that receive WAL from it. */
export interface Branch {
  member: Member;
  branches: Branch[];
}

/** Who receives WAL from whom. */
export interface Topology {
  trees: Branch[];
  /** Receivers that are no members, such as a standby cluster or pg_receivewal, by the member that sends to them. */
  others: { from: string; name: string; state: string }[];
  /** Members of which nobody says from whom they receive. */
  alone: Member[];
}

/** Reads from each member's own report who receives WAL from whom (pg_stat_replication). Pure. */
export function topologyOf({ members, observations, leader }: Snapshot): Topology {
  const byName = new Map(members.map((member) => [member.name, member]));
  const receivers = (name: string) => said(observations.get(name)?.sql)?.replication ?? [];
  const placed = new Set<string>();
  const branch = (member: Member): Branch => {
    placed.add(member.name);
    const next = receivers(member.name)
      .map(({ name }) => name)
      .filter((name) => byName.has(name) && !placed.has(name))
      .sort();
    return { member, branches: [...new Set(next)].map((name) => branch(byName.get(name)!)) };
  };
  const trees = leader ? [branch(leader)] : [];
  // A part that hangs on no leader is shown from its own top.
  const isReceiver = (name: string) => members.some((one) => receivers(one.name).some((its) => its.name === name));
  for (const member of members)
    if (!placed.has(member.name) && !isReceiver(member.name) && receivers(member.name).length > 0)
      trees.push(branch(member));
  return {
    trees,
    others: members.flatMap(({ name: from }) =>
      receivers(from)
        .filter(({ name }) => !byName.has(name))
        .map(({ name, state }) => ({ from, name, state })),
    ),
    alone: members.filter(({ name }) => !placed.has(name)),
  };
}
