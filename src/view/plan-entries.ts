import type { Change } from '../engine/change.ts';
import { PATHS } from '../paths.ts';
import { diffLines } from './diff.ts';

/** Equal changes of one stage on one host or several. */
export interface Entry {
  hosts: string[];
  action: Change['action'];
  /** The step, without the name of its host. */
  step: string;
  summary: string;
  knownAfterApply: boolean;
  before: string | undefined;
  after: string | undefined;
}

export interface StageEntries {
  stage: string;
  entries: Entry[];
}

const BOOKKEEPING = [
  /^data-marker /,
  ...[PATHS.etc, PATHS.identity, PATHS.state, PATHS.log].map((path) => new RegExp(`^(?:file|directory) ${path}$`)),
];

/** Whether a change is of a file in which hapg notes something for itself, and which no service reads. */
export const isBookkeeping = ({ step }: Change): boolean => BOOKKEEPING.some((form) => form.test(step));

/** A step without the name of its member: the members' restarts are one entry. */
const label = ({ step, host }: Change): string =>
  step === `restart-pending ${host}` ? step.slice(0, -host.length - 1) : step;

/** What makes two changes look the same: files of several hosts may differ where the diff does not. */
const looks = (change: Change): string => {
  const { action, summary, knownAfterApply, before, after } = change;
  const diff = before !== undefined && after !== undefined ? diffLines(before, after).join('\n') : '';
  return JSON.stringify([label(change), action, summary, knownAfterApply, diff]);
};

/**
 * Groups changes by stage and, in it, equal ones over hosts; each stands where its first host's stands. `each`: one
 * entry a host.
 */
export function entriesOf(changes: readonly Change[], { each }: { each: boolean }): StageEntries[] {
  const stages = new Map<string, Map<string, Entry>>();
  for (const [index, change] of changes.entries()) {
    const { stage, host, action, summary, knownAfterApply, before, after } = change;
    const entries = stages.get(stage) ?? new Map<string, Entry>();
    stages.set(stage, entries);
    const key = each ? String(index) : looks(change);
    const entry = entries.get(key);
    if (entry) entry.hosts.push(host);
    else entries.set(key, { hosts: [host], action, step: label(change), summary, knownAfterApply, before, after });
  }
  return [...stages].map(([stage, entries]) => ({ stage, entries: [...entries.values()] }));
}

/** Above this number of hosts not all of them are named. */
const NAMED = 8;

/** Names hosts; `all`: every host of the plan. */
export function who(hosts: readonly string[], all: readonly string[]): string {
  if (hosts.length > 3 && hosts.length === all.length) return `all ${all.length} hosts`;
  return hosts.length > NAMED
    ? `${hosts.slice(0, NAMED).join(', ')} and ${hosts.length - NAMED} more`
    : hosts.join(', ');
}

const ACTIONS = ['create', 'update', 'remove', 'reload', 'restart', 'run'] as const;

/** Counts changes: `27 changes: 3 create, 24 update`. */
export function countsOf(changes: readonly Change[]): string {
  const counts = ACTIONS.flatMap((action) => {
    const count = changes.filter((change) => change.action === action).length;
    return count > 0 ? [`${count} ${action}`] : [];
  });
  return `${changes.length} change${changes.length === 1 ? '' : 's'}: ${counts.join(', ')}`;
}
