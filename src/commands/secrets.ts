import { text } from 'node:stream/consumers';
import { rotatePasswords } from '../../playbooks/rotate.ts';
import { DEFAULT_LIMITS, steady } from '../decisions/update.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import { madeUsers, ownPasswordName } from '../inventory/accounts.ts';
import type { Cluster } from '../inventory/model.ts';
import { suggest } from '../inventory/suggest.ts';
import { askSecret, print, printJson } from '../run/ask.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import type { CommonOptions } from '../run/options.ts';
import { refuseUnless } from '../run/refuse.ts';
import { readSetup, reportStoreWarnings } from '../run/setup.ts';
import { Secret } from '../secret.ts';
import { externalSecrets, givenSecrets } from '../secrets/external-secrets.ts';
import { pgpass } from '../secrets/pgpass.ts';
import { isAccount, SecretStore, SYSTEM_PASSWORDS, type SystemPassword } from '../secrets/store.ts';
import { storeFile } from '../secrets/store-file.ts';
import { screen } from '../view/screen.ts';
import { table } from '../view/style.ts';

/** The passwords that can be rotated. The repository's passphrase stays: it encrypts the existing backups. */
const ROTATABLE = SYSTEM_PASSWORDS.filter((name) => name !== 'repository');

/** Throws UsageError for unknown names. */
function expectKnown(names: readonly string[], known: readonly string[], cluster: Cluster, why = ''): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const hints = unknown.map((name) => `${name}${suggest(name, known)}`).join(', ');
  throw new UsageError(
    `unknown secret ${hints}: ${fromHere(cluster.file)} has ${[...new Set(known)].join(', ') || 'none'}${why}`,
  );
}

/** `hapg secrets set NAME`: saves a secret that the operator brings, from the terminal or standard input. Contacts no host. */
export async function setSecret(name: string | undefined, options: CommonOptions): Promise<number> {
  const { cluster, json } = readSetup(options);
  const wanted = givenSecrets(cluster);
  const known = wanted.map((one) => one.name);
  if (known.length === 0)
    throw new UsageError(`${fromHere(cluster.file)} needs no secret that you would have to bring`);
  const { command } = cluster.settings.secrets;
  if (command !== undefined)
    throw new UsageError(
      `hapg secrets set: ${fromHere(cluster.file)} has secrets.command, which fetches ${known.join(', ')} in every run: change it there`,
    );
  if (!name) throw new UsageError(`hapg secrets set NAME: one of ${known.join(', ')}`);
  expectKnown([name], known, cluster);
  const form = wanted.find((one) => one.name === name)!;
  if (form.ofFile && screen.canAsk)
    throw new UsageError(`${name} has several lines: bring it with "hapg secrets set ${name} < FILE"`);
  const value = screen.canAsk ? await askSecret(name) : new Secret((await text(process.stdin)).trim());
  if (!value.reveal()) throw new UsageError(`${name}: nothing was given`);
  const weak = form.weakness(value);
  if (weak) throw new UsageError(`${name}: ${weak}. Change it where it was made, and bring that`);
  const store = (await SecretStore.read(cluster)) ?? (await SecretStore.create(cluster));
  await store.setExternalSecret(name, form.stored(value));
  if (json) printJson({ name, file: storeFile(cluster) });
  else print(`${name} is kept in ${fromHere(storeFile(cluster))}; "hapg apply" brings it to the hosts`);
  return EXIT.done;
}

/** One secret of the store; without a value when it is missing. */
interface Entry {
  kind: 'system' | 'user' | 'given';
  name: string;
  value: Secret | undefined;
}

function entries(cluster: Cluster, store: SecretStore): Entry[] {
  const entry = (kind: Entry['kind'], name: string, read: (name: string) => Secret): Entry => ({
    kind,
    name,
    value: there(() => read(name)),
  });
  return [
    ...SYSTEM_PASSWORDS.map((name) => entry('system', name, () => store.password(name))),
    ...madeUsers(cluster.settings.postgres).map(({ name }) => entry('user', name, (user) => store.userPassword(user))),
    ...externalSecrets(cluster).map((name) => entry('given', name, (key) => store.externalSecret(key))),
  ];
}

/** Reads a secret of the store; undefined where it is missing, for which the store throws. */
function there(read: () => Secret): Secret | undefined {
  try {
    const secret = read();
    return secret.reveal() ? secret : undefined;
  } catch (cause) {
    if (cause instanceof Refused) return undefined;
    throw cause;
  }
}

