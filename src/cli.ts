import { Command, CommanderError, Help } from 'commander';
import { showHelp } from './commands/help/show.ts';
import { helpEnd, optionText, TOPICS, wordsTo } from './commands/help/text.ts';
import { verbFirst } from './commands/option-words.ts';
import { backups } from './commands/register/backups.ts';
import { begin } from './commands/register/begin.ts';
import { change } from './commands/register/change.ts';
import { emergency } from './commands/register/emergency.ts';
import { lab } from './commands/register/lab.ts';
import { look } from './commands/register/look.ts';
import { isFolded } from './commands/register/options.ts';
import { secrets } from './commands/register/secrets.ts';
import { rephrase } from './commands/words-of-others.ts';
import { EXIT } from './errors.ts';
import { ownVersion } from './own-files.ts';
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

/** Whether the command line asks for a document, and how many there were before it. */
let wantsDocument = false;
let before = 0;

/** What was said of a mistake on the command line. */
let said: string | undefined;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether the words of a command line ask for JSON; commander has not read them where they are wrong. */
const asksForJson = (words: readonly string[]): boolean =>
  words.some(
    (word, index) =>
      /^(?:-ojson|--output=json)$/.test(word) || (/^(?:-o|--output)$/.test(word) && words[index + 1] === 'json'),
  );

/** Every command with its arguments and options. docs/commands.md and the shell completion are made from it. */
export const program = new Command('hapg')
  .description(
    'Turns plain Debian and Ubuntu hosts into a highly available PostgreSQL cluster over SSH, and keeps it healthy.',
  )
  .version(ownVersion())
  .enablePositionalOptions()
  .configureHelp({
    optionDescription: optionText,
    visibleOptions(command) {
      return Help.prototype.visibleOptions.call(this, command).filter((one) => !isFolded(one));
    },
  })
  .configureOutput({
    writeOut: (text) => screen.print(text.replace(/\n$/, '')),
    writeErr: (text) => screen.printMessage(text.replace(/\n$/, '')),
  })
  .exitOverride();

for (const register of [begin, look, change, backups, emergency, secrets, lab]) register(program, run);

program.helpCommand('help [command...]', `show the help of a command, or a topic: ${Object.keys(TOPICS).join(', ')}`);

/** Gives a command and those below it the end of their help, and the words about a mistake. */
function dress(command: Command): void {
  command.configureOutput({
    outputError: (text, write) => {
      said = rephrase(text, command);
      write(said);
    },
  });
  command.showHelpAfterError(`(see ${wordsTo(command)} --help)`);
  command.addHelpText('after', () => helpEnd(command));
  for (const one of command.commands) dress(one);
}
dress(program);

/** Runs a command line and returns the exit code. Output goes to this process's streams. */
export async function hapg(words: readonly string[]): Promise<number> {
  code = EXIT.done;
  wantsDocument = asksForJson(words);
  before = documentsPrinted();
  said = undefined;
  unregisterSecrets();
  try {
    const [first, second, ...rest] = words;
    if (first === '__complete')
      await run(async () =>
        (await import('./commands/completion/command.ts')).completeCommand(program, words.slice(1)),
      );
    else if (first === 'help') showHelp(program, words.slice(1));
    else if (second === 'help' && program.commands.some((one) => one.name() === first && one.commands.length > 0))
      showHelp(program, [first!, ...rest]);
    else await program.parseAsync(verbFirst(program, words), { from: 'user' });
  } catch (error) {
    // commander has reported it already, with the help where that was asked for.
    code = error instanceof CommanderError ? (error.exitCode === 0 ? EXIT.done : EXIT.usage) : reportError(error);
    if (wantsDocument && code !== EXIT.done) printErrorDocument(code, (said ?? messageOf(error)).trim());
  }
  return code;
}
