import { Command } from 'commander';
import { print } from '../../run/ask.ts';
import { TOPICS } from './text.ts';

/** `hapg help [COMMAND... | TOPIC]`. An unknown word ends as any mistake on the command line does. */
export function showHelp(program: Command, words: readonly string[]): void {
  const names = words.filter((word) => !word.startsWith('-'));
  const topic = names.length === 1 ? Object.entries(TOPICS).find(([name]) => name === names[0])?.[1] : undefined;
  if (topic) {
    print(topic.text(new Command()));
    return;
  }
  let command = program;
  for (const name of names) {
    const next = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
    // "help" itself is none of the commands.
    if (!next && name === 'help') break;
    if (!next) return void command.error(`error: unknown command '${name}'`, { code: 'commander.unknownCommand' });
    command = next;
  }
  command.outputHelp();
}
