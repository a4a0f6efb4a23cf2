import { json } from '../programs/json.ts';

/** A program's answer, or the reason why there is none. Silence is neither health nor absence. */
export type Answer<T> = { said: T } | { silent: string };

/** Returns the answer itself; undefined for a silent host and for one without the role, so only for callers that may treat them alike. */
export const said = <T>(answer: Answer<T> | undefined): T | undefined =>
  answer && 'said' in answer ? answer.said : undefined;

/** Returns why there is no answer; undefined when there is one, or when the host does not have the role. */
export const silence = (answer: Answer<unknown> | undefined): string | undefined =>
  answer && 'silent' in answer ? answer.silent : undefined;

/** The reason of an answer that was not asked for; a verdict treats it as it treats every silence. */
export const NOT_ASKED = 'it was not asked';

/** POSIX sh that asks a program for one line of JSON, for `seconds` at most; read by `answerOf`. */
export const asking = (seconds: number, command: string): string =>
  `{ timeout ${seconds} ${command}; printf '\\ncode %s\\n' "$?"; } 2>&1`;

/**
 * POSIX sh that runs a script which may hang in storage that does not answer. No signal ends a process that waits for a
 * file server, so a hanging one is left behind, and its output within `seconds` is the answer. A last line of one dot
 * marks a whole answer; read by `wholeOf`.
 */
export const bounded = (seconds: number, script: string): string =>
  `( {\n${script}\necho .\n} 2>&1 & ) | timeout ${seconds} cat`;

/** Reads the output of `bounded`: the script's output, or the silence of the storage. */
export const wholeOf = (answer: string): Answer<string> => {
  const text = answer.trimEnd();
  return text === '.' || text.endsWith('\n.')
    ? { said: text.slice(0, -1) }
    : { silent: 'the storage does not answer in time' };
};

/** Exit status of timeout(1) for a command that was still running. */
const TIMED_OUT = 124;

/** Reads the output of `asking`: the line of JSON as text; undefined when nothing was asked. */
export function answerOf(text: string | undefined): Answer<string> | undefined {
  const lines = (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const code = Number(/^code (\d+)$/.exec(lines.at(-1) ?? '')?.[1]);
  if (Number.isNaN(code)) return undefined;
  const said = lines.slice(0, -1).find((line) => /^[[{]/.test(line));
  if (code === 0 && said !== undefined && json(said) !== undefined) return { said };
  if (code === TIMED_OUT) return { silent: 'no answer in time' };
  return { silent: lines.slice(0, -1).at(-1) ?? `it ended with status ${code} and said nothing` };
}

/** Exit status of curl when nothing listens, which is an answer too (curl(1), "EXIT CODES"). */
const REFUSED = 7;
const CURL_REASONS: Record<number, string> = {
  5: 'a proxy stands in the way',
  6: 'its name cannot be resolved',
  28: 'no answer in time',
  35: 'no TLS connection could be made',
  58: 'the client certificate cannot be used',
  60: 'its certificate is not trusted',
  77: 'the file of the authority cannot be read',
  127: 'curl is not installed',
};

/** Returns why curl ended without an answer; undefined when it got one, or when nothing listens. */
export function curlSilence(code: string | undefined): string | undefined {
  const number = Number(code?.trim() || 0);
  if (number === 0 || number === REFUSED) return undefined;
  return CURL_REASONS[number] ?? `curl ended with status ${number}`;
}
