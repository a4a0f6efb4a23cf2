import { createHash } from 'node:crypto';
import type { Host } from '../inventory/model.ts';
import type { Context, Playbook, Stage } from '../playbook.ts';
import type { RoleName } from '../roles.ts';
import type { Action, Difference, Handler, Step } from '../steps/step.ts';

/** One planned change. */
export interface Change {
  host: string;
  stage: string;
  /** The step's id, or `reload UNIT` / `restart UNIT` for a handler. */
  step: string;
  role: RoleName;
  action: Action;
  summary: string;
  before?: string | undefined;
  after?: string | undefined;
  knownAfterApply: boolean;
  /** What is lost with its data; only where there is something. */
  loses?: readonly string[];
}

export interface HostCount {
  ok: number;
  changed: number;
  failed: number;
  unreachable: boolean;
  skipped: number;
}

export interface Plan {
  changes: Change[];
  skipped: { host: string; step: string; because: string }[];
  /** What exists beside the model and is left alone. */
  notes: { host: string; text: string }[];
  /** Why nothing may be changed at all: what exists belongs to somebody else. */
  refusals: { host: string; text: string }[];
  hosts: Record<string, HostCount>;
  /** Units that are stopped and will be started, by host. */
  starting: Map<string, Set<string>>;
  /** Digest that identifies the plan; a saved plan is refused when the digest of the present one differs. */
  digest: string;
}

/** The part of a playbook that `--limit`, `--tags` and `--skip-tags` select. */
export interface Scope {
  hosts: readonly Host[];
  roles: ReadonlySet<RoleName>;
}

/** The steps of one stage on one host that are in scope. */
export function stepsOf(stage: Stage, host: Host, context: Context, scope: Scope): Step[] {
  if (!scope.hosts.includes(host) || !stage.hosts(context).includes(host)) return [];
  return stage.steps(host, context).filter((one) => scope.roles.has(one.role));
}

/** All steps of a host, stage by stage. Throws when two have the same id: one would undo the other. */
export function allSteps(
  playbook: Playbook,
  host: Host,
  context: Context,
  scope: Scope,
): { stage: Stage; steps: Step[] }[] {
  const stages = playbook.map((stage) => ({ stage, steps: stepsOf(stage, host, context, scope) }));
  const seen = new Set<string>();
  for (const one of stages.flatMap(({ steps }) => steps)) {
    if (seen.has(one.id)) throw new Error(`two steps on ${host.name} are both "${one.id}"`);
    seen.add(one.id);
  }
  return stages;
}

export interface StepDifference {
  step: Step;
  state: unknown;
  difference: Difference;
}

/** The steps that are not as wanted, with their differences, in order. */
export function differences(steps: readonly Step[], states: ReadonlyMap<string, unknown>): StepDifference[] {
  return steps.flatMap((one) => {
    if (one.notApplicable !== undefined) return [];
    const state = states.get(one.id);
    const difference = one.kind.diff(one, state);
    return difference ? [{ step: one, state, difference }] : [];
  });
}

export const handlerId = ({ action, unit }: Handler): string => `${action} ${unit}`;

/** The file name of a due handler's mark on the host: `reload:haproxy.service`. */
const markOf = ({ action, unit }: Handler): string => `${action}:${unit}`;

export interface DueHandler extends Handler {
  role: RoleName;
}

/** Units that are stopped and that this run will start. */
export const startingUnits = (changed: readonly StepDifference[]): Set<string> =>
  new Set(
    changed
      .filter(({ step, difference }) => step.kind.name === 'unit' && difference.action === 'create')
      .map(({ step }) => step.id.replace(/^unit /, '')),
  );

/**
 * The handlers of a stage that are due: a change notifies them, or an interrupted run left them pending. A unit that
 * this run starts anyway (in this stage or a later one) needs none. A restart covers a reload.
 */
export function dueHandlers(
  steps: readonly Step[],
  changed: readonly StepDifference[],
  pending: readonly string[],
  starting: ReadonlySet<string>,
): DueHandler[] {
  const due = new Map<string, DueHandler>();
  for (const one of steps)
    for (const handler of one.notify) {
      const called = changed.some(({ step }) => step.id === one.id) || pending.includes(markOf(handler));
      if (called && !starting.has(handler.unit)) due.set(handlerId(handler), { ...handler, role: one.role });
    }
  return [...due.values()].filter(
    ({ action, unit }) => action === 'restart' || !due.has(handlerId({ action: 'restart', unit })),
  );
}

