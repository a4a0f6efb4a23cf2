import type { RunEvent } from '../engine/events.ts';
import type { Interrupt } from '../engine/interrupt.ts';
import { Interrupted, type KnownError, Refused, UsageError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { scrubbed } from '../secrets/outlet.ts';
import { screen } from '../view/screen.ts';
import type { CommonOptions } from './options.ts';

/** A result for the person or the script that called: standard output. */
export const print = (text: string): void => screen.print(text);

/** A message beside the result: standard error. */
export const printMessage = (text: string): void => screen.printMessage(text);

/** Writes the one JSON document of a command, without the secrets of the run. */
export const printJson = (value: unknown): void => screen.print(JSON.stringify(scrubbed(value)));

/** The run that questions are part of: whether it was stopped, and whether it has changed something yet. */
const run: { interrupt: Interrupt | undefined; changed: boolean } = { interrupt: undefined, changed: false };

/** Questions from now on are part of this run. */
export function askDuring(interrupt: Interrupt): void {
  run.interrupt = interrupt;
}

/** Takes note of what a run does, for whoever stops at a question. */
export function noteEvent(event: RunEvent): void {
  if (event.type === 'changed') run.changed = true;
}

/** The end of a run at a question to which the answer was not yes. */
export const notConfirmed = (): Refused =>
  new Refused(run.changed ? 'not confirmed; run again to go on' : 'not confirmed; nothing was changed');

const interrupted = (): Interrupted =>
  new Interrupted(run.changed ? 'interrupted; run again to go on' : 'interrupted; nothing was changed');

/**
 * The end of a run as the person is told it. A run whose connections the person has closed has no other end than that,
 * whatever failed for want of them; and a wait that the person has ended does not know what had been done before.
 */
export const endOf = (error: KnownError): KnownError =>
  run.interrupt?.hard.aborted || (error instanceof Interrupted && error.message === new Interrupted().message)
    ? interrupted()
    : error;

/** Asks, unless the person has stopped the run before. Rejects with Interrupted, saying what has become of the hosts. */
async function answerOf(ask: () => Promise<string>): Promise<string> {
  stopIfInterrupted();
  try {
    return await ask();
  } catch (cause) {
    throw cause instanceof Interrupted ? interrupted() : cause;
  }
}

function stopIfInterrupted(): void {
  if (run.interrupt?.soft.aborted) throw interrupted();
}

/** Asks without echo. Throws UsageError without a terminal. */
export async function askSecret(question: string): Promise<Secret> {
  if (!screen.canAsk) throw new UsageError(`${question} needs a terminal`);
  return new Secret(await answerOf(() => screen.askHidden(`${question}: `)));
}

/** Asks for a line; empty is the answer `fallback`. */
export async function askLine(question: string, fallback = ''): Promise<string> {
  const answer = await answerOf(() => screen.ask(`${question}${fallback ? ` [${fallback}]` : ''}: `));
  return answer.trim() || fallback;
}

/** What a person is asked to agree to. */
export interface About extends Pick<CommonOptions, 'yes' | 'output'> {
  /** To be read before the answer; empty: nothing. */
  explain?: string;
}

/** Shows what is about to happen: where the question about it is asked, or without one as a part of the result. */
function explain({ explain: text, output }: About, asked: boolean): void {
  if (!text) return;
  if (asked) screen.explain(text);
  else if (output !== 'json') print(text);
}

/** Throws UsageError where a person would have to be asked and there is none. */
export function needsAnswer(what: string, options: Pick<CommonOptions, 'yes'>): void {
  if (!options.yes && !screen.canAsk)
    throw new UsageError(`${what} are confirmed on a terminal; without one, --yes is needed`);
}

/** Asks the person; without a terminal --yes is needed. */
export async function confirm(question: string, about: About): Promise<boolean> {
  stopIfInterrupted();
  needsAnswer('Changes', about);
  explain(about, !about.yes);
  if (about.yes) return true;
  return /^y(es)?$/i.test((await answerOf(() => screen.ask(`${question} [y/N] `))).trim());
}

/** Has a name typed; without a terminal it comes with `--yes --confirm NAME`. */
export async function confirmTyped(
  question: string,
  name: string,
  about: About & { typed?: string | undefined },
): Promise<boolean> {
  stopIfInterrupted();
  const { typed } = about;
  if (typed === undefined && !screen.canAsk)
    throw new UsageError(`this cannot be taken back: --yes --confirm ${name} is needed`);
  explain(about, typed === undefined);
  return (typed ?? (await answerOf(() => screen.ask(`${question} Type its name: `))).trim()) === name;
}
