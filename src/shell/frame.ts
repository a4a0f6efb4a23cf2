/** The descriptor on which the persistent shell holds the host's lock. */
export const LOCK_FD = 9;

/**
 * Frames one request on a persistent shell: the script runs in a subshell with no standard input (it could otherwise
 * eat the requests behind it) and without the lock's descriptor (a daemon it starts would keep the lock); a line with
 * the mark and the exit status ends the answer; the colon keeps an empty script from being a syntax error, which would
 * end the shell. `inShell` runs it in the persistent shell itself.
 */
export function frame(script: string, mark: string, inShell = false): string {
  if (inShell) return `{\n:\n${script}\n} </dev/null 2>&1\nprintf '\\n%s %s\\n' '${mark}' "$?"\n`;
  return `(\n:\n${script}\n) </dev/null 2>&1 ${LOCK_FD}>&-\nprintf '\\n%s %s\\n' '${mark}' "$?"\n`;
}

/** Finds the end of a framed answer in what has arrived so far; undefined while it is incomplete. */
export function unframe(received: Buffer, mark: string): { output: string; code: number; rest: Buffer } | undefined {
  const begin = received.lastIndexOf(`\n${mark} `);
  if (begin < 0) return undefined;
  const codeStart = begin + mark.length + 2;
  const end = received.indexOf(10, codeStart);
  if (end < 0) return undefined;
  return {
    output: received.subarray(0, begin).toString('utf8'),
    code: Number(received.subarray(codeStart, end).toString('ascii')),
    rest: received.subarray(end + 1),
  };
}
