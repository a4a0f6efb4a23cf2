import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { examples, optionText } from './commands/help.ts';
import { backups } from './commands/register/backups.ts';
import { begin } from './commands/register/begin.ts';
import { change } from './commands/register/change.ts';
import { emergency } from './commands/register/emergency.ts';
import { lab } from './commands/register/lab.ts';
import { look } from './commands/register/look.ts';
import { secrets } from './commands/register/secrets.ts';
import { rephrase } from './commands/words-of-others.ts';
import { EXIT } from './errors.ts';
import { packageRoot } from './package-root.ts';
import { documentsPrinted } from './run/ask.ts';
import { printErrorDocument, reportError } from './run/outcome.ts';
import { unregisterSecrets } from './secrets/outlet.ts';
import { screen } from './view/screen.ts';

/** The exit code of the command that ran last. */
let code: number = EXIT.done;

/** Runs a command and keeps its exit code. An error is reported as one short message, a bug with its stack. */
async function run(work: () => Promise<number>): Promise<void> {
  try {
    code = await work();
    await screen.end();
  } catch (error) {
    await screen.end();
    code = reportError(error);
    if (wantsDocument && documentsPrinted() === before) printErrorDocument(code, messageOf(error), error);
  }
}

/** Whether there is a command of this name. */
const knows = (name: string): boolean =>
  ['help', ...program.commands.flatMap((one) => [one.name(), ...one.aliases()])].includes(name);

/** Whether the command line asks for a document, and how many there were before it. */
let wantsDocument = false;
let before = 0;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether the words of a command line ask for JSON; commander has not read them where they are wrong. */
const asksForJson = (words: readonly string[]): boolean =>
  words.some(
    (word, index) =>
      /^(?:-ojson|--output=json)$/.test(word) || (/^(?:-o|--output)$/.test(word) && words[index + 1] === 'json'),
  );

const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

/** Every command with its arguments and options. docs/commands.md and the shell completion are made from it. */
export const program = new Command('hapg')
  .description(
    'Turns plain Debian and Ubuntu hosts into a highly available PostgreSQL cluster over SSH, and keeps it healthy.',
  )
  .version(version)
  .enablePositionalOptions()
  .configureHelp({ optionDescription: optionText })
  .configureOutput({
    writeOut: (text) => screen.print(text.replace(/\n$/, '')),
    writeErr: (text) => screen.printMessage(text.replace(/\n$/, '')),
    outputError: (text, write) => write(rephrase(text, program)),
  })
  .exitOverride();

for (const register of [begin, look, change, backups, emergency, secrets, lab]) register(program, run);

program.helpCommand('help [command]', 'show the help of a command');

program.showHelpAfterError('(see hapg --help)');
for (const one of program.commands) {
  one.showHelpAfterError(`(see hapg ${one.name()} --help)`);
  const text = examples(one.name());
  if (text) one.addHelpText('after', text);
}

/** Runs a command line and returns the exit code. Output goes to this process's streams. */
export async function hapg(words: readonly string[]): Promise<number> {
  code = EXIT.done;
  wantsDocument = asksForJson(words);
  before = documentsPrinted();
  unregisterSecrets();
  try {
    // commander shows the help of the program for a command that it does not know.
    const [first, asked] = words;
    if (first === 'help' && asked !== undefined && !knows(asked)) program.error(`error: unknown command '${asked}'`);
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    // commander has reported it already, with the help where that was asked for.
    code = error instanceof CommanderError ? (error.exitCode === 0 ? EXIT.done : EXIT.usage) : reportError(error);
    if (wantsDocument && code !== EXIT.done) printErrorDocument(code, rephrase(messageOf(error), program).trim());
  }
  return code;
}
