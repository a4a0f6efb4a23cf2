import type { LoadFigures } from '../cluster/client-load.ts';
import { ClientLoad } from '../engine/client-load.ts';
import type { Operation } from '../engine/operation.ts';
import { Interrupted, KnownError } from '../errors.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Intent } from './intent.ts';

/** What the work came to: a known error is an outcome, reported after the cluster was looked at. */
export interface WorkResult {
  error?: KnownError;
  figures?: LoadFigures | undefined;
  /** What is still temporary, for the person. */
  left: string[];
}

/** Does the work, with a client load beside it where `probeWith` is given, and puts back what is temporary whatever happens. */
export async function performWork(
  op: Operation,
  intent: Intent,
  probeWith: SecretStore | undefined,
): Promise<WorkResult> {
  let load: ClientLoad | undefined;
  const begin = async () => {
    if (probeWith) load ??= await ClientLoad.start(op.session, probeWith);
  };
  let error: KnownError | undefined;
  try {
    if (!intent.probeLater) await begin();
    await intent.run(begin);
  } catch (cause) {
    // A bug is no reason to leave a host drained; after that it is told as what it is.
    if (!(cause instanceof KnownError)) {
      await op.runAllUndos();
      throw cause;
    }
    error = op.session.interrupt.soft.aborted ? new Interrupted('interrupted; run again to go on') : cause;
    if (error === cause) op.failed(cause);
  }
  const left = await op.runAllUndos();
  let figures: LoadFigures | undefined;
  try {
    figures = await load?.stop();
  } catch (cause) {
    left.push(`what clients saw is not known: ${(cause as Error).message}`);
  }
  return { ...(error ? { error } : {}), figures, left };
}
