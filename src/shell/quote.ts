/**
 * Quotes a string as one word of POSIX sh (XCU 2.2.2, single quotes). The only quoting function of the project.
 * Throws on a NUL byte, which no shell word can hold.
 */
export function quote(text: string): string {
  if (text.includes('\0')) throw new Error('a NUL byte cannot be passed to a shell');
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Quotes each argument and joins them to one command line. */
export const words = (...args: readonly string[]): string => args.map(quote).join(' ');

/** Returns a command that writes exactly `text` to its standard output; printf is built into sh, so nothing shows in argv. */
export const print = (text: string): string => `printf %s ${quote(text)}`;
