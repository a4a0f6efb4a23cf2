import { z } from 'zod';

const KNOWN = ['15', '16', '17', '18'];

/** A major version of PostgreSQL; 17 without quotes is the number 17 to YAML, and as good. */
export const majorVersion = z
  .union([z.string(), z.number()], 'a major version in quotes: "15", "16", "17" or "18"')
  .superRefine((written, context) => {
    const mistake = versionMistake(written);
    if (mistake) context.addIssue({ code: 'custom', message: mistake });
  })
  .transform(String);

function versionMistake(written: string | number): string | undefined {
  if (KNOWN.includes(String(written))) return undefined;
  const [major = '', minor] = String(written).split('.');
  if (minor === undefined || !KNOWN.includes(major))
    return `hapg knows PostgreSQL 15 to 18, and this is ${JSON.stringify(written)}: version: "17"`;
  // YAML reads 16.10 as the number 16.1.
  const what =
    typeof written === 'number' ? `a minor release (read as the number ${written})` : `a minor release ("${written}")`;
  return `${what} comes with the packages, and the major version is enough: version: "${major}"`;
}
