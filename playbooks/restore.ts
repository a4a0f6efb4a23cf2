import { dcsConfig } from '../roles/patroni/dcs.ts';
import { type Backup, parseRepository } from '../src/cluster/backups.ts';
import { type Verdict, verdict } from '../src/cluster/decisions/verdict.ts';
import { PKI } from '../src/cluster/observe.ts';
import { type Target, targetArguments, targetReached } from '../src/cluster/restore-target.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { stopUnits } from '../src/cluster/upgrades.ts';
import type { Operation } from '../src/engine/operation.ts';
import type { Context } from '../src/engine/playbook.ts';
import { verifyAsClient } from '../src/engine/verify.ts';
import { Refused, StepFailed } from '../src/errors.ts';
import { type Cluster, type Host, hostsWith, repositoryHost } from '../src/inventory/model.ts';
import { hostPort } from '../src/inventory/network.ts';
import { PATHS } from '../src/paths.ts';
import type { SecretStore } from '../src/secrets/store.ts';
import { asPostgres, pgbackrest, sql } from '../src/shell/postgres.ts';
import { print, quote } from '../src/shell/quote.ts';
import { etcdctl } from '../src/steps/etcd-join.ts';
import { progressBar } from '../src/units.ts';
import { beforePostgres } from './apply.ts';
import { converge, surveyAll } from './grow.ts';

/** What a restore was told, kept on the controller and in short on the hosts until it is done. */
export interface RestoreOrder {
  target: Target;
  /** The timeline that the target is on; a recovery that died may have begun a newer one. */
  timeline: number;
  backup: string;
  /** pgBackRest's number of the repository that holds it. */
  repository: number;
  /** Restored first; leads afterwards. */
  host: string;
  /** Names what is moved aside: `20260131T140500`. */
  stamp: string;
  done: Phase[];
}

/** The phases, in order; each can be repeated until it is noted as done. */
export type Phase = 'stopped' | 'forgotten' | 'restored' | 'leading' | 'backed up' | 'following';

const RESTORE_S = 7 * 86_400;
const MEMBER_S = 900;

export const asideOf = (cluster: Cluster, { stamp }: RestoreOrder): string =>
  `${cluster.dataDir}.before-restore-${stamp}`;

/**
 * The whole way: everybody stopped, this scope's keys in the DCS exported and removed, one host restored and recovered to
 * exactly the target, then the new leader, a new backup, and its replicas from that. `note` keeps what is done, so that a
 * restore that died goes on where it stopped. The present data is moved aside, never deleted.
 */
export async function restore(
  op: Operation,
  store: SecretStore,
  order: RestoreOrder,
  note: (phase: Phase) => void,
): Promise<void> {
  const { cluster } = op;
  const host = op.host(order.host);
  const members = hostsWith(cluster, 'patroni');
  const phase = async (name: Phase, hosts: readonly Host[], work: () => Promise<void>) => {
    if (order.done.includes(name)) return;
    op.checkInterrupt();
    op.stage(name, hosts);
    await work();
    note(name);
  };
  await phase('stopped', members, () => stopAll(op, order));
  // On hosts that were lost with their disks everything but PostgreSQL's data has to be made anew first.
  const found = await surveyAll(op, store, { playbook: beforePostgres });
  await converge(op, found);
  await phase('forgotten', hostsWith(cluster, 'etcd'), () => forget(op, order));
  await phase('restored', [host], () => restoreFirst(op, found.context, host, order));
  await phase('leading', [host], () => lead(op, store, host));
  // Before the replicas, for they come from it: from an older one they would have to find their way through timelines.
  await phase('backed up', [repositoryHost(cluster) ?? host], async () => {
    await takeBackup(op, 'full');
  });
  await phase('following', members, async () => {
    for (const member of members) if (member !== host) await follow(op, store, member);
  });
  await converge(op, await surveyAll(op, store));
  const problem = await verifyAsClient(op.session, cluster);
  if (problem) throw new StepFailed(problem.host, problem.step, problem.message);
}

/** Nobody runs, and nobody will: the mark keeps Patroni's unit from starting, at a boot as well. */
async function stopAll(op: Operation, order: RestoreOrder): Promise<void> {
  const { leader } = await op.look();
  const members = hostsWith(op.cluster, 'patroni');
  // The leader last, so that its last transactions are archived and nobody takes over meanwhile.
  const sorted = [...members].sort((a, b) => Number(a.name === leader?.name) - Number(b.name === leader?.name));
  const mark = print(`restore to ${JSON.stringify(order.target)} from ${order.backup}, begun ${order.stamp}\n`);
  for (const host of sorted)
    await op.step(host, 'stop PostgreSQL', 'patroni', 'run', (remote) =>
      remote.run(
        `umask 077; mkdir -p ${PATHS.state}; ${mark} > ${PATHS.restore}
${stopUnits(['patroni.service'])}
! pgrep -u postgres -f ${quote(`postgres -D ${op.cluster.dataDir}`)} >/dev/null 2>&1 || { echo 'PostgreSQL still runs'; exit 1; }`,
        330,
      ),
    );
}

