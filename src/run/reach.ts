import { EXIT, KnownError, type Unreachable } from '../errors.ts';
import type { Host } from '../inventory/model.ts';
import type { Run } from './run.ts';

/** Advice where a run over the other hosts makes sense. */
export const GO_WITHOUT = "Go on without a host only on purpose: --limit '!NAME'";
/** Advice where all hosts are needed. */
export const LOST_FOR_GOOD = 'A host that is lost for good is taken out with "hapg remove-node NAME... --gone"';

/** The most hosts that are told one by one: with the advice, what fits into ten lines is read. */
const MOST = 7;

/** One message for all hosts with the same reason, whose addresses differ. */
function byReason(failed: readonly Unreachable[]): string[] {
  const groups = new Map<string, Unreachable[]>();
  for (const one of failed) {
    const reason = one.reason.replace(/^\S+@\S+: /, '');
    groups.set(reason, [...(groups.get(reason) ?? []), one]);
  }
  return [...groups].map(([reason, those]) =>
    those.length === 1
      ? those[0]!.message
      : `${those.length} hosts are unreachable: ${reason}\n  ${those.map(({ host }) => host).join(', ')}`,
  );
}

/** One error for all unreachable hosts, with advice where there is any. */
export function unreachableError(failed: ReadonlyMap<string, Unreachable>, wayOn?: string): KnownError {
  const lines =
    failed.size > MOST ? byReason([...failed.values()]) : [...failed.values()].map(({ message }) => message);
  return new KnownError(
    `${lines.join('\n')}\nNothing was changed${wayOn === undefined ? '' : `. ${wayOn}`}`,
    EXIT.unreachable,
  );
}

/** Connects to all of these hosts. Throws the reasons where one is unreachable, after a call of `before` with them. */
export async function reachAll(
  { session }: Run,
  hosts: readonly Host[],
  wayOn?: string,
  before: (unreachable: ReadonlyMap<string, Unreachable>) => void = () => undefined,
): Promise<void> {
  const unreachable = await session.openAll(hosts);
  if (unreachable.size === 0) return;
  before(unreachable);
  throw unreachableError(unreachable, wayOn);
}

/**
 * Connects to these hosts. Returns the reachable ones, and messages about the others. Throws the reasons where none is
 * reachable, or one that the run needs is not.
 */
export async function reachSome(
  { session }: Run,
  hosts: readonly Host[],
  needs: (host: Host) => boolean = () => false,
  wayOn?: string,
): Promise<{ reached: Host[]; missing: string[] }> {
  const unreachable = await session.openAll(hosts);
  const reached = hosts.filter((host) => !unreachable.has(host.name));
  if (reached.length === 0 || hosts.some((host) => unreachable.has(host.name) && needs(host)))
    throw unreachableError(unreachable, wayOn);
  return { reached, missing: [...unreachable.values()].map(({ message }) => message) };
}
