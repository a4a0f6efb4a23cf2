/** Questions of one script, by section name. A line with a nonce that no output can guess announces each section's output. */
export type Sections = ReadonlyMap<string, string>;

const mark = (nonce: string, name: string, what: string) => `${nonce} ${name} ${what}`;

/**
 * Composes sections (name → POSIX sh) into one script. They run in one shell, since a subshell for each would be a
 * process for each. A section must not exit, which would cut the answer short, and later sections see the variables
 * that it sets.
 */
export function composeSections(sections: Sections, nonce: string): string {
  const parts = [...sections].map(
    ([name, body]) =>
      `printf '\\n%s\\n' '${mark(nonce, name, 'begin')}'\n{\n${body}\n}\nprintf '\\n%s\\n' '${mark(nonce, name, 'end')}'`,
  );
  return parts.join('\n');
}

/**
 * Splits the answer of `composeSections` into output by section name.
 * Throws when a section's end mark is missing: a truncated answer is an error, never "absent".
 */
export function splitSections(names: Iterable<string>, answer: string, nonce: string): Map<string, string> {
  const found = new Map<string, string>();
  let from = 0;
  for (const name of names) {
    const begin = `\n${mark(nonce, name, 'begin')}\n`;
    const end = `\n${mark(nonce, name, 'end')}\n`;
    const start = answer.indexOf(begin, from);
    const stop = start < 0 ? -1 : answer.indexOf(end, start + begin.length - 1);
    if (stop < 0) throw new Error(`truncated answer: section "${name}" has no ${start < 0 ? 'begin' : 'end'} mark`);
    found.set(name, answer.slice(start + begin.length, stop));
    from = stop + end.length - 1;
  }
  return found;
}
