import type { Prospect } from '../src/cluster/decisions/growth.ts';
import { hasJoined } from '../src/cluster/decisions/growth.ts';
import { upstream } from '../src/cluster/facts.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { Apply } from '../src/engine/apply.ts';
import type { Operation } from '../src/engine/operation.ts';
import type { Playbook } from '../src/engine/playbook.ts';
import { type Survey, survey, type Wishes } from '../src/engine/survey.ts';
import { Refused, StepFailed } from '../src/errors.ts';
import { type Cluster, type Host, ROLE_NAMES } from '../src/inventory/model.ts';
import type { SecretStore } from '../src/secrets/store.ts';
import { APT } from '../src/shell/apt.ts';
import { sql } from '../src/shell/postgres.ts';
import { quote, words } from '../src/shell/quote.ts';
import { apply } from './apply.ts';

/** Seconds for a member that streams to be balanced to as well. */
const JOIN_S = 120;

/** Packages whose versions must be the leader's: another minor version, or another end of the backup, is refused. */
const sameAsLeader = (cluster: Cluster): string[] => [
  `postgresql-${cluster.settings.postgres.version}`,
  ...(cluster.repositories.length > 0 ? ['pgbackrest'] : []),
];

/** POSIX sh that prints how many bytes are free where the data directory is, or will be. */
export const freeBytes = ({ dataDir }: Cluster): string =>
  `d=${quote(dataDir)}; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; df -Pk "$d" | awk 'NR == 2 {printf "%.0f\\n", $4 * 1024}'`;

/** Finds out what decides whether a host may join; refreshes its package lists and changes nothing else. */
export async function scout(op: Operation, snapshot: Snapshot, host: Host): Promise<Prospect> {
  const { cluster } = op;
  const names = sameAsLeader(cluster);
  if (!snapshot.leader) throw new Refused('no member leads, so nothing can join');
  const leader = op.host(snapshot.leader.name);
  const [there, here] = await Promise.all([
    op.ask(
      leader,
      'size and versions',
      `echo "bytes $(${sql(cluster.settings.postgres.port, 'select sum(pg_database_size(oid)) from pg_database')})"
dpkg-query -W -f 'package \${Package} \${Version}\\n' ${words(...names)}`,
    ),
    op.ask(
      host,
      'room and versions',
      `echo "bytes $(${freeBytes(cluster)})"
${APT}
out=$(apt -o APT::Update::Error-Mode=any update 2>&1) || printf '%s\\n' "$out" | sed -n 's/^[EW]: /apt /p' | head -n 1
for p in ${words(...names)}; do
  v=$(dpkg-query -W -f '\${Version}' "$p" 2>/dev/null)
  [ -n "$v" ] || v=$(apt-cache policy "$p" | sed -n 's/^  Candidate: //p')
  [ -z "$v" ] || [ "$v" = '(none)' ] || echo "package $p $v"
done`,
      330,
    ),
  ]);
  const bytesOf = (answer: string) => Number(/^bytes (\d+)$/m.exec(answer)?.[1]);
  const versionsOf = (answer: string) =>
    Object.fromEntries(
      [...answer.matchAll(/^package (\S+) (\S+)$/gm)].map(([, name, version]) => [name!, upstream(version!)]),
    );
  return {
    freeBytes: bytesOf(here),
    databaseBytes: bytesOf(there),
    leader: versionsOf(there),
    candidate: versionsOf(here),
    aptSays: /^apt (.*)$/m.exec(here)?.[1],
  };
}

/** What `apply`, or a part of it, would do to this model; the locks are held already. */
export const surveyAll = (
  op: Operation,
  secrets: SecretStore,
  {
    playbook = apply,
    hosts = op.cluster.hosts,
    ...more
  }: Wishes & { playbook?: Playbook; hosts?: readonly Host[] } = {},
): Promise<Survey> => survey(op.session, playbook, { hosts, roles: new Set(ROLE_NAMES) }, secrets, { more });

/** Carries out what was surveyed, as `apply` does. Rejects with the first failure. */
export async function converge(op: Operation, found: Survey): Promise<void> {
  const { playbook, scope, context, facts, plan, probed } = found;
  const engine = new Apply(op.session, playbook, scope, context, facts, op.recorder, op.interrupt, plan, probed);
  const { failed } = await engine.run();
  op.checkInterrupt();
  const first = failed[0];
  if (first) throw new StepFailed(first.host, first.step, first.message);
}

/** Success is "streaming, caught up, voting and balanced to", not "process up". */
export async function awaitJoined(op: Operation, host: Host): Promise<void> {
  op.stage('joined', [host]);
  await op.step(host, 'joined', [...host.roles].at(-1)!, 'run', async () => {
    await op.until(host, 'joined', JOIN_S, (snapshot) => hasJoined(op.cluster, snapshot, host));
  });
}
