import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Apply } from '../../src/engine/apply.ts';
import { Journal } from '../../src/engine/journal.ts';
import { makePlan } from '../../src/engine/plan.ts';
import type { Playbook } from '../../src/engine/playbook.ts';
import { probe } from '../../src/engine/probe.ts';
import { Recorder } from '../../src/engine/record.ts';
import type { Session } from '../../src/engine/session.ts';
import type { Host } from '../../src/inventory/model.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { type Kind, step } from '../../src/steps/step.ts';
import { contextFor, labCluster } from './model.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-gate-'));
after(() => rmSync(root, { recursive: true, force: true }));

const FACTS = 'id=debian\ncodename=trixie\ncpus=1\nmemory=1048576\nvirt=none';

/** Whether a host's service was restarted; the machine under test keeps it. */
const restarted: Kind<null, boolean> = {
  name: 'restarted',
  probe: () => 'is it?',
  parse: (answer, steps) => new Map(steps.map((one) => [one.id, answer.trim() === 'yes'])),
  diff: (_step, state) => (state ? undefined : { action: 'restart', summary: 'not yet' }),
  change: async (_step, _state, remote) => void (await remote.run('restart')),
};

/** Three hosts in memory that answer probes and take restarts; `lost` ones do not answer. */
function machines() {
  const log: string[] = [];
  const lost = new Set<string>();
  const done = new Set<string>();
  const ask = async (host: Host, script: string) => {
    if (lost.has(host.name)) throw new Error('the connection was lost');
    if (script === 'restart') {
      log.push(`restart ${host.name}`);
      done.add(host.name);
      return { code: 0, output: '' };
    }
    log.push(`look at ${host.name}`);
    const sections = [...script.matchAll(/^printf '\\n%s\\n' '([0-9a-f]+) (\S+) begin'$/gm)];
    const text = (name: string) =>
      name === 'facts' ? FACTS : name === 'kind:restarted' ? (done.has(host.name) ? 'yes' : 'no') : '';
    return {
      code: 0,
      output: sections
        .map(([, nonce, name]) => `\n${nonce} ${name} begin\n${text(name!)}\n${nonce} ${name} end\n`)
        .join(''),
    };
  };
  return { log, lost, ask };
}

/** A run over the lab's database hosts, one after another behind a gate that wants all of them there. */
async function run(between: (lost: Set<string>) => void) {
  const cluster = { ...labCluster(), stateDir: join(root, String(Math.random())) };
  const hosts = cluster.hosts.filter((host) => host.roles.has('patroni'));
  const { log, lost, ask } = machines();
  const session = {
    cluster,
    options: { forks: 3, emit: () => undefined, run: 'test', secrets: () => [] },
    ask,
    remote: (host: Host) => ({
      host,
      run: async (script: string) => (await ask(host, script)).output,
      doing: () => undefined,
    }),
  } as unknown as Session;
  const playbook: Playbook = [
    {
      name: 'restarts',
      hosts: () => hosts,
      steps: () => [step(restarted, 'patroni', 'service', null)],
      order: (busy) => busy.map((host) => [host]),
      gate: (_group, { snapshot }) =>
        snapshot.observations.size === hosts.length ? { ok: true } : { ok: false, reasons: ['somebody is not there'] },
    },
  ];
  const scope = { hosts, roles: new Set(ROLE_NAMES) };
  const probed = new Map(
    await Promise.all(
      hosts.map(
        async (host) => [host.name, await probe(session, host, playbook[0]!.steps(host, {} as never))] as const,
      ),
    ),
  );
  const context = await contextFor(cluster, new Map([...probed].map(([name, { observation }]) => [name, observation])));
  const plan = makePlan(playbook, context, scope, probed);
  log.length = 0;
  between(lost);
  const recorder = new Recorder(() => undefined, Journal.open(cluster, 'test'));
  const facts = new Map([...probed].map(([name, one]) => [name, one.facts]));
  const result = await new Apply(session, playbook, scope, context, facts, recorder, { level: 0 }, plan, probed).run();
  return { log, result };
}

test('a gate looks at all hosts before it lets anything be changed', async () => {
  const { log, result } = await run(() => undefined);
  assert.deepEqual(result.failed, []);
  assert.deepEqual(
    log.filter((line) => line.startsWith('restart')),
    ['restart db1', 'restart db2', 'restart db3'],
  );
  assert.deepEqual(
    new Set(log.slice(0, log.indexOf('restart db1'))),
    new Set(['look at db1', 'look at db2', 'look at db3']),
  );
});

test('a host that died while the plan was read keeps every other one from being restarted', async () => {
  const { log, result } = await run((lost) => lost.add('db2'));
  assert.deepEqual(
    log.filter((line) => line.startsWith('restart')),
    [],
  );
  assert.deepEqual(
    result.failed.map(({ host, step: at }) => `${host} ${at}`),
    ['db2 probe'],
  );
});
