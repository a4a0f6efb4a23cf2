import { randomBytes } from 'node:crypto';
import { needsOf } from '../../roles/needs.ts';
import { declaredBuffers } from '../../roles/patroni/patroni.ts';
import { CALL_S, CALLS_S, EXAMINE_S, LISTEN_S } from '../bounds/doctor.ts';
import { ASK_S } from '../bounds/hosts.ts';
import { admitApply, checkIdentity } from '../decisions/admission.ts';
import { checkHugePages, checkVersions } from '../decisions/equipment.ts';
import { all, type Verdict } from '../decisions/verdict.ts';
import type { Finding } from '../doctor/check.ts';
import { CLOCK_KEPT_SCRIPT, CLOCK_SCRIPT, type ClockOffset, judgeClocks } from '../doctor/clock.ts';
import { checkSections, isOpenedByApply, judgeChecks } from '../doctor/index.ts';
import { callScript, hangUpScript, listenScript, readCalls, readListener } from '../doctor/reach-script.ts';
import type { Way } from '../doctor/ways.ts';
import { callFor, judgeWays, type Tried } from '../doctor/ways-check.ts';
import { stopOn } from '../engine/interrupt.ts';
import { attempted, settleAll } from '../engine/pool.ts';
import type { Session } from '../engine/session.ts';
import type { Survey } from '../engine/survey.ts';
import { Refused, reasonOn } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { said } from '../observe/answer.ts';
import type { Context } from '../playbook.ts';
import { composeSections, splitSections } from '../shell/sections.ts';
import { inWords } from '../view/doctor.ts';
import type { Run } from './run.ts';

/** Asks hosts at once. Returns the answers, and a finding for each host that did not give one. Rejects with Interrupted. */
async function askAll<T>(
  session: Session,
  hosts: readonly Host[],
  ask: (host: Host) => Promise<T>,
): Promise<{ answers: Map<Host, T>; silent: Finding[] }> {
  const results = await settleAll(hosts, session.options.forks, ask);
  stopOn(session.interrupt.hard);
  const answers = new Map<Host, T>();
  const silent: Finding[] = [];
  for (const [index, result] of results.entries()) {
    const host = hosts[index]!;
    if (result.status === 'fulfilled') answers.set(host, result.value);
    else silent.push(silentHost(host, result.reason));
  }
  return { answers, silent };
}

/** The row of a host that does not answer. */
export const silentHost = (host: Host, cause: unknown): Finding => ({
  check: 'login',
  host: host.name,
  level: 'failure',
  seen: reasonOn(cause).replace(new RegExp(`^${host.name}: (unreachable: )?`), ''),
  cure: `"hapg ssh ${host.name} -v" shows the way that hapg takes`,
});

/**
 * Examines hosts as a first apply needs them. Changes nothing: what it starts and writes is gone at its end, or by itself
 * after LISTEN_S. The hosts are connected.
 */
export async function examine(
  session: Session,
  context: Context,
  hosts: readonly Host[],
  { fetchesLists }: { fetchesLists: boolean },
): Promise<Finding[]> {
  const needs = needsOf(context, fetchesLists);
  const clocks = await askAll(session, hosts, (host) => readClock(session, host));
  const there = [...clocks.answers.keys()];
  const checked = await askAll(session, there, async (host) => {
    const nonce = randomBytes(12).toString('hex');
    const sections = checkSections(host, needs);
    const { output } = await session.ask(host, composeSections(sections, nonce), EXAMINE_S);
    return splitSections(sections.keys(), output, nonce);
  });
  const lives = (host: Host): boolean => {
    const { identity, dataDirectory } = context.snapshot.observations.get(host.name) ?? {};
    return identity !== undefined || said(dataDirectory)?.state === 'cluster';
  };
  const { tried, silent } = await tryWays(session, [...checked.answers.keys()], needs.ways, lives);
  return [
    ...clocks.silent,
    ...checked.silent,
    ...judgeChecks(checked.answers, needs),
    ...judgeClocks([...clocks.answers.values()]),
    ...silent,
    ...judgeWays(tried, { opens: (way) => isOpenedByApply(checked.answers, way), lives }),
  ];
}

/**
 * Examines the hosts before a first apply; elsewhere does nothing. Emits the warnings as notes. Throws Refused with all
 * failures. `skip`: the operator has looked, and goes on.
 */
export async function examineFirst({ session, setup }: Run, { context }: Survey, skip: boolean): Promise<void> {
  if (skip || context.snapshot.exists || !setup.hosts.some(({ roles }) => roles.has('patroni'))) return;
  const findings = await examine(session, context, setup.hosts, { fetchesLists: false });
  const failures = findings.filter(({ level }) => level === 'failure').map(inWords);
  if (failures.length > 0)
    throw new Refused(
      `refused, nothing was changed; the hosts are not fit for a first apply ("hapg doctor" shows all, --no-doctor goes on):\n${failures.map((one) => `  - ${one}`).join('\n')}`,
      'not_fit',
    );
  for (const one of findings.filter(({ level }) => level === 'warning'))
    session.options.emit({ type: 'note', text: inWords(one) });
}

