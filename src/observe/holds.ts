import { PATHS } from '../paths.ts';
import { filled, type Question } from './question.ts';

/** Temporary states that an operator wants, and that outlive the run that set them. */
export const HOLD_NAMES = ['pause', 'drain', 'fence'] as const;
export type HoldName = (typeof HOLD_NAMES)[number];

/** A temporary state of a host or its cluster. */
export interface Hold {
  name: HoldName;
  /** When it ends by itself (s since the epoch); undefined: only when somebody ends it. */
  until: number | undefined;
}

/** The holds of a host, from hapg's own files; starts no process. */
export const holds: Question<Hold[]> = {
  about: 'host',
  of: () => true,
  script: () =>
    `for f in ${PATHS.hold}/*/until; do [ ! -e "$f" ] || { read -r end < "$f"; f=\${f%/until}; echo "\${f##*/} $end"; }; done`,
  read: (answer) =>
    filled(answer).flatMap((line) => {
      const [word, end] = line.split(' ');
      const name = HOLD_NAMES.find((one) => one === word);
      return name ? [{ name, until: end === 'never' ? undefined : Number(end) }] : [];
    }),
};
