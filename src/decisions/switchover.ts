import type { Member, Snapshot } from '../cluster/snapshot.ts';
import { pauseWords } from './holds.ts';
import { describe, isSynchronous } from './members.ts';
import { type Verdict, verdict } from './verdict.ts';

/** May leadership pass from the present leader to `to`? */
export function maySwitchOver(snapshot: Snapshot, to: string, synchronous: boolean): Verdict {
  const member = snapshot.members.find((one) => one.name === to);
  const reasons: string[] = [];
  if (snapshot.paused) reasons.push(pauseWords(snapshot));
  if (!snapshot.leader) reasons.push('no member leads');
  if (!member) reasons.push(`${to} is not a member`);
  else {
    if (member === snapshot.leader) reasons.push(`${to} leads already`);
    if (member.state !== 'streaming') reasons.push(describe(member));
    if (member.tags.nofailover === true) reasons.push(`${to} has the tag nofailover`);
    if (synchronous && !isSynchronous(member)) reasons.push(`${to} is no synchronous standby`);
  }
  return verdict(reasons, 'candidate');
}

/** Returns the best member to switch over to: synchronous before asynchronous, least behind, then by name; undefined when there is none. */
export function bestCandidate(snapshot: Snapshot, synchronous: boolean): Member | undefined {
  const rank = (member: Member) => (isSynchronous(member) ? 0 : 1);
  return snapshot.members
    .filter((member) => maySwitchOver(snapshot, member.name, synchronous).ok)
    .sort((a, b) => rank(a) - rank(b) || (a.lagBytes ?? 0) - (b.lagBytes ?? 0) || (a.name < b.name ? -1 : 1))[0];
}
