import { replica } from '../bounds/copy.ts';
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
 * StepFailed when nothing of the copy has changed for too long; no clock limits the copy itself.
 */
export async function untilCopied(
  op: Operation,
  host: Host,
  what: string,
  judge: (snapshot: Snapshot) => Verdict,
  { databaseBytes, hosts }: { databaseBytes?: number | undefined; hosts?: readonly Host[] } = {},
): Promise<Snapshot> {
  const stuckSeconds = standstill(sharedBuffers(await op.observe(hosts, { about: ['members'] })));
  const progress = new Standstill(stuckSeconds);
  let stuck = false;
  return op.until(
    host,
    what,
    replica(databaseBytes),
    (snapshot) => {
      const verdict = judge(snapshot);
      if (!verdict.ok && stuck)
        throw new StepFailed(host.name, what, `no progress for ${stuckSeconds} s: ${verdict.reasons.join('; ')}`);
      return verdict;
    },
    {
      ...(hosts ? { hosts } : {}),
      everyMs: 2000,
      doing: async () => {
        // A host that does not answer is silent; the next observation judges that.
        const answer = await op.ask(host, 'progress', copyProgress(op.cluster.dataDir)).catch(() => '');
        stuck = progress.isStuck(answer);
        return `copying ${progressBar(copiedBytes(answer) ?? 0, databaseBytes)}`;
      },
    },
  );
}
