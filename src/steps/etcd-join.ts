import { DCS_CHANGE_S } from '../bounds/programs.ts';
import { type Joining, joinMember } from '../programs/etcd.ts';
import { isActive } from '../programs/systemd.ts';
import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

export interface EtcdJoinWant extends Joining {
  /** Whether this host was reinstalled, so that its former member has to be removed. */
  replaces: boolean;
}

/** A host that joins a running etcd cluster: first as a learner, which cannot harm the quorum (etcd's "Learner" design). */
const etcdJoinKind: Kind<EtcdJoinWant, 'absent' | 'joined' | 'removed'> = {
  name: 'etcd-join',
  volatile: true,
  // The step exists because etcd does not know this host; a host that has joined before and does not run was removed.
  probe: (steps) =>
    steps
      .map(
        (one) =>
          `if [ ! -e ${quote(one.want.file)} ]; then echo absent; elif ${isActive('etcd.service')}; then echo joined; else echo removed; fi`,
      )
      .join('\n'),
  parse: (answer, steps) =>
    new Map(steps.map((one, index) => [one.id, answer.trim().split('\n')[index] as 'absent' | 'joined' | 'removed'])),
  diff({ want }, state) {
    if (state === 'joined') return undefined;
    return {
      action: 'create',
      summary:
        state === 'removed'
          ? `${want.name} was an etcd member and is none any more; "hapg repair" replaces it`
          : `${want.replaces ? 'the member that its host had before is removed; ' : ''}${want.name} joins as a learner, then becomes a voter`,
    };
  },
  async change({ want }, state, remote) {
    if (state === 'removed') throw new Error('it was an etcd member and is none any more; "hapg repair" replaces it');
    await remote.run(joinMember(want), DCS_CHANGE_S);
  },
};

export const etcdJoin = (role: RoleName, want: EtcdJoinWant): Step => step(etcdJoinKind, role, want.name, want);
