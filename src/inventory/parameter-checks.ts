import { COMMAND_LINE, LEFT_OUT } from '../postgres/patroni-options.ts';
import { majorsWith, type Setting, settingNames, settingOf } from '../postgres/settings.ts';
import { inUnits, parseValue } from '../postgres/value.ts';
import { type Check, error, noPostgres, type Path } from './check.ts';
import { customSetting } from './custom-settings.ts';
import { caution, together } from './parameter-cautions.ts';
import { ownerOf, successorOf } from './parameter-owners.ts';
import type { Inventory } from './schema.ts';
import { suggest } from './suggest.ts';
import type { Problem } from './yaml-text.ts';

/** Checks that every setting under postgres.parameters has a name, a value and an owner with which it takes effect. */
export const parameters: Check = (inventory) => [
  ...Object.entries(inventory.postgres.parameters).flatMap(([name, value]) =>
    judge(name, value, ['postgres', 'parameters', name], inventory),
  ),
  ...together(inventory),
];

/** Settings beside those of the command line that hapg keeps the same on all members, since each of them may lead. */
const SAME_EVERYWHERE = ['archive_timeout', 'max_slot_wal_keep_size', 'shared_preload_libraries'];

/** Checks the settings of single members: as those of all, and that they may differ. */
export const hostParameters: Check = (inventory) =>
  Object.entries(inventory.hosts).flatMap(([host, { roles, postgres }]) =>
    Object.entries(postgres?.parameters ?? {}).flatMap(([name, value]) => {
      const path = ['hosts', host, 'postgres', 'parameters', name];
      if (!roles.includes('patroni')) return [noPostgres(host, path)];
      if (name in COMMAND_LINE || SAME_EVERYWHERE.includes(name))
        return [
          error(
            path,
            `${name} must be the same on all members, each of which may lead: write it under postgres.parameters`,
            true,
          ),
        ];
      return judge(name, value, path, inventory);
    }),
  );

function judge(name: string, value: string | number | boolean, path: Path, inventory: Inventory): Problem[] {
  if (name !== name.toLowerCase())
    return [error(path, `names of settings are in lower case here: ${name.toLowerCase()}`, true)];
  const owned = ownerOf(name);
  if (owned) return [error(path, `${name} cannot be set here: ${owned}`, true)];
  if (name.includes('.')) return customSetting(name, path, inventory);
  const major = Number(inventory.postgres.version);
  const setting = settingOf(major, name);
  if (!setting) return [error(path, unknownSetting(name, major), true)];
  if (setting.context === 'internal') return [error(path, `${name} cannot be set: PostgreSQL only shows it`, true)];
  if (LEFT_OUT[name]?.includes(major))
    return [error(path, `Patroni leaves ${name} out of the configuration; set it in the session that needs it`, true)];
  return judgeValue(setting, value, path, inventory);
}

/** Returns what to write in place of a name that the version has no setting of. */
export function unknownSetting(name: string, major: number): string {
  const successor = successorOf(name);
  if (successor) return `PostgreSQL ${major} has no setting ${name}; in its place: ${successor}`;
  const there = majorsWith(name);
  if (there.length > 0)
    return there[0]! > major
      ? `${name} comes with PostgreSQL ${there[0]}, and this cluster has ${major}`
      : `${name} was there up to PostgreSQL ${there.at(-1)}, and this cluster has ${major}`;
  return `PostgreSQL ${major} has no setting ${name}${suggest(name, settingNames(major))}`;
}

/** File modes, which PostgreSQL reads as octal when they begin with 0; a YAML number loses that 0. */
const MODES = ['log_file_mode', 'unix_socket_permissions'];

function judgeValue(setting: Setting, value: string | number | boolean, path: Path, inventory: Inventory): Problem[] {
  const { name } = setting;
  const text = String(value);
  const shown = typeof value === 'string' ? JSON.stringify(value) : text;
  if (MODES.includes(name) && typeof value === 'number')
    return [error(path, `${name}: write the mode in quotes and with a leading zero, such as "0600"`)];
  const parsed = parseValue(setting, text);
  if (!parsed.ok) {
    const near = setting.type === 'enum' ? suggest(text, setting.values ?? []) : '';
    return [error(path, `${name} cannot be ${shown}: ${parsed.problem}${near}`)];
  }
  const least = COMMAND_LINE[name]?.least;
  if (least !== undefined && Number(parsed.value) < least)
    return [
      error(
        path,
        `${name} cannot be ${shown}: Patroni takes no less than ${inUnits(least, setting.unit)}, and below it silently another value`,
      ),
    ];
  return caution(name, parsed.value, path, inventory);
}
