import { apt, hasProgram } from '../../src/lab/programs.ts';

/**
 * Makes sure of programs, given with the Debian package of each; returns why tests with them are skipped, or false. Where
 * they are missing and nobody may install them, that is no failure.
 */
export async function skipWithout(programs: Readonly<Record<string, string>>): Promise<string | false> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(programs)) if (!(await hasProgram(program))) missing.push(name);
  if (missing.length === 0) return false;
  if (process.getuid?.() !== 0 || !(await hasProgram('apt-get'))) return `there is no ${missing.join(', ')}`;
  await apt(...missing);
  return false;
}
