import { ANSWER_S } from '../src/bounds/hosts.ts';
import { PROMOTE_S } from '../src/bounds/postgres.ts';
import { PATRONICTL_S, UPSTREAM_S } from '../src/bounds/programs.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { type Verdict, verdict } from '../src/decisions/verdict.ts';
import type { Operation } from '../src/engine/operation.ts';
import { type Cluster, type Host, patroniScope } from '../src/inventory/model.ts';
import { said } from '../src/observe/answer.ts';
import { setDynamic, showDynamic } from '../src/programs/patroni.ts';
import { quote } from '../src/shell/quote.ts';

/** A possible endpoint of the source's PostgreSQL. */
export interface Place {
  address: string;
  port: number;
}

/**
 * POSIX sh for the leader of a standby cluster: prints `answers ADDRESS` for each endpoint of its source where
 * PostgreSQL answers. The endpoints are those that Patroni follows, and those of the source's inventory (`known`),
 * where it can be read. Exit codes 0 and 1 of pg_isready are an answer.
 */
export const askSource = (cluster: Cluster, known: readonly Place[]): string =>
  `config=$(${showDynamic(patroniScope(cluster))} 2>/dev/null) || { echo 'Patroni does not report its source'; exit 1; }
of_source() { printf '%s\\n' "$config" | sed -n "/^standby_cluster:/,/^[^ ]/s/^  $1: *//p" | tr -d "\\"'" | head -n 1; }
ask() { ${quote(`${cluster.binDir}/pg_isready`)} -q -t 3 -h "$1" -p "$2" 2>/dev/null; [ $? -gt 1 ] || echo "answers $1"; }
port=$(of_source port)
for host in $(of_source host | tr ',' ' '); do ask "$host" "\${port:-5432}" & done
${known.map(({ address, port }) => `ask ${quote(address)} ${port} &`).join('\n')}
wait`;

/** Addresses of the source that answer the standby cluster; an interrupted network between them looks like none. */
export async function sourceAnswers(op: Operation, leader: Host, known: readonly Place[]): Promise<string[]> {
  const answer = await op.ask(leader, 'is the source there?', askSource(op.cluster, known), UPSTREAM_S + ANSWER_S);
  return [...answer.matchAll(/^answers (\S+)$/gm)].map(([, address]) => address!);
}

/**
 * Makes the leader of a standby cluster take writes; the others follow it (Patroni documentation, "Standby cluster").
 * Unless `besideSource`, the same script asks the source once more.
 */
export async function promote(
  op: Operation,
  leader: Host,
  { known, besideSource }: { known: readonly Place[]; besideSource: boolean },
): Promise<void> {
  const unlessThere = besideSource
    ? ''
    : `there=$( ${askSource(op.cluster, known)}\n) || { echo "$there"; exit 1; }
[ -z "$there" ] || { echo "its source is there again: $there"; exit 1; }\n`;
  await op.step(leader, 'promote', 'patroni', 'run', async (remote) => {
    await remote.run(`${unlessThere}${setDynamic(patroniScope(op.cluster), 'standby_cluster', 'null')}`, PATRONICTL_S);
  });
}

/** Waits until the new leader takes writes; it first replays all received WAL. Rejects with StepFailed. */
export const awaitWrites = (op: Operation, leader: Host): Promise<unknown> =>
  op.until(leader, 'promote', PROMOTE_S, takesWrites, { everyMs: 250, about: ['members'] });

/** Whether a member takes writes, by its own answer: the member list is one of Patroni's cycles old. */
const takesWrites = ({ observations }: Snapshot): Verdict =>
  verdict(
    [...observations.values()].some(({ patroni }) => {
      const self = said(patroni)?.self;
      return /^(primary|master)$/.test(String(self?.role)) && self?.state === 'running';
    })
      ? []
      : ['no member takes writes yet'],
  );
