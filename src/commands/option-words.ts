import type { Command, Option } from 'commander';

/** The option at the end of a word of a command line. */
export interface OptionWord {
  option: Option;
  /** The value in the same word, as in `--output=json` and `-ojson`; undefined where there is none. */
  value: string | undefined;
}

const takesValue = (option: Option): boolean => option.required || option.optional;

/** Returns the option that a word names, as commander reads it: `--long`, `--long=value`, `-s`, `-svalue`, `-abs`. */
export function optionIn(options: readonly Option[], word: string): OptionWord | undefined {
  if (word.startsWith('--')) {
    const at = word.indexOf('=');
    const option = options.find(({ long }) => long === (at < 0 ? word : word.slice(0, at)));
    return option && { option, value: at < 0 ? undefined : word.slice(at + 1) };
  }
  for (let at = 1; at < word.length; at++) {
    const option = options.find(({ short }) => short === `-${word[at]}`);
    if (!option) return undefined;
    if (takesValue(option) || at === word.length - 1)
      return { option, value: at < word.length - 1 ? word.slice(at + 1) : undefined };
  }
  return undefined;
}

/** Whether the word after an option is its value. */
export const wantsNext = ({ option, value }: OptionWord): boolean => takesValue(option) && value === undefined;

/**
 * Moves the verb of a command that has some to its place before the options: `secrets -i FILE show` means
 * `secrets show -i FILE`, and commander would give the options to `secrets`.
 */
export function verbFirst(program: Command, words: readonly string[]): readonly string[] {
  const [name, ...rest] = words;
  const group = program.commands.find((one) => one.name() === name);
  if (!group || group.commands.length === 0) return words;
  const options = [group, ...group.commands].flatMap((one) => one.options);
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (word === '--') return words;
    if (word.startsWith('-') && word !== '-') {
      const found = optionIn(options, word);
      if (found && wantsNext(found)) at += 1;
      continue;
    }
    const isVerb = group.commands.some((one) => one.name() === word);
    return isVerb ? [name!, word, ...rest.slice(0, at), ...rest.slice(at + 1)] : words;
  }
  return words;
}
