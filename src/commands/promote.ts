import { parseDocument } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { takeBackup } from '../../playbooks/backup.ts';
import { awaitWrites, promote, sourceAnswers } from '../../playbooks/promote.ts';
import type { Snapshot } from '../cluster/snapshot.ts';
import { mayPromote } from '../decisions/standby.ts';
import { converge, surveyAll } from '../engine/converge.ts';
import { readJournals } from '../engine/journal.ts';
import { Refused, UsageError } from '../errors.ts';
import { removeKey, writeInventory } from '../inventory/edit.ts';
import { filesOf, loadInventory, upstreamOf } from '../inventory/load.ts';
import { type Cluster, hostsWith } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';
import type { SecretStore } from '../secrets/store.ts';

/** How far the standby cluster is behind its source, as far as that is known. */
function behind({ leader, observations }: Snapshot): string {
  const sql = leader && said(observations.get(leader.name)?.sql);
  return sql?.replayed
    ? `the last transaction that is here was committed at ${sql.replayed}; what was committed at the source after it is not here`
    : 'the last transaction received here is unknown';
}

/** What this machine has of the source: its inventory, and a store with its newest passwords. Either may be missing. */
async function remains(
  cluster: Cluster,
  standbyOf: string | undefined,
  store: SecretStore,
  say: (text: string) => void,
): Promise<{ upstream?: Cluster; adopting?: SecretStore }> {
  if (standbyOf === undefined) return {};
  let upstream: Cluster | undefined;
  try {
    upstream = upstreamOf(standbyOf, cluster.file);
    const adopting = store.through({ ...cluster, upstream });
    await adopting.complete();
    return { upstream, adopting };
  } catch (cause) {
    say(
      `passwords are those of the last apply, for ${(cause as Error).message.split('\n')[0]}; where they were changed at the source since, they are set back`,
    );
    return upstream ? { upstream } : {};
  }
}

/** Whether the last promotion did not finish. */
function isUnfinished(cluster: Cluster): boolean {
  const last = readJournals(cluster)
    .map(({ entries }) => ({
      command: entries.find(({ type }) => type === 'start')?.command,
      result: entries.find(({ type }) => type === 'end')?.result,
    }))
    .filter(({ command, result }) => (command === 'promote' || command === 'apply') && result !== 'refused')
    .at(-1);
  return last?.command === 'promote' && last.result !== 'ok';
}

/** Whether a full backup exists on the leader's timeline (a WAL segment's name begins with it). */
const isBackedUp = ({ repository, timeline }: Snapshot): boolean =>
  (repository?.backups ?? []).some(
    ({ type, wal }) => type === 'full' && Number.parseInt((wal[0] ?? '').slice(0, 8), 16) >= (timeline ?? 0),
  );

/** The flags of `hapg promote`. */
export interface PromoteOptions extends OperateOptions {
  besideSource: boolean;
}

/**
 * `hapg promote`: makes a standby cluster one that takes writes. Then it removes `standby_of` from the inventory and
 * applies the rest: backups, synchronous replication. The same command continues an interrupted run. It needs nothing
 * of its source, not even the inventory, and only the hosts that are reachable, because all else may be lost.
 */
export const promoteCommand = (options: PromoteOptions): Promise<number> => {
  if (options.extra.some((one) => one.startsWith('standby_of')))
    throw new UsageError('standby_of is taken out of the inventory, so it has to be in there');
  const { under } = filesOf(options.inventory);
  const remaining =
    under.length > 0 &&
    loadInventory(options.inventory, options.extra, (text) => removeKey(text, 'standby_of')).cluster.upstream;
  if (remaining)
    throw new UsageError(
      `standby_of stands in ${under.join(', ')}, which hapg does not edit: move it to the last file`,
    );
  let standbyOf: string | undefined;
  return operate(
    'promote',
    { ...options, asItIs: true, emergency: true, goesWithout: () => true },
    async (op, snapshot, setup, store) => {
      const { cluster } = op;
      const { leader } = snapshot;
      const copies = leader?.role === 'standby_leader';
      if (leader && !copies && standbyOf === undefined && !isUnfinished(cluster)) return undefined;
      const host = leader && op.host(leader.name);
      const say = (text: string) => op.session.options.emit({ type: 'note', text });
      const { upstream, adopting } = await remains(cluster, standbyOf, store, say);
      const known = upstream
        ? hostsWith(upstream, 'patroni').map(({ address }) => ({ address, port: upstream.settings.postgres.port }))
        : [];
      const answers = copies && host && !options.besideSource ? await sourceAnswers(op, host, known) : [];
      refuseUnless(mayPromote(snapshot, answers, options.besideSource));
      if (copies && !said(snapshot.observations.get(host!.name)?.sql))
        throw new Refused(`${host!.name}: PostgreSQL does not answer, so its data is unknown`, 'unknown');
      await store.complete();
      const there = cluster.hosts.filter((one) => snapshot.observations.has(one.name));
      const away = cluster.hosts.filter((one) => !there.includes(one)).map(({ name }) => name);
      let written = false;
      return {
        explain: [
          copies
            ? `${cluster.name} is no standby any more: ${host!.name} leads and takes writes\n  ${behind(snapshot)}\n  ! whatever was its source must not come back and take writes too: keep its Patroni down`
            : `${host!.name} leads already; what a promotion has left is done`,
          ...(away.length > 0 ? [`  ! ${away.join(', ')}: no answer; left as they are, for a later apply`] : []),
        ].join('\n'),
        question: copies ? `Promote ${cluster.name}?` : `Go on with ${cluster.name}?`,
        hosts: there,
        onFailure: () => (written || !upstream ? cluster : { ...cluster, upstream }),
        run: async () => {
          // Written first: a run that continues after this one finds no source.
          await adopting?.save();
          await store.save();
          op.stage('promote', [host!]);
          if (copies) await promote(op, host!, { known, besideSource: options.besideSource });
          await awaitWrites(op, host!);
          writeInventory(cluster.file, setup.text);
          written = true;
          await converge(op, await surveyAll(op, apply, store, { hosts: there }));
          // No older backup covers what is written from now on.
          if (cluster.repositories.length > 0 && !isBackedUp(await op.observe())) await takeBackup(op, 'full');
        },
      };
    },
    (text) => {
      const named = parseDocument(text).get('standby_of');
      standbyOf = named === undefined ? undefined : String(named);
      return removeKey(text, 'standby_of');
    },
  );
};
