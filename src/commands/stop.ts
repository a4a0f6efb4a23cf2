import { start, stop } from '../../playbooks/stop.ts';
import { pauseWords } from '../decisions/holds.ts';
import { ledLast, mayStart } from '../decisions/start.ts';
import { DEFAULT_LIMITS, noBackupRunning, noLongTransaction, steady } from '../decisions/update.ts';
import { all, verdict } from '../decisions/verdict.ts';
import { hostsWith } from '../inventory/model.ts';
import type { OperateOptions } from '../run/intent.ts';
import { operate } from '../run/operate.ts';
import { refuseUnless } from '../run/refuse.ts';

/** `hapg stop`: stops a whole cluster in the right order. Nothing is disabled or lost, and `hapg start` or a boot brings it back. */
export const stopCommand = (options: OperateOptions): Promise<number> =>
  operate('stop', { ...options, asItIs: true, emergency: true }, async (op, snapshot) => {
    const { cluster } = op;
    const { leader, paused } = snapshot;
    refuseUnless(
      all(
        verdict(
          paused ? [`${pauseWords(snapshot)}, and Patroni would leave PostgreSQL running: "hapg resume" first`] : [],
          'paused',
        ),
        leader ? noBackupRunning(snapshot) : verdict([]),
        leader ? noLongTransaction(snapshot, DEFAULT_LIMITS) : verdict([]),
      ),
    );
    return {
      explain: [
        `${cluster.name} stops: nobody can read or write until "hapg start", or until its hosts boot`,
        `  in this order: clients' ways in, the replicas, ${leader?.name ?? 'no leader'}, ${cluster.dcs.external ? 'nothing more' : cluster.dcs.label}`,
        '  no row is lost: the leader stops last, and writes all that it has acknowledged',
      ].join('\n'),
      question: `Stop ${cluster.name}?`,
      hosts: cluster.hosts,
      ends: true,
      run: () => stop(op),
      document: () => ({ stopped: true }),
    };
  });

/** `hapg start`: starts a stopped cluster in the right order, first the member that led last. */
export const startCommand = (options: OperateOptions): Promise<number> =>
  operate('start', { ...options, asItIs: true, emergency: true, goesWithout: () => true }, async (op, snapshot) => {
    const { cluster } = op;
    if (steady(cluster, snapshot, DEFAULT_LIMITS).ok) return undefined;
    refuseUnless(mayStart(cluster, snapshot));
    const hosts = cluster.hosts.filter(({ name }) => snapshot.observations.has(name));
    const away = cluster.hosts.filter((host) => !hosts.includes(host)).map(({ name }) => name);
    // A leader that runs is the first already.
    const led = snapshot.leader ? [] : ledLast(cluster, snapshot);
    const others = hostsWith(cluster, 'patroni').filter((host) => hosts.includes(host) && !led.includes(host));
    const order = [
      ...(cluster.dcs.external ? [] : [cluster.dcs.label]),
      ...(led.length > 0 ? [`${led.map(({ name }) => name).join(', ')} (led last)`] : []),
      others.map(({ name }) => name).join(', '),
      "clients' ways in",
    ].filter(Boolean);
    return {
      explain: [
        `${cluster.name} starts: ${order.join(', then ')}`,
        ...(away.length > 0 ? [`  ! ${away.join(', ')}: no answer; left as they are`] : []),
      ].join('\n'),
      question: `Start ${cluster.name}?`,
      hosts,
      expects: ({ host }) => away.includes(host),
      run: () => start(op, hosts, led),
      document: () => ({ stopped: false }),
    };
  });
