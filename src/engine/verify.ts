import { LET_IN_MS, VERIFY_S, WRITE_S } from '../bounds/postgres.ts';
import { QUICK_S } from '../bounds/programs.ts';
import { clientUri } from '../cluster/connect.ts';
import { type Cluster, hostsWith, serverOf } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { clientPsql, sql } from '../programs/postgres.ts';
import type { Failure } from './record.ts';
import type { Session } from './session.ts';

/**
 * Verifies the cluster as a client: writes through the client endpoint and waits until every replica has the write. The
 * write is a message in the WAL (pg_logical_emit_message), which needs no table. A standby cluster is verified by its
 * own replication. Returns undefined when all is well, or when the inventory has no client host, which is noted.
 */
export async function verifyAsClient(session: Session, cluster: Cluster): Promise<Failure | undefined> {
  if (cluster.upstream) return verifyCopy(session, cluster, cluster.upstream.name);
  const client = hostsWith(cluster, 'client')[0];
  const uri = clientUri(cluster, 'primary');
  if (!client || !uri || !session.isOpen(client)) {
    session.options.emit({
      type: 'note',
      text: 'not verified as a client: that needs a host with the role client, a database and a user',
    });
    return undefined;
  }
  session.options.emit({ type: 'doing', host: client.name, text: 'writing through the client endpoint' });
  const write = `end=$(($(date +%s) + ${WRITE_S})); until ${clientPsql(uri, PATHS.clientPasswords)} -c "select pg_logical_emit_message(true, 'hapg', 'verify')" 2>&1; do [ "$(date +%s)" -lt $end ] || exit 1; sleep 1; done`;
  const { code, output } = await session.ask(client, write, VERIFY_S);
  const lsn = output.trim().split('\n').at(-1) ?? '';
  if (code !== 0 || !/^[0-9A-F]+\/[0-9A-F]+$/.test(lsn))
    return {
      host: client.name,
      step: 'verify as a client',
      message: `no write through ${uri}: ${output.trim().split('\n').at(-1)}`,
    };
  for (const host of hostsWith(cluster, 'patroni')) {
    const wait = `for i in $(seq 100); do [ "$(${sql(serverOf(cluster), `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() >= '${lsn}' else true end`)})" = t ] && exit 0; sleep 0.2; done; exit 1`;
    const answer = await session.ask(host, wait, VERIFY_S);
    if (answer.code !== 0)
      return {
        host: host.name,
        step: 'verify as a client',
        message: `a row written through the client endpoint did not arrive within 20 s`,
      };
  }
  return undefined;
}

/**
 * Verifies a standby cluster, which takes no writes: its leading member receives WAL from the source. A lost source is
 * no failure here.
 */
async function verifyCopy(session: Session, cluster: Cluster, source: string): Promise<undefined> {
  const members = hostsWith(cluster, 'patroni').filter((host) => session.isOpen(host));
  const senders = cluster.upstream!.hosts.map(({ address }) => `'${address}'`).join(', ');
  const look = sql(
    serverOf(cluster),
    `select 1 from pg_stat_wal_receiver where status = 'streaming' and sender_host in (${senders})`,
  );
  const end = session.clock.now() + LET_IN_MS;
  while (session.clock.now() < end) {
    const answers = await Promise.all(members.map((host) => session.ask(host, look, QUICK_S)));
    if (answers.some(({ output }) => output.trim() === '1')) return;
    await session.clock.sleep(500, session.interrupt.hard);
  }
  session.options.emit({ type: 'note', text: `no member gets anything from ${source} now` });
}
