import type { Row } from './table-text.ts';

/** The meaning of a text for a setting, in one form, or the problem with it. */
export type Parsed = { ok: true; value: boolean | number | string } | { ok: false; problem: string };

const MEMORY = { TB: 1024 ** 4, GB: 1024 ** 3, MB: 1024 ** 2, kB: 1024, B: 1 };
const TIME = { d: 86_400_000, h: 3_600_000, min: 60_000, s: 1000, ms: 1, us: 0.001 };

/** Returns the units that a setting takes with their size, largest first; undefined when it takes none. */
function unitsOf(unit: string | undefined): Record<string, number> | undefined {
  if (unit === undefined) return undefined;
  return unit in TIME ? TIME : MEMORY;
}

/** Returns the size of a base unit such as 8kB in its units. */
function baseOf(unit: string): number {
  const [, count = '', name = ''] = /^(\d*)(\w+)$/.exec(unit)!;
  return Number(count || 1) * unitsOf(name)![name]!;
}

/** Rounds as C's rint: halves go to the even number. */
function rint(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

/** Reads a number at the beginning of a text, as strtol with base 0 and strtod do in turn (guc.c, parse_int and parse_real). */
function numberAt(text: string, whole: boolean): { value: number; rest: string } | undefined {
  const decimal = /^[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(.*)$/s.exec(text);
  const integer = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)(.*)$/s.exec(text);
  const continued = integer !== null && /^[.eE]/.test(integer[3]!);
  if (whole && integer && !continued) {
    const digits = integer[2]!;
    const value = /^0[xX]/.test(digits)
      ? Number(digits)
      : digits.startsWith('0')
        ? Number.parseInt(digits, 8)
        : Number(digits);
    return { value: integer[1] === '-' ? -value : value, rest: integer[3]! };
  }
  // strtol, which comes first for a whole number, reads nothing before a point that follows spaces.
  if (!decimal || (whole && !integer && /^\s/.test(text))) return undefined;
  return { value: Number(decimal[1]), rest: decimal[2]! };
}

/** Returns the unit that was probably meant. */
function meant(unit: string, units: Record<string, number>): string | undefined {
  const word = unit.toLowerCase();
  const same = Object.keys(units).find((one) => one.toLowerCase() === word);
  if (same) return same;
  return units === MEMORY
    ? Object.keys(units).find((one) => one[0]!.toLowerCase() === word[0] && /^[tgmkb](ib|b|bytes?)?$/.test(word))
    : [
        ['d', /^days?$/],
        ['h', /^(hours?|hrs?)$/],
        ['min', /^(m|mins|minutes?)$/],
        ['s', /^(secs?|seconds?)$/],
        ['ms', /^(msecs?|milliseconds?)$/],
        ['us', /^(usecs?|microseconds?|µs)$/],
      ]
        .find(([, words]) => (words as RegExp).test(word))?.[0]
        ?.toString();
}

/** Reads a number of a setting in its base unit, or returns the problem with it (guc.c, parse_int, parse_real, convert_to_base_unit). */
function parseNumber(setting: Row, text: string): Parsed {
  const whole = setting.type === 'integer';
  const units = unitsOf(setting.unit);
  const what = `a ${whole && !units ? 'whole ' : ''}number${units ? `, which may have a unit (${Object.keys(units).join(', ')})` : ''}`;
  const found = numberAt(text, whole);
  if (!found) return { ok: false, problem: `it takes ${what}${rangeOf(setting)}` };
  let { value } = found;
  const unit = found.rest.trim();
  if (unit !== '') {
    if (!units) return { ok: false, problem: `it takes ${what} without a unit${rangeOf(setting)}` };
    const names = Object.keys(units);
    const size = Object.hasOwn(units, unit) ? units[unit]! : undefined;
    if (size === undefined) {
      const better = meant(unit, units);
      return {
        ok: false,
        problem: `its units are ${names.join(', ')}, in this spelling${better ? `: ${text.trim().slice(0, -unit.length).trim()}${better}` : ''}`,
      };
    }
    value *= size / baseOf(setting.unit!);
    // A fraction is rounded to the next smaller unit: 30.1GB is a whole number of MB.
    const smaller = units[names[names.indexOf(unit) + 1] ?? ''];
    if (smaller !== undefined) {
      const step = smaller / baseOf(setting.unit!);
      value = rint(value / step) * step;
    }
  }
  if (whole) value = rint(value);
  if (setting.range && (value < setting.range[0] || value > setting.range[1]))
    return { ok: false, problem: `it is ${rangeOf(setting).trim()}` };
  return { ok: true, value };
}

/** Formats a range for an operator: ` from 64kB to 2TB`. */
function rangeOf({ range, unit, type }: Row): string {
  if (!range) return '';
  const [least, most] = range.map((bound) => inUnits(bound, unit));
  if (type === 'real' && range[1] > 1e300) return ` from ${least} up`;
  return ` from ${least} to ${most}`;
}

/** Formats a number of base units in the largest unit that divides it. */
export function inUnits(value: number, unit: string | undefined): string {
  const units = unitsOf(unit);
  if (!units || value === 0 || value === -1) return String(value);
  const amount = value * baseOf(unit!);
  const [name, size] = Object.entries(units).find(([, one]) => Number.isInteger(amount / one)) ?? ['', 1];
  return name ? `${amount / size}${name}` : String(value);
}

const BOOLEANS: [value: boolean, word: string, least: number][] = [
  [true, 'true', 1],
  [false, 'false', 1],
  [true, 'yes', 1],
  [false, 'no', 1],
  [true, 'on', 2],
  [false, 'off', 2],
  [true, '1', 1],
  [false, '0', 1],
];

/** Reads a boolean as bool.c, parse_bool_with_len, does: any unambiguous beginning of a word. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  return BOOLEANS.find(([, whole, least]) => word.length >= least && whole.startsWith(word))?.[0];
}

/** Names of values that `pg_settings` does not list (guc_tables.c, hidden entries), with the equivalent that PostgreSQL shows. */
const HIDDEN: Record<string, Record<string, string>> = {
  wal_level: { archive: 'replica', hot_standby: 'replica' },
  client_min_messages: { debug: 'debug2', info: 'info' },
  icu_validation_level: { debug: 'debug2', info: 'info' },
  log_min_messages: { debug: 'debug2' },
  log_min_error_statement: { debug: 'debug2' },
  wal_compression: { on: 'pglz' },
};

function parseEnum(setting: Row & { name: string }, text: string): Parsed {
  const values = setting.values ?? [];
  const word = text.toLowerCase();
  const hidden = HIDDEN[setting.name] ?? {};
  const shown = values.find((one) => one.toLowerCase() === word) ?? (Object.hasOwn(hidden, word) ? word : undefined);
  // Where on and off are values, all words for them count, but not their beginnings.
  const switched = values.includes('on') && values.includes('off') && BOOLEANS.find(([, whole]) => whole === word);
  const value = shown ?? (switched ? (switched[0] ? 'on' : 'off') : undefined);
  if (value === undefined) return { ok: false, problem: `it is one of ${values.filter(Boolean).join(', ')}` };
  return { ok: true, value: Object.hasOwn(hidden, value) ? hidden[value]! : value };
}

/** Reads a setting's text as PostgreSQL does: a boolean, a number in base units, the name of a value, or the text itself. */
export function parseValue(setting: Row & { name: string }, text: string): Parsed {
  if (setting.type === 'integer' || setting.type === 'real') return parseNumber(setting, text);
  if (setting.type === 'enum') return parseEnum(setting, text);
  if (setting.type === 'string') return { ok: true, value: text };
  const value = parseBoolean(text);
  return value === undefined ? { ok: false, problem: 'it is on or off' } : { ok: true, value };
}
