import { EXEC_KILL_S } from '../bounds/hosts.ts';
import { quote, words } from '../shell/quote.ts';

/** The most output of one host that is kept (bytes); the rest is counted. */
export const EXEC_BYTES = 64 * 1024;

/** What a command did on one host. */
export interface ExecAnswer {
  /** Its exit status; null where the host was not reached, or did not tell. */
  code: number | null;
  output: string;
  /** The bytes of output that were left out. */
  leftOut: number;
  /** It ran into the time-out and was ended. */
  late: boolean;
  /** Why the host was not reached. */
  unreachable?: string;
  /** Why the answer is missing. */
  missing?: string;
}

/** The command line of an operator's words: one word is a text for the shell, several are an argument list. */
export const commandLine = (given: readonly string[]): string => (given.length === 1 ? given[0]! : words(...given));

/**
 * The name of the program for the host's audit log. Its arguments are left out, because they may hold a secret; so are
 * variables that are set before it, and everything else that is not plainly a name.
 */
export function programName(given: readonly string[]): string {
  const all = given.length === 1 ? given[0]!.trim().split(/\s+/) : given;
  const first = all[0] ?? '';
  return /^[A-Za-z0-9_.+/-]{1,60}$/.test(first) ? first : 'sh';
}

/** The line that ends the answer: the command's status, and the bytes that were left out. */
const END = /\n?hapg-exec code=(\d+) rest=(\d+)\s*$/;

/**
 * POSIX sh that runs a command line in a shell of its own for `seconds` at most, and prints the first `limit` bytes of
 * its output, then `END`. The command is not stopped by what is left out: the rest is read and counted. `first` runs
 * before it and cannot fail it.
 */
export const execScript = (
  line: string,
  { seconds, limit = EXEC_BYTES, first = ':' }: { seconds: number; limit?: number; first?: string },
): string => `( ${first} ) >/dev/null 2>&1 || :
exec 4>&1
end=$({ { timeout -k ${EXEC_KILL_S} ${seconds} sh -c ${quote(line)} </dev/null 3>&- 4>&-; echo "code=$?" >&3; } 2>&1 |
  { head -c ${limit} >&4; echo "rest=$(wc -c | tr -d ' ')" >&3; }; } 3>&1)
printf '\\nhapg-exec %s\\n' "$(printf '%s\\n' "$end" | sort | tr '\\n' ' ')"`;

/** The statuses of timeout(1) for a command that it has ended. */
const LATE = new Set([124, 137]);

/** Reads the answer of `execScript`, which took `tookSeconds` with a time-out of `seconds`. */
export function readExec(output: string, seconds: number, tookSeconds: number): ExecAnswer {
  const end = END.exec(output);
  if (!end)
    return {
      code: null,
      output,
      leftOut: 0,
      late: false,
      missing: 'the shell ended before the command told its status',
    };
  const [code, leftOut] = [Number(end[1]), Number(end[2])];
  const text = output.slice(0, end.index);
  return {
    code,
    // A character of several bytes may be cut in two.
    output: leftOut > 0 ? text.replace(/\ufffd+$/, '') : text,
    leftOut,
    late: LATE.has(code) && tookSeconds >= seconds,
  };
}

/** Groups hosts whose answers are the same, in the order of the first host of each. */
export function foldSame<T>(answers: readonly { host: string; answer: T }[]): { hosts: string[]; answer: T }[] {
  const groups = new Map<string, { hosts: string[]; answer: T }>();
  for (const { host, answer } of answers) {
    const key = JSON.stringify(answer);
    const group = groups.get(key);
    if (group) group.hosts.push(host);
    else groups.set(key, { hosts: [host], answer });
  }
  return [...groups.values()];
}
