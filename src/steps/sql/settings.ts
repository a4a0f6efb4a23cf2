import { sameSetting, settingTexts } from '../../inventory/session-settings.ts';
import { identifier, literal, type Statement } from './text.ts';

/** Reads settings as PostgreSQL keeps them, `name=value`, by their name in lower case. */
export const settingsOf = (kept: readonly string[]): Map<string, string> =>
  new Map(kept.map((one) => [one.slice(0, one.indexOf('=')).toLowerCase(), one.slice(one.indexOf('=') + 1)]));

/** A name with a dot is quoted part by part. */
const settingName = (name: string): string => name.split('.').map(identifier).join('.');

/**
 * Returns the statements that set what differs. `of` is the object for ALTER, `whose` names it for the operator. What is
 * set beyond stays.
 */
export function settingStatements(
  of: string,
  whose: string,
  want: Readonly<Record<string, string>>,
  kept: readonly string[],
): Statement[] {
  const there = settingsOf(kept);
  return Object.entries(want).flatMap(([name, value]) => {
    const present = there.get(name);
    if (present !== undefined && sameSetting(name, present, value)) return [];
    const to = settingTexts(name, value).map(literal).join(', ') || "''";
    return [
      {
        text: `${name} of ${whose}${present === undefined ? '' : ` ${present}`} → ${value}`,
        statement: () => `alter ${of} set ${settingName(name)} = ${to}`,
      },
    ];
  });
}

/** Returns the settings that are kept and not declared. */
export const undeclaredSettings = (want: Readonly<Record<string, string>>, kept: readonly string[]): string[] =>
  [...settingsOf(kept).keys()].filter((name) => want[name] === undefined);

/** Returns the statement that takes a setting away. */
export const resetStatement = (of: string, whose: string, name: string): Statement => ({
  text: `reset ${name} of ${whose}`,
  statement: () => `alter ${of} reset ${settingName(name)}`,
});
