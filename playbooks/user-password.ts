import { READ_TO_LOGIN_MS } from '../src/bounds/postgres.ts';
import { clientUri } from '../src/cluster/connect.ts';
import type { Operation } from '../src/engine/operation.ts';
import { settleAll, settled } from '../src/engine/pool.ts';
import { Refused, StepFailed } from '../src/errors.ts';
import { type Host, hostsWith, serverOf } from '../src/inventory/model.ts';
import { PATHS } from '../src/paths.ts';
import { clientPsql, psql } from '../src/programs/postgres.ts';
import type { Secret } from '../src/secret.ts';
import { pgpass } from '../src/secrets/pgpass.ts';
import type { SecretStore } from '../src/secrets/store.ts';
import { print } from '../src/shell/quote.ts';
import { scramVerifier } from '../src/steps/scram.ts';
import { identifier, literal } from '../src/steps/sql/text.ts';

const FILE = PATHS.clientPasswords;
const SWAP = `mv -fT ${FILE}.hapg-new ${FILE}`;

/**
 * Changes a user's password in the database and in the clients' password files as close to the same moment as possible,
 * then in the store. Where the database keeps the old password the clients get their old files back. A client without
 * the new file is reported as StepFailed after everything else: the new password is in effect then.
 */
export async function changeUserPassword(
  op: Operation,
  store: SecretStore,
  name: string,
  password: Secret,
): Promise<void> {
  const { cluster } = op;
  const clients = hostsWith(cluster, 'client');
  op.stage(`password of ${name}`, clients);
  const file = pgpass(cluster, store, { name, password });
  for (const client of clients)
    await op.ask(
      client,
      'new password file',
      `umask 077; cp -p ${FILE} ${FILE}.hapg-old; ${print(file.reveal())} > ${FILE}.hapg-new`,
    );
  const alter = `alter role ${identifier(name)} password ${literal(scramVerifier(password.reveal()))};\n`;
  let missed: Missed[];
  try {
    missed = await exchange(op, name, alter, clients);
  } catch (cause) {
    for (const client of clients)
      await op.ask(client, 'old password file', `mv -fT ${FILE}.hapg-old ${FILE}`).catch(() => undefined);
    throw cause;
  }
  await store.promoteUser(name);
  for (const client of clients)
    if (!missed.some(({ host }) => host === client)) await op.ask(client, 'clearing', `rm -f ${FILE}.hapg-old`);
  const [first] = missed;
  if (first)
    throw new StepFailed(
      first.host.name,
      'new password file',
      `${first.reason}. The password of ${name} is changed, and ${missed.map(({ host }) => host.name).join(', ')} still ${missed.length > 1 ? 'have' : 'has'} the old one: "hapg apply" writes the new file there`,
    );
}

/** A client that did not get the new file. */
interface Missed {
  host: Host;
  reason: string;
}

/**
 * Changes the password in the database and the clients' files. Rejects when the database did not; the state of the
 * clients is known then as well.
 */
async function exchange(op: Operation, name: string, alter: string, clients: readonly Host[]): Promise<Missed[]> {
  const give = async (hosts: readonly Host[]): Promise<Missed[]> => {
    const results = await settleAll(hosts, op.session.options.forks, (host) => op.ask(host, 'new password file', SWAP));
    return results.flatMap((result, index) =>
      result.status === 'fulfilled' ? [] : [{ host: hosts[index]!, reason: reasonOf(result.reason as Error) }],
    );
  };
  const [first, ...others] = clients;
  const uri = clientUri(op.cluster, 'primary');
  if (!first || !uri?.startsWith(`postgresql://${name}@`)) {
    await onLeader(op, name, alter);
    return give(clients);
  }
  // The client's URI logs in as this user, who may change the own password, but not in the name of a group that the
  // setting `role` has made of it. One session does both, so that hardly any login falls between the file and the server.
  const script = `set role none;\n\\! ${SWAP}\nselect pg_sleep(${READ_TO_LOGIN_MS / 1000});\n${alter}`;
  const changed = op.step(first, `password of user ${name}`, 'patroni', 'update', (remote) =>
    remote.run(`${print(script)} | ${clientPsql(uri, FILE)} -v ON_ERROR_STOP=1 -f - >/dev/null`),
  );
  // Both are awaited: a file that is exchanged after the old ones are restored would stay.
  const [done, missed] = await Promise.allSettled([changed, give(others)]);
  settled([done]);
  return settled([missed])[0]!;
}

const reasonOf = (cause: Error): string => (cause instanceof StepFailed ? cause.reason : cause.message);

async function onLeader(op: Operation, name: string, sql: string): Promise<void> {
  const { leader } = await op.observe(hostsWith(op.cluster, 'patroni'), { about: ['members'] });
  if (!leader) throw new Refused('no member leads', 'no_leader');
  const host = op.host(leader.name);
  await op.step(host, `password of user ${name}`, 'patroni', 'update', (remote) =>
    remote.run(
      `${print(`set log_statement = 'none';\n${sql}`)} | ${psql(serverOf(op.cluster), 'postgres', '-f', '-')}`,
    ),
  );
}
