import { randomBytes } from 'node:crypto';
import { FACTS_SCRIPT, type Facts, parseFacts } from '../cluster/facts.ts';
import { type Observation, observeScript, sharedAnswers } from '../cluster/observe.ts';
import { parseObservation } from '../cluster/parse-observation.ts';
import { Interrupted, StepFailed } from '../errors.ts';
import type { Cluster, Host } from '../inventory/model.ts';
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

/** Seconds for a probe itself; what its prelude waits for comes on top. */
const PROBE_TIMEOUT_S = 60;

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

/** The whole question to one host: facts, observation, and every kind of step once. Pure but for the nonce that is given. */
export function probeScript(cluster: Cluster, host: Host, steps: readonly Step[], nonce: string): string {
  const sections = new Map([
    ['facts', FACTS_SCRIPT],
    ['observation', observeScript(cluster, host)],
  ]);
  for (const [name, group] of byKind(steps)) sections.set(`kind:${name}`, group[0]!.kind.probe(group));
  return `${sharedAnswers(cluster, host)}\n${composeSections(sections, nonce)}`;
}

/** What runs before a probe, in the persistent shell itself (taking the lock), and how long that may take (s). */
export interface Prelude {
  script: string;
  seconds: number;
}

const NO_PRELUDE: Prelude = { script: '', seconds: 0 };

/**
 * Reads the state of all steps of a host in one round trip. Throws StepFailed when the answer is cut short or not
 * understood, and Interrupted where nobody waits for it any more.
 */
export async function probe(
  session: Session,
  host: Host,
  steps: readonly Step[],
  { script: prelude, seconds }: Prelude = NO_PRELUDE,
): Promise<Probed> {
  const nonce = randomBytes(12).toString('hex');
  const groups = byKind(steps);
  try {
    // Only the prelude may leave something behind in the persistent shell; variables of a probe must not outlive it.
    const script = `${prelude}\n(\n${probeScript(session.cluster, host, steps, nonce)}\n)`;
    const { output } = await session.ask(host, script, PROBE_TIMEOUT_S + seconds, prelude !== '');
    const answers = splitSections(
      ['facts', 'observation', ...[...groups.keys()].map((name) => `kind:${name}`)],
      output,
      nonce,
    );
    const states = new Map<string, unknown>();
    for (const [name, group] of groups)
      for (const [id, state] of group[0]!.kind.parse(answers.get(`kind:${name}`)!, group)) states.set(id, state);
    return {
      facts: parseFacts(answers.get('facts')!),
      observation: parseObservation(answers.get('observation')!, session.cluster),
      states,
      prelude: output.slice(0, output.indexOf(nonce)),
    };
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    // A parser of JSON quotes what it does not understand, which may be a piece of a secret.
    const reason = cause instanceof SyntaxError ? 'a part of the answer is not understood' : (cause as Error).message;
    throw new StepFailed(host.name, 'probe', reason);
  }
}
