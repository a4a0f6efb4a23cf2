import { replica } from '../bounds/copy.ts';
import { ABSENT_S } from '../bounds/hosts.ts';
import { standstill } from '../bounds/postgres.ts';
import { sharedBuffers } from '../cluster/buffers.ts';
import { copiedBytes, copyProgress } from '../cluster/copy-progress.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import type { Verdict } from '../decisions/verdict.ts';
import { StepFailed } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import { Standstill } from '../standstill.ts';
import { progressBar } from '../units.ts';
import type { Operation } from './operation.ts';

/**
 * Waits until a member that copies the database satisfies `judge`, and reports progress to the operator. Rejects with
 * StepFailed when nothing of the copy has changed for too long, or when the host is gone; no clock limits the copy
 * itself.
 */
export async function untilCopied(
  op: Operation,
  host: Host,
  what: string,
  judge: (snapshot: Snapshot) => Verdict,
  { databaseBytes }: { databaseBytes?: number | undefined } = {},
): Promise<Snapshot> {
  const stuckSeconds = standstill(sharedBuffers(await op.observe(undefined, { about: ['members'] })));
  const { clock } = op.session;
  const progress = new Standstill(stuckSeconds, () => clock.now());
  let stuck = false;
  let answered = clock.now();
  return op.until(
    host,
    what,
    replica(databaseBytes),
    (snapshot) => {
      if (snapshot.observations.has(host.name)) answered = clock.now();
      else if (clock.now() - answered >= ABSENT_S * 1000)
        throw new StepFailed(host.name, what, `it has not answered for ${ABSENT_S} s`);
      const verdict = judge(snapshot);
      if (!verdict.ok && stuck)
        throw new StepFailed(host.name, what, `no progress for ${stuckSeconds} s: ${verdict.reasons.join('; ')}`);
      return verdict;
    },
    {
      everyMs: 2000,
      about: ['members', 'balancers'],
      doing: async () => {
        // No answer is no standstill: a host that stays away ends the wait itself.
        const answer = await op.ask(host, 'progress', copyProgress(host.dataDir)).catch(() => '');
        stuck = progress.isStuck(answer);
        return `copying ${progressBar(copiedBytes(answer) ?? 0, databaseBytes)}`;
      },
    },
  );
}