/**
 * `hapg secrets`, `hapg secrets show [NAME...]`: lists all secrets, or the named ones; in plain text only with `reveal`.
 * Contacts no host.
 */
export async function listSecrets(names: readonly string[], options: CommonOptions, reveal: boolean): Promise<number> {
  const { cluster, json } = readSetup(options);
  expectKnown(names, secretNames(cluster), cluster);
  const store = await SecretStore.read(cluster);
  if (!store) throw new Refused(`${fromHere(cluster.stateDir)} has no secret store`, 'store_missing');
  reportStoreWarnings(store, options);
  const wanted = entries(cluster, store).filter(({ name }) => names.length === 0 || names.includes(name));
  const shown = ({ value }: Entry): string | null => (value ? (reveal ? value.reveal() : String(value)) : null);
  screen.printSecrets(
    json
      ? JSON.stringify(document(wanted, shown))
      : table(wanted.map((one) => [one.kind, one.name, shown(one) ?? cureOf(one)])),
  );
  // Recorded, because only after this can the operator have a copy of the backups' passphrase.
  if (reveal && wanted.some(({ name }) => name === 'repository')) store.noteShown();
  return EXIT.done;
}

/** The text in place of a missing value. */
const cureOf = ({ kind, name }: Entry): string =>
  kind === 'given' ? `missing: bring it with "hapg secrets set ${name}"` : 'missing: "hapg apply" makes it';

/** The JSON document: by kind and name; null for a missing secret. */
function document(wanted: readonly Entry[], shown: (one: Entry) => string | null) {
  const of = (kind: Entry['kind']) =>
    Object.fromEntries(wanted.filter((one) => one.kind === kind).map((one) => [one.name, shown(one)]));
  return { system: of('system'), users: of('user'), given: of('given') };
}

/** The names of all secrets of a cluster. */
export const secretNames = (cluster: Cluster): string[] => [
  ...SYSTEM_PASSWORDS,
  ...madeUsers(cluster.settings.postgres).map(({ name }) => name),
  ...externalSecrets(cluster),
];

/** The passwords that can be rotated in a cluster; accounts of a standby cluster belong to its source. */
export const rotatable = (cluster: Cluster): { system: SystemPassword[]; users: string[] } =>
  cluster.upstream
    ? { system: ROTATABLE.filter((name) => !isAccount(name)), users: [] }
    : { system: [...ROTATABLE], users: madeUsers(cluster.settings.postgres).map(({ name }) => name) };

/** `hapg secrets rotate [NAME...]`: replaces the named passwords, or all. */
export async function rotateSecrets(names: readonly string[], options: OperateOptions): Promise<number> {
  const { cluster } = readSetup({ ...options, quiet: true });
  const possible = rotatable(cluster);
  const known = [...possible.system, ...possible.users];
  const why = [
    cluster.upstream ? `; accounts are those of ${cluster.upstream.name}, and the next apply takes them over` : '',
    ...externalSecrets(cluster)
      .filter((secret) => names.some((name) => secret === name || secret === ownPasswordName(name)))
      .map((secret) => `; ${secret} is made by others: bring the next one with "hapg secrets set ${secret}"`),
    names.includes('repository') ? '; the passphrase of backups that are there stays as long as they do' : '',
  ].join('');
  expectKnown(names, known, cluster, why);
  const wanted = names.length > 0 ? names : known;
  return operate('secrets rotate', options, async (op, snapshot, setup, store) => {
    refuseUnless(steady(op.cluster, snapshot, DEFAULT_LIMITS));
    // Password files name every user, so a user whom no apply has made yet is reported before anything is changed.
    pgpass(op.cluster, store);
    const system = possible.system.filter((name) => wanted.includes(name));
    const users = possible.users.filter((name) => wanted.includes(name));
    return {
      explain: `new passwords for ${wanted.join(', ')}${users.length > 0 ? '\n  ! applications get the new passwords of users from you ("hapg secrets show"); only client hosts get them from hapg' : ''}`,
      question: `Rotate ${wanted.length} passwords of ${setup.cluster.name}?`,
      hosts: op.cluster.hosts,
      run: () => store.exclusively(() => rotatePasswords(op, store, system, users)),
    };
  });
}
