import { codesOf, type Verdict } from '../decisions/verdict.ts';
import { Refused } from '../errors.ts';

/** Throws Refused with every reason, saying that nothing was changed. */
export function refuseUnless(verdict: Verdict): void {
  if (verdict.ok) return;
  const reasons = verdict.reasons.map((reason) => `  - ${reason}`).join('\n');
  throw new Refused(`refused, nothing was changed:\n${reasons}`, ...codesOf(verdict));
}
