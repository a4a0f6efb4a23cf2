/** One setting as a server describes it. */
export interface Row {
  type: 'bool' | 'integer' | 'real' | 'string' | 'enum';
  /** The unit of a number without one: B, kB, 8kB, MB, ms, s, min. */
  unit?: string;
  /** Least and greatest value (in that unit). */
  range?: readonly [number, number];
  values?: readonly string[];
  /** When it may change (pg_settings, "context"). */
  context: string;
  /** `postgres --describe-config` omits it: a setting for sessions and developers. */
  unlisted?: boolean;
}

/** One statement on one line; `rowsOf` reads its single value. Only this view of PostgreSQL has ranges and enumerations. */
export const PG_SETTINGS =
  "select string_agg(concat_ws('|', lower(name), vartype, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''), coalesce(array_to_string(enumvals, ','), ''), context), ';' order by lower(name)) as settings from pg_settings where name not like '%.%'";

/** Reads the settings by name from the answers to `PG_SETTINGS` and `postgres --describe-config`. */
export function rowsOf(settings: string, describeConfig: string): Map<string, Row> {
  const listed = new Set(describeConfig.split('\n').map((line) => line.split('\t')[0]!.toLowerCase()));
  return new Map(
    settings
      .trim()
      .split(';')
      .map((line): [string, Row] => {
        const [name, type, unit, min, max, values, context] = line.split('|') as [string, Row['type'], ...string[]];
        // The values of a build do not limit what can be set.
        const bounded = context !== 'internal' && min !== '';
        return [
          name,
          {
            type,
            ...(unit ? { unit } : {}),
            ...(bounded ? { range: [Number(min), Number(max)] as const } : {}),
            ...(type === 'enum' ? { values: values!.split(',') } : {}),
            context: context!,
            ...(listed.has(name) ? {} : { unlisted: true }),
          },
        ];
      }),
  );
}

const describe = ({ type, unit, range, values, context, unlisted }: Row): string =>
  [
    [type, unit, range?.join('..'), values?.join(',')].filter((one) => one !== undefined).join(' '),
    `${context}${unlisted ? ' unlisted' : ''}`,
  ].join(' | ');

/** Formats the table: sorted by name, one line for each run of major versions that agree. */
export function asText(byMajor: ReadonlyMap<number, ReadonlyMap<string, Row>>): string {
  const majors = [...byMajor.keys()].sort((a, b) => a - b);
  const names = [...new Set([...byMajor.values()].flatMap((rows) => [...rows.keys()]))].sort();
  return names
    .flatMap((name) => {
      const runs: { from: number; to: number; text: string }[] = [];
      for (const major of majors) {
        const row = byMajor.get(major)!.get(name);
        if (!row) continue;
        const [text, last] = [describe(row), runs.at(-1)];
        if (last && last.to === major - 1 && last.text === text) last.to = major;
        else runs.push({ from: major, to: major, text });
      }
      return runs.map(({ from, to, text }) => `${name} | ${from === to ? from : `${from}-${to}`} | ${text}`);
    })
    .join('\n');
}

/** Reads the output of `asText`; throws on any other line. */
export function fromText(text: string): Map<number, Map<string, Row>> {
  const byMajor = new Map<number, Map<string, Row>>();
  for (const line of text.trim().split('\n')) {
    const match =
      /^([a-z_0-9]+) \| (\d+)(?:-(\d+))? \| (bool|integer|real|string|enum)(?: ([^|]*?))? \| ([a-z-]+)( unlisted)?$/.exec(
        line,
      );
    if (!match) throw new Error(`not a line of the table of settings: ${line}`);
    const [, name, from, to = from, type, details = '', context, unlisted] = match;
    const row: Row = {
      type: type as Row['type'],
      ...(type === 'enum' ? { values: details.split(',') } : numberOf(details)),
      context: context!,
      ...(unlisted ? { unlisted: true } : {}),
    };
    for (let major = Number(from); major <= Number(to); major++) {
      const rows = byMajor.get(major) ?? new Map<string, Row>();
      byMajor.set(major, rows.set(name!, row));
    }
  }
  return byMajor;
}

/** Reads unit and range, either of which may be missing: `8kB 16..1073741823`. */
function numberOf(details: string): Pick<Row, 'unit' | 'range'> {
  const words = details.split(' ').filter(Boolean);
  const range = words.find((word) => word.includes('..'));
  const unit = words.find((word) => word !== range);
  return {
    ...(unit ? { unit } : {}),
    ...(range ? { range: range.split('..').map(Number) as [number, number] } : {}),
  };
}
