import { ANSWER_S } from '../bounds/hosts.ts';
import { switched } from '../bounds/patroni.ts';
import { switchover as switchoverTime } from '../bounds/postgres.ts';
import { askRest, switchover } from '../programs/patroni.ts';
import type { Timing } from '../timing.ts';
import type { Remote } from './step.ts';

/** A member that must hand leadership over before its PostgreSQL is stopped. */
export interface HandOver {
  name: string;
  /** POSIX sh that sets `$base` and the arguments of curl for this member's REST API. */
  rest: string;
  /** The member that takes over; undefined when none may. */
  candidate: string | undefined;
  /** Shared memory of its PostgreSQL (bytes), which it writes when it stops; undefined when unknown. */
  sharedBuffers: number | undefined;
  timing: Timing;
}

/** Makes the candidate the leader and waits until this member follows. Rejects when nobody may take over, or not in time. */
export async function handOver(
  { name, rest, candidate, sharedBuffers, timing }: HandOver,
  remote: Remote,
): Promise<void> {
  if (!candidate)
    throw new Error('it leads, and no other member may take over now (streaming, in sync, without nofailover)');
  remote.doing(`handing leadership over to ${candidate}`);
  await remote.handingOver(candidate, () =>
    remote.run(
      `${switchover(rest, name, candidate, switchoverTime(sharedBuffers))}
end=$(($(date +%s) + ${switched(timing)}))
while :; do
  [ "$(${askRest('replica', "-o /dev/null -w '%{http_code}'")})" = 200 ] && exit 0
  [ "$(date +%s)" -lt $end ] || { echo 'the old leader did not become a replica within ${switched(timing)} s'; exit 1; }
  sleep 0.5
done`,
      switchoverTime(sharedBuffers) + switched(timing) + ANSWER_S,
    ),
  );
}
