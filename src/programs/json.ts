/** Parses JSON that a program has printed; undefined when there is no (whole) answer. */
export function json<T = Record<string, unknown>>(text: string | undefined): T | undefined {
  try {
    return text?.trim() ? (JSON.parse(text) as T) : undefined;
  } catch {
    return undefined;
  }
}
