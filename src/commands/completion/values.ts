import type { Command } from 'commander';
import { PRIORITIES } from '../../cluster/log-levels.ts';
import type { Host } from '../../inventory/model.ts';
import { ASSIGNABLE_ROLES, JOURNALS, ROLE_NAMES, type RoleName } from '../../roles.ts';
import { wordsTo } from '../help/text.ts';
import { countable, settingEdits } from './settings.ts';
import type { Candidate, Source } from './source.ts';

const words =
  (...texts: readonly string[]): Source =>
  () =>
    texts.map((text) => ({ text }));

const described =
  (texts: Readonly<Record<string, string>>): Source =>
  () =>
    Object.entries(texts).map(([text, about]) => ({ text, about }));

const named = ({ name, roles }: Host): Candidate => ({
  text: name,
  about: ASSIGNABLE_ROLES.filter((role) => roles.has(role)).join(', '),
});

/** Hosts with one of these roles, or all. */
const hosts =
  (...roles: readonly RoleName[]): Source =>
  async ({ cluster }) =>
    (await cluster()).hosts.filter((host) => roles.length === 0 || roles.some((one) => host.roles.has(one))).map(named);

/** What `--limit` takes: hosts and roles, each of which may be left out with `!` or kept with `&`. */
const pattern: Source = async ({ word, cluster }) => {
  const mark = /^[!&]/.exec(word)?.[0] ?? '';
  const all = (await cluster()).hosts;
  const roles = ASSIGNABLE_ROLES.filter((role) => all.some((host) => host.roles.has(role)));
  return [
    ...all.map(named),
    ...roles.map((role) => ({ text: role, about: 'hosts with this role' })),
    { text: 'all', about: 'all hosts' },
  ].map((one) => ({ ...one, text: `${mark}${one.text}` }));
};

/** Several values of a source with commas between them, none of them twice. */
const separated =
  (source: Exclude<Source, string>): Source =>
  async (typed) => {
    const before = typed.word.slice(0, typed.word.lastIndexOf(',') + 1);
    const found = await source({ ...typed, word: typed.word.slice(before.length) });
    return found
      .filter(({ text }) => !before.split(',').includes(text))
      .map((one) => ({ ...one, text: `${before}${one.text}` }));
  };

const secrets: Source = async ({ cluster }) => {
  const { secretNames } = await import('../secrets.ts');
  return secretNames(await cluster()).map((text) => ({ text }));
};

const rotatableSecrets: Source = async ({ cluster }) => {
  const { rotatable } = await import('../secrets.ts');
  const { system, users } = rotatable(await cluster());
  return [...system, ...users].map((text) => ({ text }));
};

const broughtSecrets: Source = async ({ cluster }) => {
  const { externalSecrets } = await import('../../secrets/external-secrets.ts');
  return externalSecrets(await cluster()).map((text) => ({ text }));
};

const authorities: Source = async ({ cluster }) => {
  const { authoritiesOf } = await import('../../secrets/store.ts');
  return authoritiesOf(await cluster()).map((text) => ({ text }));
};

/** The backups that the last run has seen. */
const backups: Source = async ({ cluster }) => {
  const { recall } = await import('../../engine/last-seen.ts');
  const seen = Object.values(recall(await cluster()).observations);
  const found = seen.flatMap(({ repository }) =>
    repository && 'said' in repository ? (repository.said?.backups ?? []) : [],
  );
  return found.toReversed().map(({ label, type }) => ({ text: label, about: type }));
};

const codes: Source = async () => {
  const { explainedCodes } = await import('../explain.ts');
  return explainedCodes().map(({ code, meaning }) => ({ text: code, about: meaning }));
};

const datacenters: Source = async ({ cluster }) =>
  [...new Set((await cluster()).hosts.map((host) => host.datacenter))].flatMap((text) => (text ? { text } : []));

/** Settings that the inventory has. */
const presentSettings: Source = async ({ cluster }) =>
  Object.keys((await cluster()).settings.postgres.parameters).map((name) => ({ text: `postgres.parameters.${name}` }));

/** Names of all settings of PostgreSQL's version, and Patroni's. */
const settingNamesOf: Source = async ({ cluster }) => {
  const [{ settingNames }, { PATRONI_SETTINGS }] = await Promise.all([
    import('../../postgres/settings.ts'),
    import('../../cluster/patroni-settings.ts'),
  ]);
  const own = settingNames(Number((await cluster()).settings.postgres.version));
  return [...own, ...PATRONI_SETTINGS.map((name) => `patroni.${name}`)].map((text) => ({ text }));
};

