import { settingOf } from './settings.ts';
import type { Row } from './table-text.ts';
import { inUnits, parseValue } from './value.ts';

/** A setting as a running server has it. */
export interface Effective {
  /** The value in base units; undefined when it is not set and not known. */
  value: string | undefined;
  type: Row['type'];
  unit?: string;
  context: string;
  /** Where the value comes from (pg_settings, "source"). */
  source: string;
  /** FILE:LINE of the setting. */
  place: string | undefined;
  pendingRestart: boolean;
}

/** Settings that PostgreSQL shows in another form than it was given (their check and show hooks). */
const REWRITTEN = ['client_encoding', 'datestyle', 'default_text_search_config', 'log_timezone', 'timezone'];

/** Checks of settings for which PostgreSQL shows a computed value, by name. */
const COMPUTED: Readonly<Record<string, (declared: number, there: number) => boolean>> = {
  // Never more than io_max_combine_limit (PostgreSQL 18).
  io_combine_limit: (declared, there) => there <= declared,
  // guc_hooks.c, check_wal_buffers: at least four blocks.
  wal_buffers: (declared, there) => declared < 4 && there === 4,
};

/** Whether a server has the declared value. Session settings, and values that the server computes, are not judged. */
export function isInEffect(
  major: number,
  name: string,
  declared: string | number | boolean,
  there: Effective,
): boolean {
  // Another step resets a value of ALTER SYSTEM.
  if (there.place?.replace(/:\d+$/, '').endsWith('.auto.conf')) return true;
  if (/^(override|database|user|database user|client|session|global)$/.test(there.source)) return true;
  if (there.value === undefined) return false;
  const setting = { ...(settingOf(major, name) ?? { ...there, values: undefined }), name };
  if (setting.type === 'enum' && !setting.values) return plain(String(declared)) === plain(there.value);
  const [wanted, has] = [
    parseValue(setting, String(declared)),
    parseValue({ ...setting, range: undefined }, there.value),
  ];
  if (!wanted.ok || !has.ok || setting.type === 'string') return sameText(name, String(declared), there);
  if (typeof wanted.value !== 'number' || typeof has.value !== 'number') return wanted.value === has.value;
  if (Math.abs(wanted.value - has.value) <= Math.abs(wanted.value) * 1e-5) return true;
  return COMPUTED[name]?.(wanted.value, has.value) ?? false;
}

function sameText(name: string, declared: string, { value, source }: Effective): boolean {
  // PostgreSQL shows this while nothing is archived (show_archive_command).
  if (name === 'archive_command' && value === '(disabled)') return true;
  if (REWRITTEN.includes(name)) return source === 'configuration file' || source === 'command line';
  return plain(declared) === plain(value!);
}

/** Strips what does not count in a list, a switch or a name. */
function plain(text: string): string {
  const word = text.toLowerCase().replaceAll(/[\s"]/g, '');
  return /^(on|true|yes|1)$/.test(word) ? 'on' : /^(off|false|no|0)$/.test(word) ? 'off' : word;
}

/** Formats a value with its origin: `4MB (from FILE:LINE)`. */
export function shownValue({ value, type, unit, source, place }: Effective): string {
  if (value === undefined) return 'unknown to this PostgreSQL';
  const number = (type === 'integer' || type === 'real') && /^-?[\d.]+$/.test(value) ? Number(value) : undefined;
  const text = number === undefined ? (value === '' ? '""' : value) : inUnits(number, unit);
  return place ? `${text} (from ${place})` : source ? `${text} (${source})` : text;
}
