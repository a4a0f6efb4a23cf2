import { randomBytes } from 'node:crypto';
import { OBSERVE_S } from '../bounds/hosts.ts';
import { Interrupted, type KnownError, StepFailed } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { FACTS_SCRIPT, type Facts, parseFacts } from '../observe/host.ts';
import { type Observation, observeSections, readObservation, sharedAnswers } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import { LOCK_FD } from '../shell/frame.ts';
import { composeSections, splitSections } from '../shell/sections.ts';
import type { Step } from '../steps/step.ts';
import type { Session } from './session.ts';

/** What one round trip to a host has brought. */
export interface Probed {
  facts: Facts;
  observation: Observation;
  /** State by step id, of the steps that were asked for. */
  states: Map<string, unknown>;
  /** What the prelude printed. */
  prelude: string;
}

function byKind(steps: readonly Step[]): Map<string, Step[]> {
  const groups = new Map<string, Step[]>();
  for (const one of steps) {
    if (one.notApplicable !== undefined) continue;
    const group = groups.get(one.kind.name);
    if (group) group.push(one);
    else groups.set(one.kind.name, [one]);
  }
  return groups;
}

/** Sections of what is asked about a host with these steps: facts, observation, and every kind of step once. */
function probeSections(
  cluster: Cluster,
  host: Host,
  groups: ReadonlyMap<string, readonly Step[]>,
): Map<string, string> {
  const sections = new Map([['facts', FACTS_SCRIPT], ...observeSections(cluster, host)]);
  for (const [name, group] of groups) sections.set(`kind:${name}`, group[0]!.kind.probe(group));
  return sections;
}

/** What runs before a probe, in the persistent shell itself (taking the lock), and how long that may take (s). */
export interface Prelude {
  script: string;
  seconds: number;
}

const NO_PRELUDE: Prelude = { script: '', seconds: 0 };

/** The whole question to one host. Pure but for the nonce that is given. */
export const probeScript = (cluster: Cluster, host: Host, steps: readonly Step[], nonce: string): string =>
  `${sharedAnswers(cluster, host)}\n${composeSections(probeSections(cluster, host, byKind(steps)), nonce)}`;

/** Asks one host for these sections in one round trip; output by section, and what the prelude printed. */
async function ask(
  session: Session,
  host: Host,
  sections: ReadonlyMap<string, string>,
  { script: prelude, seconds }: Prelude = NO_PRELUDE,
): Promise<{ answers: Map<string, string>; before: string }> {
  const nonce = randomBytes(12).toString('hex');
  // Only the prelude may leave something behind in the persistent shell; without one it is all in a subshell of its own.
  const questions = `${sharedAnswers(session.cluster, host)}\n${composeSections(sections, nonce)}`;
  // What hangs in a storage that does not answer must not keep the host's lock.
  const script = prelude === '' ? questions : `${prelude}\n(\n${questions}\n) ${LOCK_FD}>&-`;
  const { output } = await session.ask(host, script, OBSERVE_S + seconds, prelude !== '');
  return {
    answers: splitSections(sections.keys(), output, nonce),
    before: output.slice(0, output.indexOf(nonce)),
  };
}

/** An error of a probe, as the host's failure. A parser of JSON quotes what it does not understand, which may be a piece of a secret. */
const probeFailed = (host: Host, cause: unknown): KnownError =>
  cause instanceof Interrupted
    ? cause
    : new StepFailed(
        host.name,
        'probe',
        cause instanceof SyntaxError ? 'a part of the answer is not understood' : (cause as Error).message,
      );

/**
 * Reads the state of all steps of a host in one round trip. Throws StepFailed when the answer is cut short or not
 * understood, and Interrupted where nobody waits for it any more.
 */
export async function probe(
  session: Session,
  host: Host,
  steps: readonly Step[],
  prelude: Prelude = NO_PRELUDE,
): Promise<Probed> {
  const groups = byKind(steps);
  try {
    const { answers, before } = await ask(session, host, probeSections(session.cluster, host, groups), prelude);
    const states = new Map<string, unknown>();
    for (const [name, group] of groups)
      for (const [id, state] of group[0]!.kind.parse(answers.get(`kind:${name}`)!, group)) states.set(id, state);
    return {
      facts: parseFacts(answers.get('facts')!),
      observation: readObservation(answers, session.cluster, host),
      states,
      prelude: before,
    };
  } catch (cause) {
    throw probeFailed(host, cause);
  }
}

/**
 * Looks at a host without a wish to change it, asking for no more than a look is about; by default for everything. What
 * was not asked is silent. Throws StepFailed when the answer is cut short or not understood.
 */
export async function observe(session: Session, host: Host, about?: readonly About[]): Promise<Observation> {
  try {
    const { answers } = await ask(session, host, observeSections(session.cluster, host, about));
    return readObservation(answers, session.cluster, host, about);
  } catch (cause) {
    throw probeFailed(host, cause);
  }
}