/** Marks of all handlers that these steps can notify; they are removed at the end of the stage. */
export const marksOf = (steps: readonly Step[]): string[] => [
  ...new Set(steps.flatMap((one) => one.notify.map(markOf))),
];

/** Makes the plan: the difference between wanted and probed state, over all stages and hosts. Pure. */
export function makePlan(
  playbook: Playbook,
  context: Context,
  scope: Scope,
  probed: ReadonlyMap<string, { states: ReadonlyMap<string, unknown>; observation: { pending: string[] } }>,
): Plan {
  const changes: Change[] = [];
  const skipped: Plan['skipped'] = [];
  const notes: Plan['notes'] = [];
  const refusals: Plan['refusals'] = [];
  const hosts: Plan['hosts'] = {};
  const perHost = new Map(scope.hosts.map((host) => [host, allSteps(playbook, host, context, scope)]));
  const statesOf = (host: Host) => probed.get(host.name)?.states ?? new Map<string, unknown>();
  const starting = new Map(
    [...perHost].map(([host, stages]) => [
      host,
      startingUnits(
        differences(
          stages.flatMap(({ steps }) => steps),
          statesOf(host),
        ),
      ),
    ]),
  );
  for (const [index, stage] of playbook.entries())
    for (const host of scope.hosts) {
      const steps = perHost.get(host)?.[index]?.steps ?? [];
      const changed = differences(steps, statesOf(host));
      const count = (hosts[host.name] ??= { ok: 0, changed: 0, failed: 0, unreachable: false, skipped: 0 });
      for (const one of steps)
        if (one.notApplicable !== undefined)
          skipped.push({ host: host.name, step: one.id, because: one.notApplicable });
      count.skipped += steps.filter((one) => one.notApplicable !== undefined).length;
      count.ok += steps.filter((one) => one.notApplicable === undefined).length - changed.length;
      for (const one of steps)
        if (one.kind.notes && statesOf(host).has(one.id))
          for (const text of one.kind.notes(one, statesOf(host).get(one.id))) notes.push({ host: host.name, text });
      for (const one of steps) {
        if (!one.kind.refuse || one.notApplicable !== undefined || !statesOf(host).has(one.id)) continue;
        const text = one.kind.refuse(one, statesOf(host).get(one.id));
        if (text) refusals.push({ host: host.name, text });
      }
      for (const { step } of changed) if (step.note) notes.push({ host: host.name, text: step.note });
      const base = { host: host.name, stage: stage.name };
      for (const { step, difference } of changed)
        changes.push({
          ...base,
          step: step.id,
          role: step.role,
          ...difference,
          knownAfterApply: difference.knownAfterApply ?? false,
        });
      for (const handler of dueHandlers(
        steps,
        changed,
        probed.get(host.name)?.observation.pending ?? [],
        starting.get(host)!,
      ))
        changes.push({
          ...base,
          step: handlerId(handler),
          role: handler.role,
          action: handler.action,
          summary: consequence(handler, host, context),
          knownAfterApply: false,
        });
      count.changed = changes.filter((change) => change.host === host.name).length;
    }
  const digest = createHash('sha256').update(JSON.stringify(changes)).digest('hex');
  return {
    changes,
    skipped,
    notes,
    refusals,
    hosts,
    starting: new Map([...starting].map(([host, units]) => [host.name, units])),
    digest,
  };
}

/** Describes what a reload or restart means for the cluster, for the operator who has to confirm it. */
function consequence({ unit, action }: Handler, host: Host, { snapshot }: Context): string {
  const member = snapshot.members.find((one) => one.name === host.name);
  if (/^patroni/.test(unit) && action === 'reload')
    return `configuration is read again; PostgreSQL keeps running${member ? ` (${host.name} is ${member.role})` : ''}`;
  if (/^(etcd|zookeeper)/.test(unit) && snapshot.dcs.members.length > 0)
    return `one member at a time, quorum is kept${snapshot.dcs.members.find((one) => one.name === host.name)?.leader ? '; it leads there' : ''}`;
  if (/^haproxy/.test(unit) && action === 'reload') return 'connections are kept';
  if (/^keepalived/.test(unit))
    return snapshot.vipHolders.includes(host.name) ? 'it holds the VIP, which may move' : 'it does not hold the VIP';
  return action === 'reload' ? 'configuration is read again' : 'the service is away for a moment';
}