/** `/status`, `/sync` and the rest of the old timeline would keep the restored member from leading. Settings stay. */
async function forget(op: Operation, { stamp }: RestoreOrder): Promise<void> {
  const { cluster } = op;
  const [etcd] = hostsWith(cluster, 'etcd');
  if (!etcd) return;
  const scope = `/service/${cluster.scope}/`;
  const url = `https://${hostPort(etcd.address, cluster.settings.etcd.client_port)}`;
  const ctl = `${etcdctl(PKI.etcd)} ${quote(`--endpoints=${url}`)}`;
  await op.step(etcd, 'export and remove the keys of this scope', 'etcd', 'remove', (remote) =>
    remote.run(
      `set -e
umask 077
mkdir -p ${PATHS.state}/etcd
${ctl} get --prefix ${quote(scope)} -w json > ${PATHS.state}/etcd/scope-before-restore-${stamp}.json
for k in leader status sync failover failsafe history initialize; do ${ctl} del ${scope}$k >/dev/null; done
${ctl} del --prefix ${scope}members/ >/dev/null
${ctl} del --prefix ${scope}optime/ >/dev/null`,
      60,
    ),
  );
}

/** Settings that PostgreSQL gets on the command line while it recovers beside Patroni: its own socket, nobody from outside. */
function recoverySettings(context: Context): string[] {
  const { cluster } = context;
  // What the cluster has in the DCS comes to PostgreSQL on the command line only, and recovery needs at least as much.
  const shared = dcsConfig(context).postgresql as { parameters: Record<string, string | number | boolean> };
  const settings: Record<string, string | number | boolean> = {
    ...shared.parameters,
    listen_addresses: '',
    port: cluster.settings.postgres.port,
    unix_socket_directories: SOCKETS,
    synchronous_standby_names: '',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    archive_mode: 'on',
    archive_command: `pgbackrest --stanza=${cluster.stanza} archive-push "%p"`,
    primary_conninfo: '',
    primary_slot_name: '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
const SOCKETS = '/run/hapg-restore';

/** The first host: its data aside, the backup in place, and recovery to exactly the target, proven by the server's log. */
async function restoreFirst(op: Operation, context: Context, host: Host, order: RestoreOrder): Promise<void> {
  const { cluster } = op;
  const data = quote(cluster.dataDir);
  const aside = quote(asideOf(cluster, order));
  await op.step(host, 'move the present data aside', 'patroni', 'remove', (remote) =>
    remote.run(
      `set -e
# What is there beside it, if it was moved already, is this restore's own work of a run before.
if [ -d ${data} ] && [ ! -e ${aside} ]; then mv -T ${data} ${aside}; fi
install -d -o postgres -g postgres -m 0700 ${data}`,
    ),
  );
  const command = pgbackrest(
    cluster.stanza,
    '--delta',
    '--force',
    `--repo=${order.repository}`,
    `--set=${order.backup}`,
    ...targetArguments(order.target, order.timeline),
    '--log-level-console=info',
    'restore',
  );
  await op.step(host, `restore backup ${order.backup}`, 'pgbackrest', 'run', (remote) =>
    remote.unit('restore', `while systemctl -q is-active hapg-recover; do sleep 1; done\n${command}`, RESTORE_S),
  );
  await op.step(host, 'recover to the target', 'patroni', 'run', async (remote) => {
    const postgres = asPostgres(`${cluster.binDir}/postgres`, '-D', cluster.dataDir, ...recoverySettings(context));
    const psql = asPostgres(
      'psql',
      '-XAtq',
      '-h',
      SOCKETS,
      '-p',
      String(cluster.settings.postgres.port),
      '-d',
      'postgres',
    );
    await remote.unit(
      'recover',
      `install -d -o postgres -g postgres -m 0700 ${SOCKETS}
${postgres} > ${PATHS.log}/recovery.log 2>&1 &
pid=$!
while sleep 0.5; do
  if [ "$(${psql} -c 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; then break; fi
  kill -0 $pid 2>/dev/null || { grep -E 'FATAL|recovery ended' ${PATHS.log}/recovery.log | tail -n 3; exit 1; }
done
${psql} -c checkpoint
kill -INT $(head -n 1 ${data}/postmaster.pid)
wait $pid`,
      RESTORE_S,
    );
    const log = await remote.run(`tail -c 200000 ${PATHS.log}/recovery.log`);
    if (!targetReached(order.target, log))
      throw new Error(
        `recovery ended, and its log does not prove that the target was reached (${PATHS.log}/recovery.log); the data of before is in ${asideOf(cluster, order)}. Name another target, and the restore goes on with that`,
      );
  });
}

/** Patroni takes the restored data up: a new timeline, with this cluster's present passwords. */
async function lead(op: Operation, store: SecretStore, host: Host): Promise<void> {
  await op.step(host, 'let Patroni start', 'patroni', 'run', (remote) => remote.run(`rm -f ${PATHS.restore}`));
  await converge(op, await surveyAll(op, store, { hosts: [host] }));
  await op.until(host, 'leading', op.cluster.timing.patroni.ttl * 3, ({ leaders }) =>
    verdict(leaders.join() === host.name ? [] : [`${leaders.join(' and ') || 'nobody'} leads`]),
  );
  // Passwords may have been rotated since the moment that was restored; replicas log in with the present ones.
  await converge(op, await surveyAll(op, store, { hosts: [host] }));
}

/** A replica takes the new backup over its own data, as far as it differs, and follows the new timeline from there. */
async function follow(op: Operation, store: SecretStore, host: Host): Promise<void> {
  const { cluster } = op;
  const follows = ({ members, leader }: Snapshot): Verdict => {
    const member = members.find((one) => one.name === host.name);
    return verdict([
      ...(member?.state === 'streaming' ? [] : [`${host.name} is ${member?.state ?? 'not a member yet'}`]),
      ...(member?.timeline === leader?.timeline ? [] : [`${host.name} is on timeline ${member?.timeline}`]),
    ]);
  };
  // A restore that died may have come this far.
  if (follows(await op.look()).ok) return;
  await op.step(host, 'stop PostgreSQL', 'patroni', 'run', (remote) =>
    remote.run(`touch ${PATHS.restore}; ${stopUnits(['patroni.service'])}`, 330),
  );
  const data = quote(cluster.dataDir);
  const command = pgbackrest(
    cluster.stanza,
    '--delta',
    '--force',
    '--type=standby',
    '--log-level-console=info',
    'restore',
  );
  await op.step(host, 'take the new backup where it differs', 'pgbackrest', 'run', (remote) =>
    remote.unit('restore', `install -d -o postgres -g postgres -m 0700 ${data}\n${command}`, RESTORE_S),
  );
  await op.step(host, 'let Patroni start', 'patroni', 'run', (remote) => remote.run(`rm -f ${PATHS.restore}`));
  await converge(op, await surveyAll(op, store, { hosts: [host] }));
  await op.step(host, 'follow', 'patroni', 'run', async () => {
    await op.until(host, 'streaming', MEMBER_S, follows);
  });
}

/** The host that talks to the repositories now: the one of its own, else the member that leads. Throws Refused without. */
export function backupHost(op: Operation, { leader }: Snapshot): Host {
  const host = repositoryHost(op.cluster) ?? (leader && op.host(leader.name));
  if (!host) throw new Refused('no member leads, and no host of its own reaches the repositories');
  return host;
}

/** A backup into each repository, or one of them, with its progress in bytes. Rejects when there is none afterwards. */
export async function takeBackup(op: Operation, type: 'full' | 'diff' | 'incr', only?: number): Promise<Backup[]> {
  const { cluster } = op;
  const host = backupHost(op, await op.look());
  const newest = async (key: number) =>
    (await op.look([host])).repository?.backups.filter((one) => one.repository === key).at(-1);
  const made: Backup[] = [];
  for (const { key } of cluster.repositories.filter((one) => only === undefined || one.key === only)) {
    const name = cluster.repositories.length > 1 ? `${type} backup to repository ${key}` : `${type} backup`;
    const before = await newest(key);
    const command = pgbackrest(cluster.stanza, `--repo=${key}`, `--type=${type}`, 'backup');
    await op.step(host, name, 'pgbackrest', 'run', (remote) =>
      remote.unit('backup', command, RESTORE_S, {
        script: pgbackrest(cluster.stanza, 'info', '--output=json'),
        tell: (answer) => {
          const progress = parseRepository(answer, cluster.stanza)?.progress;
          return progress && `${name} ${progressBar(progress.doneBytes, progress.totalBytes)}`;
        },
      }),
    );
    const after = await newest(key);
    if (!after || after.label === before?.label) throw new StepFailed(host.name, name, 'there is no new backup');
    made.push(after);
  }
  return made;
}

/** Everything that was committed is in the archive: a segment is closed, and its arrival waited for. */
export const archiveAll = async (op: Operation): Promise<void> => {
  const host = backupHost(op, await op.look());
  await op.step(host, 'check archiving', 'pgbackrest', 'run', (remote) =>
    remote.run(`${pgbackrest(op.cluster.stanza, 'check')} 2>&1 | tail -n 3`, 120),
  );
};

/** When the newest transaction was committed (milliseconds since the epoch), as a running replica knows it. */
export async function lastCommit(op: Operation): Promise<number | undefined> {
  const { members } = await op.look();
  const replica = members.find((one) => one.state === 'streaming');
  if (!replica) return undefined;
  const answer = await op.ask(
    op.host(replica.name),
    'the last commit',
    sql(op.cluster.settings.postgres.port, 'select floor(extract(epoch from pg_last_xact_replay_timestamp()) * 1000)'),
  );
  return /^\d+$/.test(answer.trim()) ? Number(answer.trim()) : undefined;
}