/** Reads a host's clock; the answer's way back is half of what the question took. */
async function readClock(session: Session, host: Host): Promise<ClockOffset> {
  const from = Date.now();
  const { output } = await session.ask(host, CLOCK_SCRIPT, ASK_S);
  const to = Date.now();
  const kept = await session.ask(host, CLOCK_KEPT_SCRIPT, ASK_S);
  if (!/^\d{16,}$/.test(output.trim())) throw new Error(`its clock cannot be read: ${output.trim().slice(0, 80)}`);
  const theirs = Number(output.trim().slice(0, -6));
  return {
    host: host.name,
    offsetMs: theirs - (from + to) / 2,
    uncertaintyMs: (to - from) / 2,
    synchronized: /^yes$/m.test(kept.output) ? true : /^no$/m.test(kept.output) ? false : undefined,
  };
}

/**
 * Tries the connections between these hosts, and to services outside. The listeners are ended whatever happens. Where the
 * cluster lives none is started: a service that is just being restarted must find its port free.
 */
async function tryWays(
  session: Session,
  hosts: readonly Host[],
  all: readonly Way[],
  lives: (host: Host) => boolean,
): Promise<{ tried: Tried[]; silent: Finding[] }> {
  const ways = all.filter(
    ({ from, to, protocol }) =>
      hosts.includes(from) && (to === undefined || (hosts.includes(to) && !(protocol === 'vrrp' && lives(to)))),
  );
  const word = randomBytes(8).toString('hex');
  const listened = await askAll(session, hosts, async (host) => {
    const its = lives(host) ? [] : ways.filter(({ to }) => to === host);
    if (its.length === 0) return readListener('');
    const ports = [...new Set(its.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port))];
    const vrrp = its.some(({ protocol }) => protocol === 'vrrp');
    return readListener((await session.ask(host, listenScript(word, LISTEN_S, host.address, vrrp, ports))).output);
  });
  const listens = (host: Host): ReadonlySet<number> => listened.answers.get(host)?.listens ?? new Set();
  try {
    const called = await askAll(session, hosts, async (host) => {
      const mine = ways.flatMap((way) => {
        const call = way.from === host ? callFor(way, listens) : undefined;
        return call ? [{ way, call }] : [];
      });
      if (mine.length === 0) return new Map<Way, string | undefined>();
      const calls = mine.map(({ call }) => call);
      const { output } = await session.ask(host, callScript(word, CALL_S, calls), CALLS_S);
      const ends = readCalls(output, calls);
      return new Map(mine.map(({ way }, index) => [way, ends[index]]));
    });
    return {
      tried: ways.map((way) => ({ way, end: called.answers.get(way.from)?.get(way) })),
      silent: [...listened.silent, ...called.silent],
    };
  } finally {
    const pids = [...listened.answers].flatMap(([host, { pid }]) => (pid === undefined ? [] : [{ host, pid }]));
    // A listener that is not reached ends by itself.
    attempted(await settleAll(pids, session.options.forks, ({ host, pid }) => session.ask(host, hangUpScript(pid))));
  }
}

/** The rows about what is on the hosts already: the reasons for which an apply would refuse to begin. */
export function judgePresent(
  cluster: Cluster,
  context: Context,
  hosts: readonly Host[],
  store: Parameters<typeof checkIdentity>[2],
): Finding[] {
  const { snapshot } = context;
  const missing = cluster.hosts.filter((host) => !hosts.includes(host)).map(({ name }) => name);
  const found: Verdict = all(
    checkIdentity(cluster, snapshot, store),
    admitApply(cluster, snapshot, snapshot.exists ? missing : []),
    checkVersions(cluster, context.facts, hosts),
    checkHugePages(cluster, context.facts, hosts, (host) => declaredBuffers(host, context)),
  );
  const check = 'present';
  if (found.ok)
    return [
      {
        check,
        host: '',
        level: 'ok',
        seen: snapshot.exists
          ? `the cluster ${cluster.name} is there`
          : 'nothing is there, so a first apply makes the cluster',
      },
    ];
  return found.reasons.map((reason) => {
    const host = hosts.find(({ name }) => reason.startsWith(`${name}: `));
    const text = host ? reason.slice(host.name.length + 2) : reason;
    // The last sentence of a reason is its cure, where it has one.
    const [, seen = text, cure] = /^([\s\S]+)[;.] ([\s\S]+)$/.exec(text) ?? [];
    return { check, host: host?.name ?? '', level: 'failure', seen, ...(cure ? { cure } : {}) };
  });
}
