import type { RoleName } from '../roles.ts';
import { quote, words } from '../shell/quote.ts';
import { type Kind, type Step, type StepOptions, step } from './step.ts';

export interface KernelChoiceWant {
  /** Files of /sys that list words, the chosen one in brackets, as a pattern of sh. */
  files: string;
  /** The word to choose. */
  choice: string;
}

/** What a file offers, and what is chosen. */
interface Choice {
  file: string;
  chosen: string;
  offered: string[];
}

/**
 * Choices among words in /sys, live: `always [madvise] never`. A file that does not offer the word, or is not there, needs
 * nothing: there is no choice.
 */
const kernelChoiceKind: Kind<KernelChoiceWant, Choice[]> = {
  name: 'kernel-choice',
  probe: (steps) => `for f in ${[...new Set(steps.map(({ want }) => want.files))].join(' ')}; do
  { read -r line < "$f"; } 2>/dev/null && echo "$f $line"
done
:`,
  parse(answer, steps) {
    const found = answer
      .split('\n')
      .filter(Boolean)
      .map((line): Choice => {
        const [file = '', ...all] = line.split(' ');
        const chosen = all.find((word) => word.startsWith('['))?.slice(1, -1) ?? '';
        return { file, chosen, offered: all.map((word) => word.replaceAll(/[[\]]/g, '')) };
      });
    return new Map(steps.map((one) => [one.id, found.filter(({ file }) => isOf(file, one.want))]));
  },
  diff({ want: { choice } }, found) {
    const others = wrong(found, choice);
    if (others.length === 0) return undefined;
    return {
      action: 'update',
      summary: others.map(({ file, chosen }) => `${nameOf(file)}: ${chosen} → ${choice}`).join(', '),
    };
  },
  async change({ want: { choice } }, found, remote) {
    const files = wrong(found, choice).map(({ file }) => file);
    await remote.run(`for f in ${words(...files)}; do echo ${quote(choice)} > "$f" || exit 1; done`);
  },
};

const wrong = (found: readonly Choice[], choice: string): Choice[] =>
  found.filter(({ chosen, offered }) => chosen !== choice && offered.includes(choice));

/** Whether a file belongs to a pattern, of which only the last but two parts hold a star. */
const isOf = (file: string, { files }: KernelChoiceWant): boolean =>
  new RegExp(`^${files.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(file);

/** The name of a file's device or subject: `/sys/block/vda/queue/scheduler` is vda. */
const nameOf = (file: string): string => /^\/sys\/block\/([^/]+)\//.exec(file)?.[1] ?? file.split('/').at(-2)!;

/** A step: these files of /sys have chosen this word, live. */
export const kernelChoice = (
  role: RoleName,
  subject: string,
  want: KernelChoiceWant,
  options: StepOptions = {},
): Step => step(kernelChoiceKind, role, subject, want, options);
