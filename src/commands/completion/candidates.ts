import type { Command, Option } from 'commander';
import type { Cluster } from '../../inventory/model.ts';
import { home } from '../../whoami.ts';
import { TOPICS } from '../help/text.ts';
import { type Position, positionOf } from './position.ts';
import type { Candidate, Source } from './source.ts';
import { sourceOf } from './values.ts';

/** What a shell may offer: words, or the files or directories that it knows itself. */
export interface Offer {
  candidates: readonly Candidate[];
  shell?: 'files' | 'directories';
}

const NOTHING: Offer = { candidates: [] };

const commandsOf = (commands: readonly Command[]): Candidate[] =>
  commands.map((one) => ({ text: one.name(), about: one.description() }));

/** An option may be given again when its values are collected, or counted. */
const isRepeatable = (option: Option): boolean =>
  option.variadic || (option.parseArg !== undefined && option.argChoices === undefined);

/** The long flags of a command that are not given yet. */
const flagsOf = ({ command, given }: Position): Candidate[] => [
  ...command.options
    .filter((option) => option.long && !option.hidden && (!given.has(option) || isRepeatable(option)))
    .map(({ long, description }) => ({ text: long!, about: description })),
  { text: '--help', about: 'display help for command' },
];

/** Reads the inventory that the words before the cursor name, or the default one. Contacts no host. */
async function clusterOf({ command, given }: Position): Promise<Cluster> {
  const { loadInventory } = await import('../../inventory/load.ts');
  const valuesOf = (flag: string) => [...given].flatMap(([{ long }, values]) => (long === flag ? values : []));
  const named = valuesOf('--inventory').map((file) => file.replace(/^~(?=\/)/, home));
  const otherwise = command.options.find(({ long }) => long === '--inventory')?.defaultValue as string[] | undefined;
  return loadInventory(named.length > 0 ? named : (otherwise ?? 'inventory.yaml'), valuesOf('--extra')).cluster;
}

const from = async (source: Source | undefined, word: string, position: Position): Promise<Offer> => {
  if (source === undefined || source === 'free') return NOTHING;
  if (typeof source === 'string') return { candidates: [], shell: source };
  return { candidates: await source({ word, cluster: () => clusterOf(position) }) };
};

/** The words of `hapg help`: commands, their verbs, and topics. */
function forHelp(program: Command, words: readonly string[]): Candidate[] {
  const { command, at } = positionOf(program, words);
  if (at.kind !== 'word') return [];
  const topics = Object.entries(TOPICS).map(([text, { about }]) => ({ text, about }));
  return [...commandsOf(at.commands), ...(command === program ? topics : [])];
}

async function unfiltered(program: Command, words: readonly string[]): Promise<Offer> {
  if (words[0] === 'help' && words.length > 1) return { candidates: forHelp(program, words.slice(1)) };
  const position = positionOf(program, words);
  const { command, at, operands } = position;
  switch (at.kind) {
    case 'nothing':
      return NOTHING;
    case 'flag':
      return { candidates: flagsOf(position) };
    case 'value': {
      const { argChoices, long } = at.option;
      // The option may be one of a verb that comes later.
      const owner = [command, ...command.commands].find((one) => one.options.includes(at.option)) ?? command;
      const offer = await from(sourceOf(owner, { name: long ?? '', argChoices }), at.word, position);
      return { ...offer, candidates: offer.candidates.map((one) => ({ ...one, text: `${at.before}${one.text}` })) };
    }
    case 'word': {
      const { argument } = at;
      const source = argument && sourceOf(command, { name: argument.name(), argChoices: argument.argChoices });
      const { candidates, shell } = await from(source, at.word, position);
      const help =
        command === program && operands.length === 0
          ? [{ text: 'help', about: 'show the help of a command or topic' }]
          : [];
      return {
        candidates: [...commandsOf(at.commands), ...help, ...candidates.filter(({ text }) => !operands.includes(text))],
        ...(shell ? { shell } : {}),
      };
    }
  }
}

/**
 * Returns what may stand at the end of a command line; `words` are those after the program's name, and the last one ends at
 * the cursor. An inventory that cannot be read has no candidates.
 */
export async function offerFor(program: Command, words: readonly string[]): Promise<Offer> {
  const typed = words.at(-1) ?? '';
  const { candidates, ...rest } = await unfiltered(program, words).catch(() => NOTHING);
  return { ...rest, candidates: candidates.filter(({ text }) => text.startsWith(typed)) };
}
