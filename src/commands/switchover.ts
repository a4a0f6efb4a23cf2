import { hostname, userInfo } from 'node:os';
import { bestCandidate, maySwitchOver, membersHealthy } from '../cluster/decisions.ts';
import { type Snapshot, takeSnapshot } from '../cluster/snapshot.ts';
import { Journal, newRunId } from '../engine/journal.ts';
import { holder, lockAll } from '../engine/lock.ts';
import { settleAll } from '../engine/pool.ts';
import { probe } from '../engine/probe.ts';
import type { Session } from '../engine/session.ts';
import { EXIT, Refused, StepFailed } from '../errors.ts';
import { type Cluster, type Host, hostsWith } from '../inventory/model.ts';
import { SecretStore } from '../secrets/store.ts';
import { quote } from '../shell/quote.ts';
import { duration, paint } from '../view/style.ts';
import {
  type CommonOptions,
  confirm,
  needsAnswer,
  print,
  printJson,
  setup,
  start,
  unreachableError,
} from './common.ts';
import { takeStatus } from './status.ts';

const SETTLE_MS = 60_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** `hapg switchover`: a verdict first, a named candidate, and the result seen on both hosts. Exit 0 only when healthy afterwards. */
export async function switchoverCommand(options: CommonOptions & { to?: string }): Promise<number> {
  const started = performance.now();
  const made = setup(options);
  needsAnswer('Changes', options);
  const { cluster } = made;
  const run = newRunId();
  const store = await SecretStore.read(cluster);
  const { session, progress } = await start(made, run, () => store?.all() ?? []);
  try {
    const unreachable = await session.openAll(cluster.hosts);
    if (unreachable.size > 0) throw unreachableError(unreachable);
    await lockAll(session, cluster.hosts, holder(run, 'switchover'), Number(options.lockWait));
    const before = await look(session, cluster);
    const to = choose(cluster, before, options.to);
    const from = before.leader!.name;
    const member = before.members.find((one) => one.name === to)!;
    if (!made.json)
      print(`${from} hands over to ${to}: ${member.role}, ${member.state}, ${member.lagBytes ?? '?'} bytes behind`);
    if (!(await confirm(`Switch ${cluster.name} over?`, options)))
      throw new Refused('not confirmed; nothing was changed');
    const journal = Journal.open(cluster, run);
    journal.write('start', {
      command: 'switchover',
      by: `${userInfo().username}@${hostname()}`,
      cluster: cluster.name,
      from,
      to,
    });
    const ms = await handOver(session, cluster, from, to);
    const healthy = await settled(session, cluster, store);
    journal.write('end', { result: healthy ? 'ok' : 'not healthy', changed: 1, duration_ms: ms });
    await progress.end();
    const total = Math.round(performance.now() - started);
    if (made.json)
      printJson({
        ok: healthy,
        run,
        duration_ms: total,
        hosts: [from, to],
        switchovers: [{ from, to, duration_ms: ms }],
      });
    else
      print(
        `${to} leads after ${duration(ms)}${healthy ? paint.green('; the cluster is healthy') : paint.red('; the cluster is not healthy: hapg status')}`,
      );
    return healthy ? EXIT.done : EXIT.refused;
  } finally {
    session.close();
  }
}

/** The candidate, named or best. Throws Refused with every reason against it. */
function choose(cluster: Cluster, snapshot: Snapshot, wanted: string | undefined): string {
  const synchronous = cluster.replication !== 'async';
  const to = wanted ?? bestCandidate(snapshot, synchronous)?.name;
  const health = membersHealthy(cluster, snapshot);
  const verdict = to === undefined ? undefined : maySwitchOver(snapshot, to, synchronous);
  const reasons = [
    ...(health.ok ? [] : health.reasons),
    ...(verdict === undefined ? ['no member may take over'] : verdict.ok ? [] : verdict.reasons),
  ];
  if (reasons.length > 0)
    throw new Refused(
      `refused, nothing was changed:\n${[...new Set(reasons)].map((reason) => `  - ${reason}`).join('\n')}`,
    );
  return to!;
}

const databases = (cluster: Cluster): Host[] => hostsWith(cluster, 'patroni');

async function look(session: Session, cluster: Cluster): Promise<Snapshot> {
  const hosts = cluster.hosts.filter((host) => host.roles.has('patroni') || host.roles.has('etcd'));
  const answers = await settleAll(
    hosts,
    session.options.forks,
    async (host) => [host.name, (await probe(session, host, [])).observation] as const,
  );
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  return takeSnapshot(new Map(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))));
}

/** Asks Patroni, and believes it only when both hosts say so themselves. Returns milliseconds. */
async function handOver(session: Session, cluster: Cluster, from: string, to: string): Promise<number> {
  const host = databases(cluster).find((one) => one.name === from)!;
  const started = performance.now();
  const script = `runuser -u postgres -- patronictl -c /etc/patroni/config.yml switchover ${quote(cluster.scope)} --leader ${quote(from)} --candidate ${quote(to)} --force 2>&1`;
  const { code, output } = await session.ask(host, script, 120);
  if (code !== 0) throw new StepFailed(from, 'switchover', `Patroni refused it: ${output.trim().split('\n').at(-1)}`);
  for (;;) {
    const { leaders, observations } = await look(session, cluster);
    const old = observations.get(from)?.patroni?.self;
    if (leaders.join() === to && old?.role === 'replica' && (old.state === 'running' || old.state === 'streaming'))
      return Math.round(performance.now() - started);
    if (performance.now() - started > SETTLE_MS)
      throw new StepFailed(
        from,
        'switchover',
        `not done within ${SETTLE_MS / 1000} s: ${leaders.join(' and ') || 'nobody'} leads, ${from} is ${old?.state ?? 'silent'}`,
      );
    await sleep(200);
  }
}

/** Waits until status is healthy again (the synchronous standby is named a cycle later). */
async function settled(session: Session, cluster: Cluster, store: SecretStore | undefined): Promise<boolean> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const { problems } = await takeStatus(session, cluster, cluster.hosts, store);
    if (problems.length === 0) return true;
    if (Date.now() > end) return false;
    await sleep(500);
  }
}
