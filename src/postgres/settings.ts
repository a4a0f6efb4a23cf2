import { SETTINGS_TABLE } from './settings-table.ts';
import { fromText, type Row } from './table-text.ts';

/** One setting of PostgreSQL. */
export interface Setting extends Row {
  /** The name in lower case, as PostgreSQL compares names. */
  name: string;
}

let tables: Map<number, Map<string, Setting>> | undefined;

function table(major: number): ReadonlyMap<string, Setting> {
  tables ??= new Map(
    [...fromText(SETTINGS_TABLE)].map(([one, rows]) => [
      one,
      new Map([...rows].map(([name, row]) => [name, { ...row, name }])),
    ]),
  );
  return tables.get(major) ?? new Map();
}

/** Returns a major version's setting by its name in lower case; undefined when there is none. */
export const settingOf = (major: number, name: string): Setting | undefined => table(major).get(name);

/** Returns the names of all settings of a major version. */
export const settingNames = (major: number): string[] => [...table(major).keys()];

/** Returns the major versions of the table in which a setting exists, oldest first. */
export function majorsWith(name: string): number[] {
  table(0);
  return [...tables!].flatMap(([major, rows]) => (rows.has(name) ? [major] : [])).sort((a, b) => a - b);
}
