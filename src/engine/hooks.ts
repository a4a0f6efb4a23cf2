import { KnownError } from '../errors.ts';

/** Moments at which an operator's own programs are called, before and after the work. */
export type Moment = 'apply' | 'switchover' | 'host_update';

/** What a hook is told, by the name of its variable without HAPG_. */
export type HookFacts = Readonly<Record<string, string>>;

/** What an operator wants to happen at moments of a run. */
export interface Hooks {
  /** Rejects with a KnownError where the work must not begin. */
  before(moment: Moment, facts: HookFacts): Promise<void>;
  /** Never rejects: the work is done. */
  after(moment: Moment, facts: HookFacts): Promise<void>;
  /** Tells that something has failed which an operator should hear of. Never rejects. */
  failed(what: 'backup' | 'drill', facts: HookFacts): Promise<void>;
}

/** Nothing happens. */
export const NO_HOOKS: Hooks = {
  before: async () => undefined,
  after: async () => undefined,
  failed: async () => undefined,
};

/** Does work between its hooks. The hook after it learns the result: `ok`, or `failed` with the reason. */
export async function between<T>(hooks: Hooks, moment: Moment, facts: HookFacts, work: () => Promise<T>): Promise<T> {
  await hooks.before(moment, facts);
  let result: T;
  try {
    result = await work();
  } catch (cause) {
    const reason = cause instanceof KnownError ? cause.message : 'a bug';
    await hooks.after(moment, { ...facts, RESULT: 'failed', REASON: reason });
    throw cause;
  }
  await hooks.after(moment, { ...facts, RESULT: 'ok' });
  return result;
}
