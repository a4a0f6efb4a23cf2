import type { RunEvent } from '../engine/events.ts';
import type { Interrupt } from '../engine/interrupt.ts';
import { Interrupted, type KnownError, Refused, UsageError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { scrubbed } from '../secrets/outlet.ts';
import { screen } from '../view/screen.ts';
import type { CommonOptions } from './options.ts';

/** Prints a result on standard output. */
export const print = (text: string): void => screen.print(text);

/** Prints a message on standard error. */
export const printMessage = (text: string): void => screen.printMessage(text);

/** Writes the one JSON document of a command, without the secrets of the run. */
export function printJson(value: unknown): void {
  documents++;
  screen.print(JSON.stringify(scrubbed(value)));
}

/** The number of documents that this process has printed. */
let documents = 0;
export const documentsPrinted = (): number => documents;

/** The present run: its interrupt, and whether it has changed anything. */
const run: { interrupt: Interrupt | undefined; changed: boolean } = { interrupt: undefined, changed: false };

/** Makes an interrupt that of the present run, for the questions that follow. */
export function askDuring(interrupt: Interrupt): void {
  run.interrupt = interrupt;
}

/** Notes whether the run has changed anything, for the message when it stops at a question. */
export function noteEvent(event: RunEvent): void {
  if (event.type === 'changed') run.changed = true;
}

/** The end of a run whose question was not answered with yes. */
export const notConfirmed = (): Refused =>
  new Refused(
    run.changed ? 'not confirmed; run again to continue' : 'not confirmed; nothing was changed',
    'not_confirmed',
  );

const interrupted = (): Interrupted =>
  new Interrupted(run.changed ? 'interrupted; run again to continue' : 'interrupted; nothing was changed');

/**
 * The error that is reported at the end of a run. After the second Ctrl-C that is always Interrupted, whatever failed
 * because the connections were closed. A wait that was interrupted does not know what was done before it.
 */
export const endOf = (error: KnownError): KnownError =>
  run.interrupt?.hard.aborted || (error instanceof Interrupted && error.message === new Interrupted().message)
    ? interrupted()
    : error;

/**
 * Asks unless the run was interrupted before. Rejects with Interrupted, whose message says whether anything was
 * changed.
 */
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

/** Asks for a line; an empty answer means `fallback`. */
export async function askLine(question: string, fallback = ''): Promise<string> {
  const answer = await answerOf(() => screen.ask(`${question}${fallback ? ` [${fallback}]` : ''}: `));
  return answer.trim() || fallback;
}

/** What the operator is asked to confirm. */
export interface About extends Pick<CommonOptions, 'yes' | 'output'> {
  /** Text that is shown before the question; empty: nothing. */
  explain?: string;
}

/** Shows what is about to happen: with the question where one is asked, else as a part of the result. */
function explain({ explain: text, output }: About, asked: boolean): void {
  if (!text) return;
  if (asked) screen.explain(text);
  else if (output !== 'json') print(text);
}

/** Throws UsageError where a question is needed and there is no terminal. */
export function needsAnswer(what: string, options: Pick<CommonOptions, 'yes'>): void {
  if (!options.yes && !screen.canAsk)
    throw new UsageError(`${what} are confirmed on a terminal; without one, --yes is needed`);
}

/** Asks for confirmation; without a terminal --yes is needed. */
export async function confirm(question: string, about: About): Promise<boolean> {
  stopIfInterrupted();
  needsAnswer('Changes', about);
  explain(about, !about.yes);
  if (about.yes) return true;
  return /^y(es)?$/i.test((await answerOf(() => screen.ask(`${question} [y/N] `))).trim());
}

/** Asks the operator to type a name; without a terminal it comes with `--yes --confirm NAME`. */
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
