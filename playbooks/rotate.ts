import { clientUri } from '../src/cluster/connect.ts';
import { DEFAULT_LIMITS, steady } from '../src/cluster/decisions/update.ts';
import type { Operation } from '../src/engine/operation.ts';
import { settleAll } from '../src/engine/pool.ts';
import { Refused } from '../src/errors.ts';
import { hostsWith } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { AUTHORITIES, type AuthorityName } from '../src/pki/authority.ts';
import { clientPsql, psql } from '../src/programs/postgres.ts';
import { pgpass } from '../src/secrets/pgpass.ts';
import type { Secret } from '../src/secrets/secret.ts';
import type { SecretStore, SystemPassword } from '../src/secrets/store.ts';
import { print } from '../src/shell/quote.ts';
import { scramVerifier } from '../src/steps/scram.ts';
import { identifier, literal } from '../src/steps/sql-objects.ts';
import { identityOnly } from './apply.ts';
import { converge, surveyAll } from './grow.ts';

const GATE_S = 120;

/**
 * Milliseconds between reading a password file and needing the password, for psql on an idle host: of 12 changes under two
 * busy clients none was noticed with 5, three with 0, four with 15.
 */
const READ_TO_LOGIN_MS = 5;

/** All of the cluster as the store says now. */
async function asStored(op: Operation, store: SecretStore, more: { renewIssuedBefore?: number } = {}): Promise<void> {
  const found = await surveyAll(op, store, more);
  await converge(op, found);
}

/** The hosts know the store's revision, so that none from before it is taken for the present one. */
async function tellRevision(op: Operation, store: SecretStore): Promise<void> {
  await converge(op, await surveyAll(op, store, { playbook: identityOnly }));
}

const whole = (op: Operation): Promise<unknown> =>
  op.until(hostsWith(op.cluster, 'patroni')[0]!, 'gate', GATE_S, (snapshot) =>
    steady(op.cluster, snapshot, DEFAULT_LIMITS),
  );

/**
 * New passwords for the system's accounts and for users. All are stored first. The system's then come as every other change
 * of the inventory does: ALTER ROLE on the leader, the files, reloads. A user's password changes in the database and in
 * the clients' password files at the same moment, as near as that can be done: a server knows one password at a time.
 * The caller keeps other writers of the store away, for it is written several times.
 */
export async function rotatePasswords(
  op: Operation,
  store: SecretStore,
  system: readonly SystemPassword[],
  users: readonly string[],
): Promise<void> {
  await store.stageRotation(system, users);
  if (system.length > 0) {
    await store.promoteSystem();
    await asStored(op, store);
    await whole(op);
  }
  const staged = store.stagedUsers();
  if (staged.length === 0) return;
  // Before the first password that an older copy does not have.
  if (system.length === 0) await tellRevision(op, store);
  for (const { name, password } of staged) {
    op.checkInterrupt();
    await rotateUser(op, store, name, password);
  }
  await tellRevision(op, store);
}

async function rotateUser(op: Operation, store: SecretStore, name: string, password: Secret): Promise<void> {
  const { cluster } = op;
  const clients = hostsWith(cluster, 'client');
  op.stage(`password of ${name}`, clients);
  const file = pgpass(cluster, store, { name, password });
  for (const client of clients)
    await op.ask(
      client,
      'new password file',
      `umask 077; cp -p ${PATHS.clientPasswords} ${PATHS.clientPasswords}.hapg-old; ${print(file.reveal())} > ${PATHS.clientPasswords}.hapg-new`,
    );
  const alter = `alter role ${identifier(name)} password ${literal(scramVerifier(password.reveal()))};\n`;
  const swap = `mv -fT ${PATHS.clientPasswords}.hapg-new ${PATHS.clientPasswords}`;
  const [first, ...others] = clients;
  const uri = clientUri(cluster, 'primary');
  try {
    if (first && uri && owns(cluster, name)) {
      // One session does both, so that hardly any login falls between the file and the server.
      const script = `\\! ${swap}\nselect pg_sleep(${READ_TO_LOGIN_MS / 1000});\n${alter}`;
      await Promise.all([
        op.step(first, `password of user ${name}`, 'patroni', 'update', (remote) =>
          remote.run(`${print(script)} | ${clientPsql(uri, PATHS.clientPasswords)} -v ON_ERROR_STOP=1 -f - >/dev/null`),
        ),
        settleAll(others, op.session.options.forks, (client) => op.ask(client, 'new password file', swap)),
      ]);
    } else {
      await onLeader(op, name, alter);
      await settleAll(clients, op.session.options.forks, (client) => op.ask(client, 'new password file', swap));
    }
  } catch (cause) {
    for (const client of clients)
      await op
        .ask(client, 'old password file', `mv -fT ${PATHS.clientPasswords}.hapg-old ${PATHS.clientPasswords}`)
        .catch(() => undefined);
    throw cause;
  }
  await store.promoteUser(name);
  for (const client of clients) await op.ask(client, 'clearing', `rm -f ${PATHS.clientPasswords}.hapg-old`);
}

/** Whether the client's URI logs in as this user, who may then change the own password. */
const owns = (cluster: Operation['cluster'], name: string): boolean =>
  clientUri(cluster, 'primary')?.startsWith(`postgresql://${name}@`) ?? false;

async function onLeader(op: Operation, name: string, sql: string): Promise<void> {
  const { leader } = await op.look(hostsWith(op.cluster, 'patroni'));
  if (!leader) throw new Refused('no member leads');
  const host = op.host(leader.name);
  await op.step(host, `password of user ${name}`, 'patroni', 'update', (remote) =>
    remote.run(
      `${print(`set log_statement = 'none';\n${sql}`)} | ${psql(op.cluster.settings.postgres.port, 'postgres', '-f', '-')}`,
    ),
  );
}

/** Every host gets new keys and certificates; services read them again. */
export const renewLeafs = (op: Operation, store: SecretStore): Promise<void> =>
  asStored(op, store, { renewIssuedBefore: Date.now() });

/**
 * An authority is replaced with an overlap of both: the new one is trusted everywhere, then it signs every certificate,
 * then the old one is forgotten. Each phase is stored first, and the next run continues where this one stopped.
 * `trustOnly` stops when both are trusted, for clients of one's own to be given the new one. The caller keeps other writers
 * of the store away.
 */
export async function rotateAuthority(
  op: Operation,
  store: SecretStore,
  name: AuthorityName,
  trustOnly: boolean,
): Promise<void> {
  if (store.authorityPhase(name) === undefined) await store.advanceAuthority(name);
  if (store.authorityPhase(name) === 'next') {
    await asStored(op, store);
    if (trustOnly) return;
    await whole(op);
    op.checkInterrupt();
    await store.advanceAuthority(name);
  }
  await asStored(op, store);
  await whole(op);
  op.checkInterrupt();
  await store.advanceAuthority(name);
  await asStored(op, store);
}

/** Whether a word names an authority. */
export const isAuthority = (name: string): name is AuthorityName => AUTHORITIES.includes(name as AuthorityName);
