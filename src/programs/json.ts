/** JSON that a program has printed, or undefined when it gave no (whole) answer. */
export function json<T = Record<string, unknown>>(text: string | undefined): T | undefined {
  try {
    return text?.trim() ? (JSON.parse(text) as T) : undefined;
  } catch {
    return undefined;
  }
}
