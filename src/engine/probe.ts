import { randomBytes } from 'node:crypto';
import { OBSERVE_S } from '../bounds/hosts.ts';
import { Interrupted, type KnownError, reasonOn, StepFailed } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
import { FACTS_SCRIPT, type Facts, parseFacts } from '../observe/host.ts';
import { type Observation, observeSections, readObservation, sharedAnswers } from '../observe/index.ts';
import type { About } from '../observe/question.ts';
import { LOCK_FD } from '../shell/frame.ts';
import { composeSections, splitSections } from '../shell/sections.ts';
import type { Step } from '../steps/step.ts';
import type { Session } from './session.ts';

/** The answers of one round trip to a host. */
export interface Probed {
  facts: Facts;
  observation: Observation;
  /** State by step id, of the steps that were asked for. */
  states: Map<string, unknown>;
  /** The output of the prelude. */
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

/** The sections of a host's probe: facts, observation, and each kind of step once. */
function probeSections(
  cluster: Cluster,
  host: Host,
  groups: ReadonlyMap<string, readonly Step[]>,
): Map<string, string> {
  const sections = new Map([['facts', FACTS_SCRIPT], ...observeSections(cluster, host)]);
  for (const [name, group] of groups) sections.set(`kind:${name}`, group[0]!.kind.probe(group));
  return sections;
}

/** A script that runs before a probe in the persistent shell itself (it takes the lock), and its bound (s). */
export interface Prelude {
  script: string;
  seconds: number;
}

const NO_PRELUDE: Prelude = { script: '', seconds: 0 };

/** The whole probe of one host. Pure except for the nonce that is given. */
export const probeScript = (cluster: Cluster, host: Host, steps: readonly Step[], nonce: string): string =>
  `${sharedAnswers(cluster, host)}\n${composeSections(probeSections(cluster, host, byKind(steps)), nonce)}`;

/** Asks one host for these sections in one round trip. Returns the output by section, and that of the prelude. */
async function ask(
  session: Session,
  host: Host,
  sections: ReadonlyMap<string, string>,
  { script: prelude, seconds }: Prelude = NO_PRELUDE,
  about?: readonly About[],
): Promise<{ answers: Map<string, string>; before: string }> {
  const nonce = randomBytes(12).toString('hex');
  // Only the prelude may change the persistent shell; everything else runs in a subshell.
  const questions = `${sharedAnswers(session.cluster, host, about)}\n${composeSections(sections, nonce)}`;
  // A process that hangs in a storage without an answer must not keep the host's lock.
  const script = prelude === '' ? questions : `${prelude}\n(\n${questions}\n) ${LOCK_FD}>&-`;
  const { output } = await session.ask(host, script, OBSERVE_S + seconds, prelude !== '');
  return {
    answers: splitSections(sections.keys(), output, nonce),
    before: output.slice(0, output.indexOf(nonce)),
  };
}

/**
 * Wraps an error of a probe as the host's failure. The message of a JSON parser is left out: it quotes its input, which
 * may hold a secret.
 */
const probeFailed = (host: Host, cause: unknown): KnownError =>
  cause instanceof Interrupted
    ? cause
    : new StepFailed(
        host.name,
        'probe',
        cause instanceof SyntaxError ? 'a part of the answer is not understood' : reasonOn(cause),
      );

/**
 * Reads the state of all steps of a host in one round trip. Throws StepFailed when the answer is cut short or not
 * understood, and Interrupted after the second Ctrl-C.
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
 * Observes a host, restricted to `about`; by default everything. Questions that were not asked are silent. Throws
 * StepFailed when the answer is cut short or not understood.
 */
export async function observe(session: Session, host: Host, about?: readonly About[]): Promise<Observation> {
  try {
    const { answers } = await ask(session, host, observeSections(session.cluster, host, about), NO_PRELUDE, about);
    return readObservation(answers, session.cluster, host, about);
  } catch (cause) {
    throw probeFailed(host, cause);
  }
}
