import { SETTINGS_TABLE } from './settings-table.ts';
import { fromText, type Row } from './table-text.ts';

/** One setting of PostgreSQL. */
export interface Setting extends Row {
  /** In lower case, as PostgreSQL compares names. */
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

/** The setting of a major version of PostgreSQL by its name in lower case; undefined when it has none of that name. */
export const settingOf = (major: number, name: string): Setting | undefined => table(major).get(name);

/** The names of all settings of a major version. */
export const settingNames = (major: number): string[] => [...table(major).keys()];

/** The major versions of the table in which a setting exists, the oldest first. */
export function majorsWith(name: string): number[] {
  table(0);
  return [...tables!].flatMap(([major, rows]) => (rows.has(name) ? [major] : [])).sort((a, b) => a - b);
}
