import { type Command, Help, type Option } from 'commander';
import { EXIT } from '../../errors.ts';
import { isFolded, withCommonOptions } from '../register/options.ts';
import { EXAMPLES } from './examples.ts';
import { ENVIRONMENT, EXIT_CODES } from './topics.ts';

/** The words of a command line up to this command: `hapg secrets show`. */
export const wordsTo = (command: Command): string =>
  command.parent ? `${wordsTo(command.parent)} ${command.name()}` : command.name();

/** The commands in the groups of the help, by the name of each. */
export function groupsOf(program: Command): Map<string, Command[]> {
  const groups = new Map<string, Command[]>();
  for (const command of program.commands) {
    const name = (command.helpGroup() || 'Commands:').replace(/:$/, '');
    groups.set(name, [...(groups.get(name) ?? []), command]);
  }
  return groups;
}

/** A command line with a command's arguments, as it is typed. */
export const usageOf = (command: Command): string =>
  [
    wordsTo(command),
    ...command.registeredArguments.map((one) => {
      const name = `${one.name()}${one.variadic ? '...' : ''}`;
      return one.required ? `<${name}>` : `[${name}]`;
    }),
  ].join(' ');

/** The examples of a command; empty where it has none. */
export const examplesOf = (command: Command): readonly string[] =>
  EXAMPLES[wordsTo(command).split(' ').slice(1).join(' ')] ?? [];

/** What stands at the end of a command's help: the flags of its common options, and its examples. */
export function helpEnd(command: Command): string {
  const folded = command.options.filter(isFolded).map(({ short, long }) => short ?? long);
  const examples = examplesOf(command);
  return [
    ...(folded.length > 0 ? ['', `Common options: ${folded.join(' ')}`, '("hapg help options" describes them)'] : []),
    ...(examples.length > 0 ? ['', 'Examples:', ...examples.map((line) => `  ${line}`)] : []),
  ].join('\n');
}

/** An option's text in the help, with its default unless that is "off" or "none". */
export function optionText({ description, defaultValue }: Option): string {
  const off = defaultValue === undefined || typeof defaultValue === 'boolean' || defaultValue === 0;
  const none = Array.isArray(defaultValue) && defaultValue.length === 0;
  return off || none ? description : `${description} (default: ${String(defaultValue)})`;
}

/** A text with quotes where Markdown has backquotes. */
const quoted = (text: string): string => text.replaceAll(/`(.*?)`/g, '"$1"');

/** Names with their texts, as commander writes options. */
function list(rows: readonly (readonly [string, string])[]): string {
  const helper = new Help();
  helper.prepareContext({ helpWidth: process.stdout.columns || 80 });
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => helper.formatItem(name, width, quoted(text), helper)).join('\n');
}

/** The topics of the help that are no commands, with their texts. */
export const TOPICS: Readonly<Record<string, { about: string; text: (empty: Command) => string }>> = {
  options: {
    about: 'the options that most commands share',
    text: (empty) =>
      `Common options:\n${list(withCommonOptions(empty).options.map((one) => [one.flags, optionText(one)]))}`,
  },
  'exit-codes': {
    about: 'what the exit codes mean',
    text: () =>
      `Exit codes:\n${list(
        Object.entries(EXIT).map(([name, code]) => [String(code), EXIT_CODES[name as keyof typeof EXIT].meaning]),
      )}`,
  },
  environment: {
    about: 'the environment variables that hapg reads',
    text: () => `Environment:\n${list(ENVIRONMENT.map(({ names, meaning }) => [names.join(', '), meaning]))}`,
  },
};
