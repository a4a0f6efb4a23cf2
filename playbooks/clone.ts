import { CLONE_SOURCE_CONFIG, cloneSourceAccess } from '../roles/pgbackrest/clone-source.ts';
import { HOLE_S } from '../src/bounds/undo.ts';
import type { Snapshot } from '../src/cluster/snapshot.ts';
import { capabilities } from '../src/cluster/versions.ts';
import { verdict } from '../src/decisions/verdict.ts';
import { converge, surveyAll } from '../src/engine/converge.ts';
import { untilCopied } from '../src/engine/copying.ts';
import type { Operation } from '../src/engine/operation.ts';
import { verifyAsClient } from '../src/engine/verify.ts';
import { StepFailed } from '../src/errors.ts';
import { backupHosts, type Host, repositoryHost } from '../src/inventory/model.ts';
import { isIPv6 } from '../src/inventory/network.ts';
import { PATHS } from '../src/paths.ts';
import type { Playbook } from '../src/playbook.ts';
import type { SecretStore } from '../src/secrets/store.ts';
import { words } from '../src/shell/quote.ts';
import { apply, beforePostgres } from './apply.ts';
import { markRestore, type Phase, phases, type RestoreOrder, recoverFirst, restoredFirst } from './recover.ts';
import { lead } from './restore.ts';

/**
 * Clones the backup of one cluster into the empty hosts of another: sets up everything except PostgreSQL, restores one
 * host from the source's repositories, and continues as a cluster of its own, with its own secrets, authorities, stanza
 * and first backup. The source is not changed, except that its firewall lets one host in meanwhile, under an undo.
 */
export async function clone(
  op: Operation,
  store: SecretStore,
  source: Operation,
  sourceSecrets: SecretStore,
  order: RestoreOrder,
  note: (phase: Phase) => void,
): Promise<void> {
  const { cluster } = op;
  const host = op.host(order.host);
  const members = restoredFirst(cluster, order);
  const phase = phases(op, order, note);
  await phase('stopped', members, async () => {
    for (const member of members)
      await op.step(member, 'keep PostgreSQL from starting', 'patroni', 'run', (remote) =>
        remote.run(markRestore(order)),
      );
  });
  const surveyed = await surveyAll(op, beforePostgres, store);
  await converge(op, surveyed);
  await phase('restored', [host], async () => {
    const way: Playbook = [
      {
        name: 'way to the source',
        hosts: () => [host],
        steps: (_host, { facts }) => cloneSourceAccess(host, source.cluster, sourceSecrets, capabilities(facts(host))),
      },
    ];
    await converge(op, await surveyAll(op, way, store, { hosts: [host] }));
    const removeSource = () =>
      op.step(host, 'forget the source', 'pgbackrest', 'remove', (remote) => remote.run(`rm -rf ${PATHS.cloneSource}`));
    const close = await openSource(source, host);
    try {
      await recoverFirst(op, surveyed.context, host, order, {
        stanza: source.cluster.stanza,
        options: [`--config=${CLONE_SOURCE_CONFIG}`],
        own: false,
      });
    } catch (cause) {
      // The failure of the recovery is reported, not that of the cleanup.
      await removeSource().catch(() => undefined);
      await close().catch(({ message }: Error) =>
        op.session.options.emit({ type: 'note', text: `${message}; the source's firewall closes by itself` }),
      );
      throw cause;
    }
    await close();
    await removeSource();
  });
  await phase('leading', [host], () => lead(op, store, host));
  await phase('backed up', backupHosts(cluster), async () => {
    await converge(
      op,
      await surveyAll(op, apply, store, { hosts: repositoryHost(cluster) ? backupHosts(cluster) : [host] }),
    );
  });
  await phase('following', members, async () => {
    for (const member of members.slice(1)) {
      await op.step(member, 'let Patroni start', 'patroni', 'run', (remote) => remote.run(`rm -f ${PATHS.restore}`));
      await converge(op, await surveyAll(op, apply, store, { hosts: [member], databaseBytes: order.bytes }));
      const streams = (snapshot: Snapshot) => {
        const state = snapshot.members.find((one) => one.name === member.name)?.state;
        return verdict(state === 'streaming' ? [] : [`${member.name} is ${state ?? 'not a member yet'}`]);
      };
      await untilCopied(op, member, 'streaming', streams, { databaseBytes: order.bytes });
    }
  });
  await converge(op, await surveyAll(op, apply, store));
  const problem = await verifyAsClient(op.session, cluster);
  if (problem) throw new StepFailed(problem.host, problem.step, problem.message);
}

/**
 * Opens the firewall of the source's repository host for one host of the clone. The rule is in no file, so that a boot
 * removes it, and an undo removes it in every other case. Returns a function that closes it. Does nothing without a
 * repository host.
 */
async function openSource(source: Operation, host: Host): Promise<() => Promise<void>> {
  const repository = repositoryHost(source.cluster);
  if (!repository) return async () => undefined;
  const iptables = isIPv6(host.address) ? 'ip6tables' : 'iptables';
  const rule = words(
    ...['INPUT', '-s', host.address, '-p', 'tcp', '--dport', String(source.cluster.settings.pgbackrest.port)],
    ...['-m', 'comment', '--comment', 'hapg: a clone is made', '-j', 'ACCEPT'],
  );
  const remove = `command -v ${iptables} >/dev/null && while ${iptables} -D ${rule} 2>/dev/null; do :; done; true`;
  await source.armUndo(repository, 'clone', remove, HOLE_S);
  const close = () => source.runUndo(repository, 'clone');
  try {
    await source.ask(
      repository,
      'let the clone in',
      `if command -v ${iptables} >/dev/null; then ${iptables} -I ${rule}; fi`,
    );
  } catch (cause) {
    await close();
    throw cause;
  }
  return close;
}
