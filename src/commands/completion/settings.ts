import type { Candidate, Typed } from './source.ts';

/** What a key of the inventory's JSON Schema may be, as far as words follow from it. */
interface KeySchema {
  enum?: readonly string[];
  type?: string;
  description?: string;
  properties?: Readonly<Record<string, KeySchema>>;
}

/** The keys that `config edit --set` takes, each with the values that are words. */
async function settable({ cluster }: Typed): Promise<{ key: string; about?: string; values: readonly string[] }[]> {
  const [{ jsonSchema }, { settingPath }, { settingNames, settingOf }, its] = await Promise.all([
    import('../../inventory/schema.ts'),
    import('../../inventory/settings.ts'),
    import('../../postgres/settings.ts'),
    cluster(),
  ]);
  const { properties = {} } = jsonSchema() as KeySchema;
  const ofInventory = (key: string, schema: KeySchema) => ({
    key,
    values: schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : []),
    ...(schema.description === undefined ? {} : { about: schema.description }),
  });
  const isTaken = ({ key }: { key: string }): boolean => {
    try {
      return settingPath(key).length > 0;
    } catch {
      return false;
    }
  };
  const major = Number(its.settings.postgres.version);
  return [
    ...['replication', 'rto'].map((key) => ofInventory(key, properties[key] ?? {})),
    ...Object.entries(properties.patroni?.properties ?? {})
      .map(([key, schema]) => ofInventory(`patroni.${key}`, schema))
      .filter(isTaken),
    ...settingNames(major)
      .map((name) => settingOf(major, name)!)
      .filter(({ unlisted, context }) => !unlisted && context !== 'internal')
      .map(({ name, type, values }) => ({
        key: `postgres.parameters.${name}`,
        values: values ?? (type === 'bool' ? ['on', 'off'] : []),
      })),
  ];
}

/** What `config edit --set` takes: the key up to its "=", and after that the values, where they are words. */
export async function settingEdits(typed: Typed): Promise<Candidate[]> {
  const all = await settable(typed);
  const at = typed.word.indexOf('=');
  if (at < 0) return all.map(({ key, about }) => ({ text: `${key}=`, ...(about === undefined ? {} : { about }) }));
  const named = all.find(({ key }) => key === typed.word.slice(0, at));
  return (named?.values ?? []).map((value) => ({ text: `${named!.key}=${value}` }));
}

/** What `drill restore --count` takes, up to the name of the table: only the server knows its tables. */
export async function countable({ cluster }: Typed): Promise<Candidate[]> {
  const { presentDatabases } = await import('../../inventory/accounts.ts');
  return presentDatabases((await cluster()).settings.postgres).map(({ name }) => ({ text: `${name}.` }));
}
