import { majorsWith, settingOf } from '../postgres/settings.ts';
import { parseValue } from '../postgres/value.ts';
import { error, type Path } from './check.ts';
import { customSetting } from './custom-settings.ts';
import { unknownSetting } from './parameter-checks.ts';
import type { Inventory } from './schema.ts';
import type { Problem } from './yaml-text.ts';

/** What a session may set: by everybody, or by a superuser, who writes it into the role or database. */
const BY_SESSION = ['user', 'superuser'];
/** What belongs to one transaction, and what would make the session another person's. */
const NOT_KEPT = /^(transaction_(deferrable|isolation|read_only)|role|session_authorization|seed|is_superuser)$/;

type Value = string | number | boolean;

/** Checks the settings of a role or a database: names and values are those of sessions. */
export function sessionSettings(
  settings: Readonly<Record<string, Value>>,
  path: Path,
  inventory: Inventory,
): Problem[] {
  return Object.entries(settings).flatMap(([name, value]) => judge(name, value, [...path, name], inventory));
}

function judge(name: string, value: Value, path: Path, inventory: Inventory): Problem[] {
  if (name !== name.toLowerCase())
    return [error(path, `names of settings are in lower case here: ${name.toLowerCase()}`, true)];
  if (name.includes('.')) return customSetting(name, path, inventory).filter(({ severity }) => severity === 'error');
  const major = Number(inventory.postgres.version);
  if (NOT_KEPT.test(name)) return [error(path, `${name} belongs to one session or transaction`, true)];
  const setting = settingOf(major, name);
  if (!setting) return [error(path, unknownSetting(name, major), true)];
  if (!BY_SESSION.includes(setting.context))
    return [
      error(
        path,
        `${name} is a setting of the whole server, not of a role or database: postgres.parameters.${name}`,
        true,
      ),
    ];
  const parsed = parseValue(setting, String(value));
  return parsed.ok
    ? []
    : [
        error(
          path,
          `${name} cannot be ${typeof value === 'string' ? JSON.stringify(value) : value}: ${parsed.problem}`,
        ),
      ];
}

/** Settings whose value is a list of names: PostgreSQL takes each as a text of its own (guc.h, GUC_LIST_QUOTE). */
const LISTS = ['search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries'];

/** Returns the texts that ALTER ... SET takes for a setting: one, or those of a list. */
export function settingTexts(name: string, value: string): string[] {
  if (!LISTS.includes(name)) return [value];
  const names = [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)].filter(([whole]) => whole !== '');
  return names.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim().toLowerCase());
}

/** Whether two texts mean the same to PostgreSQL: 8MB is 8192kB. */
export function sameSetting(name: string, one: string, other: string): boolean {
  const [first, second] = [settingTexts(name, one), settingTexts(name, other)];
  if (first.join('\0') === second.join('\0')) return true;
  // A value is read alike by every version that has the setting.
  const major = majorsWith(name).at(-1);
  const setting = major === undefined ? undefined : settingOf(major, name);
  if (!setting || LISTS.includes(name)) return false;
  const [a, b] = [parseValue(setting, one), parseValue(setting, other)];
  return a.ok && b.ok && a.value === b.value;
}