const databases: Source = async ({ cluster }) =>
  (await cluster()).settings.postgres.databases.map(({ name }) => ({ text: name }));

const users: Source = async ({ cluster }) =>
  (await cluster()).settings.postgres.users.map(({ name }) => ({ text: name }));

const documents: Source = async () => {
  const { DOCUMENT_NAMES } = await import('../../view/documents/index.ts');
  // Some have two words, each of which is typed by itself.
  return [...new Set(DOCUMENT_NAMES.flatMap((name) => name.split(' ')))].map((text) => ({ text }));
};

const MEMBERS = hosts('patroni');
const FREE = 'free';

/**
 * The values of each option that takes one, by its name; with a command before it where it has others there. A new option
 * needs one line; choices that it declares itself need none.
 */
export const OPTION_VALUES: Readonly<Record<string, Source>> = {
  '--inventory': 'files',
  '--limit': separated(pattern as Exclude<Source, string>),
  '--tags': separated(words(...ROLE_NAMES) as Exclude<Source, string>),
  '--skip-tags': separated(words(...ROLE_NAMES) as Exclude<Source, string>),
  '--roles': separated(words(...ASSIGNABLE_ROLES) as Exclude<Source, string>),
  '--private-key': 'files',
  '--out': 'files',
  '--into': 'files',
  '--seen-at': 'directories',
  '--from-ansible': 'files',
  '--from-terraform': 'files',
  '--ca-out': 'files',
  '--database': databases,
  '--priority': words(...PRIORITIES),
  'connect --user': users,
  '--to': MEMBERS,
  '--host': MEMBERS,
  'restore --on': MEMBERS,
  'backups verify --on': hosts('pgbackrest', 'patroni'),
  'drill restore --on': hosts('pgbackrest', 'patroni'),
  '--role': described({ primary: 'writes', replica: 'reads', any: 'either' }),
  '--type': described({ full: 'whole', diff: 'since the last full one', incr: 'since the last one' }),
  'restore --backup': backups,
  '--reboot': described({ auto: 'when a host needs it', always: 'every host', never: 'no host' }),
  '--authority': authorities,
  '--set': settingEdits,
  '--unset': presentSettings,
  '--count': countable,
  '--datacenter': datacenters,
  ...Object.fromEntries(
    [
      ...['--forks', '--extra', '--user', '--jump', '--lock-wait', '--since', '--until', '--confirm'],
      ...['--cluster', '--databases', '--witness', '--datacenters', '--nodes', '--networks', '--prefix'],
      ...['--max-databases', '--postgres', '--balancers', '--backup', '--vip', '--clients', '--address', '--ssh'],
      ...['--max-lag', '--max-transaction-age', '--wait-drain', '--wait-gate', '--wait-host', '--wait-member'],
      ...[
        '--to-time',
        '--to-lsn',
        '--to-name',
        '--lines',
        '--grep',
        '--timeout',
        '--for',
        '--table',
        '--as',
        '--rate',
        '--time',
        '--scale',
        '--at',
      ],
    ].map((name) => [name, FREE] as const),
  ),
};

/** The values of each argument, by its command and name. */
export const ARGUMENT_VALUES: Readonly<Record<string, Source>> = {
  'init file': 'files',
  'render dir': 'directories',
  'boards dir': 'directories',
  'plan show file': 'files',
  'report file': 'files',
  'exec command': FREE,
  'kept rm name': FREE,
  'config explain name': settingNamesOf,
  'schema document': documents,
  'drain host': hosts(),
  'undrain host': hosts(),
  'fence host': MEMBERS,
  'unfence host': MEMBERS,
  'apply planfile': 'files',
  'ssh host': hosts(),
  'ssh command': FREE,
  'psql arguments': FREE,
  'explain codes': codes,
  'logs units': words(...JOURNALS),
  'add-replica name': FREE,
  'remove-node name': hosts(),
  'reinit name': MEMBERS,
  'secrets show names': secrets,
  'secrets rotate names': rotatableSecrets,
  'secrets set name': broughtSecrets,
  'lab kill host': hosts(),
  'lab start host': hosts(),
  'lab cut host': hosts(),
  'lab heal host': hosts(),
  'lab add host': FREE,
};

/** Returns where the values of an option or argument of a command come from; undefined where nobody has said it. */
export function sourceOf(
  command: Command,
  { name, argChoices }: { name: string; argChoices?: readonly string[] | undefined },
): Source | undefined {
  const own = `${wordsTo(command).split(' ').slice(1).join(' ')} ${name}`;
  if (argChoices) return words(...argChoices);
  return OPTION_VALUES[own] ?? ARGUMENT_VALUES[own] ?? OPTION_VALUES[name];
}
