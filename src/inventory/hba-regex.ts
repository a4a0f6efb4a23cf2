/**
 * Returns a definite error in an advanced regular expression of PostgreSQL ("Regular Expression Details"): brackets,
 * parentheses and braces that are not balanced, a lone backslash at the end, a quantifier of nothing, a class or a
 * group that does not exist. Undefined when none is found; PostgreSQL itself decides.
 */
export function regexProblem(text: string): string | undefined {
  // A director or embedded options may change the syntax of the rest (9.7.3.4, "Regular Expression Metasyntax").
  if (/^(\*\*\*=|(\*\*\*:)?\(\?[a-z]*[beqx])/.test(text)) return undefined;
  const prefix = /^(\*\*\*:)?(\(\?[a-z]+\))?/.exec(text)![0];
  let depth = 0;
  let groups = 0;
  let atom = false;
  for (let at = prefix.length; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\\') {
      if (at + 1 === text.length) return 'invalid escape \\ sequence';
      at++;
      if (/[1-9]/.test(text[at]!) && Number(text[at]) > groups) return 'invalid backreference number';
      // Constraints such as \m (the start of a word) are not repeated.
      atom = !/[AmMyYZ]/.test(text[at]!);
    } else if (char === '[') {
      const end = bracketEnd(text, at);
      if (end === undefined) return 'brackets [] not balanced';
      const unknown =
        /\[:(?!(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit|[<>]):\])/;
      if (unknown.test(text.slice(at + 1, end))) return 'invalid character class';
      at = end;
      atom = true;
    } else if (char === '(') {
      depth++;
      const special = /^\(\?(:|<?[=!])/.exec(text.slice(at));
      if (special) at += special[0].length - 1;
      else groups++;
      atom = false;
    } else if (char === ')') {
      if (depth-- === 0) return 'parentheses () not balanced';
      atom = true;
    } else if (/[*+?]/.test(char) || (char === '{' && /\d/.test(text[at + 1] ?? ''))) {
      if (!atom) return 'quantifier operand invalid';
      if (char === '{') {
        const bound = /^\{(\d{1,3})(?:,(\d{1,3})?)?\}/.exec(text.slice(at));
        if (!bound) return 'invalid repetition count(s)';
        if (Number(bound[1]) > 255 || Number(bound[2] ?? 0) > 255 || Number(bound[1]) > Number(bound[2] ?? 255))
          return 'invalid repetition count(s)';
        at += bound[0].length - 1;
      }
      // A question mark behind a quantifier makes it non-greedy.
      if (text[at + 1] === '?') at++;
      atom = false;
    } else atom = !/[|^$]/.test(char);
  }
  return depth > 0 ? 'parentheses () not balanced' : undefined;
}

/** Returns where a bracket expression ends: at the first `]` that is neither its first character nor part of `[:class:]`. */
function bracketEnd(text: string, from: number): number | undefined {
  let at = from + 1;
  if (text[at] === '^') at++;
  if (text[at] === ']') at++;
  for (; at < text.length; at++) {
    if (text[at] === ']') return at;
    const special = /^\[([:.=])/.exec(text.slice(at, at + 2))?.[1];
    if (text[at] === '\\') at++;
    if (special) {
      const end = text.indexOf(`${special}]`, at + 2);
      if (end < 0) return undefined;
      at = end + 1;
    }
  }
  return undefined;
}
