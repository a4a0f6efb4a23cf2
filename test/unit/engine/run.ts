import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Apply } from '../../../src/engine/apply.ts';
import type { RunEvent } from '../../../src/engine/events.ts';
import { Interrupt } from '../../../src/engine/interrupt.ts';
import { Journal } from '../../../src/engine/journal.ts';
import { holder, lockAll } from '../../../src/engine/lock.ts';
import { Operation } from '../../../src/engine/operation.ts';
import { Recorder } from '../../../src/engine/record.ts';
import { Session } from '../../../src/engine/session.ts';
import { type Survey, survey } from '../../../src/engine/survey.ts';
import type { Cluster, Host } from '../../../src/inventory/model.ts';
import type { Playbook, Stage } from '../../../src/playbook.ts';
import { ROLE_NAMES } from '../../../src/roles.ts';
import { SecretStore } from '../../../src/secrets/store.ts';
import { type Kind, step } from '../../../src/steps/step.ts';
import { type Answer, FakeNetwork, type Said } from '../../support/fake-machine.ts';
import { probed } from '../../support/fake-probe.ts';
import { labCluster } from '../model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-engine-'));
after(() => rmSync(root, { recursive: true, force: true }));
let runs = 0;

/** Whether a host's service was restarted; the machine under test keeps it. */
const restarted: Kind<null, boolean> = {
  name: 'restarted',
  probe: () => 'is it?',
  parse: (answer, steps) => new Map(steps.map((one) => [one.id, answer.trim() === 'yes'])),
  diff: (_step, state) => (state ? undefined : { action: 'restart', summary: 'not yet' }),
  change: async (_step, _state, remote) => void (await remote.run('restart')),
};

/** Restarts the database hosts one after another; each behind a gate that wants all of them there. */
export const restarts = (more: Partial<Stage> = {}): Playbook => [
  {
    name: 'restarts',
    hosts: ({ cluster }) => databaseHosts(cluster),
    steps: () => [step(restarted, 'patroni', 'service', null)],
    order: (busy) => busy.map((host) => [host]),
    gate: (_group, { cluster, snapshot }) =>
      databaseHosts(cluster).every(({ name }) => snapshot.observations.has(name))
        ? { ok: true }
        : { ok: false, reasons: ['somebody is not there'] },
    ...more,
  },
];

export const databaseHosts = ({ hosts }: Cluster): Host[] => hosts.filter((host) => host.roles.has('patroni'));

/** Hosts that answer probes and take restarts; `first` may say something else. */
export function restartable(first: Answer = () => ''): Answer {
  const done = new Set<string>();
  return async (script, host): Promise<Said> => {
    const said = await first(script, host);
    if (said !== '') return said;
    if (script.includes('restart') && !script.includes('begin')) done.add(host);
    return probed(script, { 'kind:restarted': done.has(host) ? 'yes' : 'no' }) ?? '';
  };
}

/** A run over the lab's hosts, in memory. */
export function runOver(answer: Answer, { forks = 10, network = new FakeNetwork(answer), of = labCluster() } = {}) {
  const cluster = { ...of, stateDir: join(root, String(++runs)) };
  const interrupt = new Interrupt();
  const events: RunEvent[] = [];
  const session = new Session(cluster, {
    network,
    interrupt,
    clock: network.clock,
    forks,
    emit: (event) => events.push(event),
    run: `test-${runs}`,
    secrets: () => [],
  });
  const recorder = new Recorder(session.options.emit, Journal.open(cluster, 'test'));
  const locking = { who: holder(`test-${runs}`, 'update'), waitSeconds: 0 };
  const op = new Operation(session, recorder, locking);
  /** Connects to hosts and locks them, as the frame of every operation does. */
  const begin = async (hosts: readonly Host[] = cluster.hosts) => {
    await session.openAll(hosts);
    await lockAll(session, hosts, locking);
  };
  const look = async (playbook: Playbook, hosts: readonly Host[] = cluster.hosts) => {
    await session.openAll(hosts);
    const scope = { hosts, roles: new Set(ROLE_NAMES) };
    return survey(session, playbook, scope, await SecretStore.create(cluster), { lock: locking });
  };
  const apply = (found: Survey) => new Apply({ session, recorder }, found).run();
  const host = (name: string) => cluster.hosts.find((one) => one.name === name)!;
  return { cluster, network, session, interrupt, events, recorder, locking, op, begin, look, apply, host };
}
