import type { Argument, Command, Option } from 'commander';
import { optionIn, wantsNext } from '../option-words.ts';

/** What may stand at the cursor of a command line. */
export interface Position {
  /** The innermost command that the words before the cursor name. */
  command: Command;
  /** The options before the cursor, with their values. */
  given: ReadonlyMap<Option, readonly string[]>;
  /** The arguments before the cursor. */
  operands: readonly string[];
  /** A value of an option, flags, an argument or a command; nothing where the words are those of another program. */
  at:
    | { kind: 'value'; option: Option; before: string; word: string }
    | { kind: 'flag'; word: string }
    | { kind: 'word'; word: string; argument: Argument | undefined; commands: readonly Command[] }
    | { kind: 'nothing' };
}

/** The options that are understood after a command's name: also those of its verbs, which may come later. */
const optionsOf = (command: Command): readonly Option[] =>
  command.parent ? [command, ...command.commands].flatMap((one) => one.options) : command.options;

const isFlag = (word: string): boolean => word.startsWith('-') && word !== '-';

/** Reads the words of a command line after the program's name; the last one ends at the cursor, and may be empty. */
export function positionOf(program: Command, words: readonly string[]): Position {
  let command = program;
  const given = new Map<Option, string[]>();
  const operands: string[] = [];
  const add = (option: Option, values: string[]) => given.set(option, [...(given.get(option) ?? []), ...values]);
  const end = (at: Position['at']): Position => ({ command, given, operands, at });
  const word = words.at(-1) ?? '';
  const last = words.length - 1;
  for (let at = 0; at < last; at++) {
    const one = words[at]!;
    if (one === '--') return end({ kind: 'nothing' });
    const found = isFlag(one) ? optionIn(optionsOf(command), one) : undefined;
    if (found && wantsNext(found)) {
      at += 1;
      if (at >= last) return end({ kind: 'value', option: found.option, before: '', word });
      add(found.option, [words[at]!]);
    } else if (found) add(found.option, found.value === undefined ? [] : [found.value]);
    if (isFlag(one)) continue;
    const next = operands.length === 0 ? command.commands.find((sub) => sub.name() === one) : undefined;
    if (next) command = next;
    else operands.push(one);
  }
  if (word.startsWith('-')) {
    const found = optionIn(optionsOf(command), word);
    if (found?.value === undefined || !wantsNext({ ...found, value: undefined })) return end({ kind: 'flag', word });
    const before = word.slice(0, word.length - found.value.length);
    return end({ kind: 'value', option: found.option, before, word: found.value });
  }
  const wanted = command.registeredArguments;
  const final = wanted.at(-1);
  const argument = wanted[operands.length] ?? (final?.variadic ? final : undefined);
  return end({ kind: 'word', word, argument, commands: operands.length === 0 ? command.commands : [] });
}
