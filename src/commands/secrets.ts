import { text } from 'node:stream/consumers';
import { rotatePasswords } from '../../playbooks/rotate.ts';
import { DEFAULT_LIMITS, steady } from '../cluster/decisions/update.ts';
import { EXIT, Refused, UsageError } from '../errors.ts';
import { givenSecrets } from '../secrets/given.ts';
import { pgpass } from '../secrets/pgpass.ts';
import { Secret } from '../secrets/secret.ts';
import { isAccount, SecretStore, SYSTEM_PASSWORDS } from '../secrets/store.ts';
import { storeFile } from '../secrets/store-file.ts';
import { screen } from '../view/screen.ts';
import { table } from '../view/style.ts';
import { askSecret } from './ask.ts';
import { type CommonOptions, print, printJson, setup, tellOfStore } from './common.ts';
import { type OperateOptions, operate, refuseUnless } from './operate.ts';

/** All that can be rotated; the repository's passphrase encrypts backups that are there, so it stays. */
const ROTATABLE = SYSTEM_PASSWORDS.filter((name) => name !== 'repository');

/** `hapg secrets [show|rotate|set NAME]`. */
export async function secretsCommand(
  what: string | undefined,
  names: readonly string[],
  options: OperateOptions,
): Promise<number> {
  if (what === 'rotate') return rotate(names, options);
  if (what === undefined || what === 'show') return list(options, what === 'show');
  if (what === 'set') return give(names, options);
  throw new UsageError(`hapg secrets ${what}: show, rotate, set NAME, or nothing for the names`);
}

/** Keeps a secret that somebody else made, from the terminal or standard input. Contacts nothing. */
async function give(names: readonly string[], options: CommonOptions): Promise<number> {
  const { cluster } = setup(options);
  const known = givenSecrets(cluster);
  const [name] = names;
  if (!name || names.length > 1 || !known.includes(name))
    throw new UsageError(
      known.length > 0
        ? `hapg secrets set NAME: one of ${known.join(', ')}`
        : `${cluster.file} needs no secret that you would have to bring`,
    );
  const value = screen.canAsk ? await askSecret(name) : new Secret((await text(process.stdin)).trim());
  if (!value.reveal()) throw new UsageError(`${name}: nothing was given`);
  if (/[\r\n\0]/.test(value.reveal())) throw new UsageError(`${name}: one line is expected`);
  const store = (await SecretStore.read(cluster)) ?? (await SecretStore.create(cluster));
  await store.give(name, value);
  print(`${name} is kept in ${storeFile(cluster)}; "hapg apply" brings it to the hosts`);
  return EXIT.done;
}

/** The names of all passwords; in plain text only when that is asked for. Contacts nothing. */
async function list(options: CommonOptions, reveal: boolean): Promise<number> {
  const { cluster, json } = setup(options);
  const store = await SecretStore.read(cluster);
  if (!store) throw new Refused(`${cluster.stateDir} has no secret store`);
  tellOfStore(store, options);
  if (reveal) store.noteShown();
  const shown = (secret: Secret): string => (reveal ? secret.reveal() : String(secret));
  const system = SYSTEM_PASSWORDS.map((name) => [name, shown(store.password(name))] as const);
  const users = cluster.settings.postgres.users.flatMap(({ name }) =>
    store.hasUser(name) ? [[name, shown(store.userPassword(name))] as const] : [],
  );
  const given = givenSecrets(cluster).map((name) => [name, shown(store.given(name))] as const);
  if (json)
    printJson({
      system: Object.fromEntries(system),
      users: Object.fromEntries(users),
      given: Object.fromEntries(given),
    });
  else
    print(
      table([
        ...system.map(([name, value]) => ['system', name, value]),
        ...users.map(([name, value]) => ['user', name, value]),
        ...given.map(([name, value]) => ['given', name, value]),
      ]),
    );
  return EXIT.done;
}

/** New passwords for what is named, or for everything. */
function rotate(names: readonly string[], options: OperateOptions): Promise<number> {
  return operate('secrets rotate', options, async (op, snapshot, made, store) => {
    const { cluster } = op;
    // Accounts of a copy are its source's.
    const rotatable = cluster.source ? ROTATABLE.filter((name) => !isAccount(name)) : ROTATABLE;
    const everyUser = cluster.source ? [] : cluster.settings.postgres.users.map(({ name }) => name);
    const known: string[] = [...rotatable, ...everyUser];
    const wanted = names.length > 0 ? names : known;
    const unknown = wanted.filter((name) => !known.includes(name));
    if (unknown.length > 0)
      throw new UsageError(
        `unknown secret ${unknown.join(', ')}: one of ${known.join(', ')}${cluster.source ? `; accounts are those of ${cluster.source.name}, and the next apply takes them over` : ''}`,
      );
    refuseUnless(steady(cluster, snapshot, DEFAULT_LIMITS));
    // Password files name every user, so one whom no apply has made yet is found before anything is changed.
    pgpass(cluster, store);
    const system = rotatable.filter((name) => wanted.includes(name));
    const users = everyUser.filter((name) => wanted.includes(name));
    return {
      explain: `new passwords for ${wanted.join(', ')}${users.length > 0 ? '\n  ! applications get the new passwords of users from you ("hapg secrets show"); only client hosts get them from hapg' : ''}`,
      question: `Rotate ${wanted.length} passwords of ${made.cluster.name}?`,
      hosts: cluster.hosts,
      run: () => store.exclusively(() => rotatePasswords(op, store, system, users)),
    };
  });
}
