import { type Verdict, verdict } from '../src/cluster/decisions/verdict.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, patroniScope } from '../src/inventory/model.ts';
import { patronictl } from '../src/shell/postgres.ts';

/** Seconds for Patroni to promote, which replays first what has been received. */
const PROMOTE_S = 300;

/**
 * POSIX sh for the member that leads a copy: prints the addresses of its source at which PostgreSQL answers, one a line.
 * They are taken from what Patroni follows, not from an inventory. Exit codes 0 and 1 of pg_isready are an answer.
 */
export const askSource = (
  cluster: Cluster,
): string => `config=$(${patronictl('show-config', ...patroniScope(cluster))}) || exit 1
of_source() { printf '%s\\n' "$config" | sed -n "/^standby_cluster:/,/^[^ ]/s/^  $1: *//p" | tr -d "\\"'" | head -n 1; }
port=$(of_source port)
for host in $(of_source host | tr ',' ' '); do
  ( pg_isready -q -t 3 -h "$host" -p "\${port:-5432}"; [ $? -gt 1 ] || echo "$host" ) &
done
wait`;

/** Hosts of the source that are there, seen from the copy; a network between them that is cut looks like none. */
export const sourceAnswers = async (op: Operation, leader: Host): Promise<string[]> =>
  (await op.ask(leader, 'is the source there?', askSource(op.cluster), 60)).split('\n').filter(Boolean);

/**
 * The member that leads a standby cluster takes writes from now on; the others follow it (Patroni documentation, "Standby
 * cluster"). Unless `besideSource`, its source is asked once more in the same moment.
 */
export async function promote(op: Operation, leader: Host, besideSource: boolean): Promise<void> {
  op.stage('promote', [leader]);
  const unlessThere = besideSource
    ? ''
    : `there=$( ${askSource(op.cluster)}\n) || exit 1
[ -z "$there" ] || { echo "its source is there again, at $there"; exit 1; }\n`;
  await op.step(leader, 'promote', 'patroni', 'run', async (remote) => {
    await remote.run(
      `${unlessThere}out=$(${patronictl('edit-config', ...patroniScope(op.cluster), '--force', '-s', 'standby_cluster=null')} 2>&1) || { echo "Patroni refused it: $(printf '%s' "$out" | tail -n 1)"; exit 1; }`,
      90,
    );
    await op.until(leader, 'promote', PROMOTE_S, takesWrites, { everyMs: 250 });
  });
}

/** Not by what the member list says, which is one of Patroni's cycles old. */
const takesWrites = ({ observations }: Snapshot): Verdict =>
  verdict(
    [...observations.values()].some(
      ({ patroni }) => /^(primary|master)$/.test(String(patroni?.self?.role)) && patroni?.self?.state === 'running',
    )
      ? []
      : ['no member takes writes yet'],
  );
