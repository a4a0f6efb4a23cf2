/** Yes, or every reason against it; each reason names the host where there is one, and the cure. */
export type Verdict = { ok: true } | { ok: false; reasons: string[] };

export const verdict = (reasons: readonly string[]): Verdict =>
  reasons.length === 0 ? { ok: true } : { ok: false, reasons: [...new Set(reasons)] };

/** Joins verdicts with all their reasons. */
export const all = (...verdicts: readonly Verdict[]): Verdict =>
  verdict(verdicts.flatMap((one) => (one.ok ? [] : one.reasons)));
