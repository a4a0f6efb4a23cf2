import type { RefusalCode } from '../refusal-codes.ts';

/**
 * Yes, or every reason against it; each reason names the host where there is one, and the cure. `codes` say for a command
 * that refuses what kind of reasons they are.
 */
export type Verdict = { ok: true } | { ok: false; reasons: string[]; codes?: RefusalCode[] };

export const verdict = (reasons: readonly string[], ...codes: readonly RefusalCode[]): Verdict =>
  reasons.length === 0
    ? { ok: true }
    : { ok: false, reasons: [...new Set(reasons)], ...(codes.length > 0 ? { codes: [...new Set(codes)] } : {}) };

/** Joins verdicts with all their reasons. */
export const all = (...verdicts: readonly Verdict[]): Verdict =>
  verdict(
    verdicts.flatMap((one) => (one.ok ? [] : one.reasons)),
    ...verdicts.flatMap((one) => (one.ok ? [] : (one.codes ?? []))),
  );

/** The codes of a verdict against something. One whose kind nobody has named is not understood. */
export const codesOf = ({ codes = [] }: Extract<Verdict, { ok: false }>): [RefusalCode, ...RefusalCode[]] => {
  const [first = 'unknown', ...more] = codes;
  return [first, ...more];
};
