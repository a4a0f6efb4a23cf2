import { settingOf } from './settings.ts';
import { inUnits, parseValue } from './value.ts';

/** Words for on and off that Patroni knows (utils.py, parse_bool); it drops a setting with any other. */
const SWITCHES = /^(on|off|true|false|yes|no|1|0)$/i;

/**
 * Returns a setting's value in a form that Patroni reads as PostgreSQL does: hexadecimal and octal numbers, exponents,
 * and beginnings of words for on and off are written out. A value that Patroni understands stays as it was written:
 * another spelling would be a change of every member.
 */
export function written(major: number, name: string, value: string | number | boolean): string | number | boolean {
  const setting = settingOf(major, name);
  const text = String(value);
  const parsed = setting && parseValue(setting, text);
  if (!parsed?.ok) return value;
  if (setting!.type === 'bool') return SWITCHES.test(text) ? value : parsed.value ? 'on' : 'off';
  if (typeof parsed.value !== 'number' || isMode(text, name)) return value;
  const whole = setting!.type === 'integer' && setting!.unit === undefined;
  const plain = whole ? /^-?(0|[1-9]\d*)$/ : /^-?(0|[1-9]\d*)(\.\d+)? ?([A-Za-z]+)?$/;
  return plain.test(text) ? value : inUnits(parsed.value, setting!.unit);
}

/** Whether the setting is a file mode, which is octal everywhere. */
const isMode = (text: string, name: string): boolean => /_(mode|permissions)$/.test(name) && /^0[0-7]+$/.test(text);
