import type { LoadFigures } from '../cluster/client-load.ts';
import { ClientLoad } from '../engine/client-load.ts';
import type { Operation } from '../engine/operation.ts';
import { Interrupted, KnownError } from '../errors.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Intent } from './intent.ts';

/** The result of the work. A known error is part of it, and is reported after the status was read. */
export interface WorkResult {
  error?: KnownError;
  figures?: LoadFigures | undefined;
  /** Messages about undos that could not be run. */
  left: string[];
}

/**
 * Does the work, with a concurrent client load where `probeWith` is given, and runs all undos and stops the load
 * whatever happens.
 */
export async function performWork(
  op: Operation,
  intent: Intent,
  probeWith: SecretStore | undefined,
  startLoad: (op: Operation, store: SecretStore) => Promise<Pick<ClientLoad, 'stop'>> = ({ session }, store) =>
    ClientLoad.start(session, store),
): Promise<WorkResult> {
  let load: Pick<ClientLoad, 'stop'> | undefined;
  const begin = async () => {
    if (probeWith) load ??= await startLoad(op, probeWith);
  };
  let error: KnownError | undefined;
  try {
    if (!intent.probeLater) await begin();
    await intent.run(begin);
  } catch (cause) {
    // Even after a bug no host stays drained, and no file with passwords stays here; then the bug is reported as such.
    if (!(cause instanceof KnownError)) {
      await op.runAllUndos();
      await load?.stop().catch(() => undefined);
      throw cause;
    }
    // A failure after Ctrl-C is a failure: dpkg may have left something half done.
    if (cause instanceof Interrupted) error = new Interrupted('interrupted; run again to continue');
    else {
      error = cause;
      op.failed(cause);
    }
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
