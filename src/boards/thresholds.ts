/** A color that begins at a value; the first one has none and begins at the bottom. */
export interface Step {
  color: 'green' | 'orange' | 'red' | 'blue' | 'text';
  value: number | null;
}

/** No judgement: a figure that is neither good nor bad by itself. */
export const NEUTRAL: readonly Step[] = [{ color: 'blue', value: null }];

/** Green, then orange from `worry` on, then red from `bad` on; either may be left out. */
export const over = ({ worry, bad }: { worry?: number; bad?: number }): readonly Step[] => [
  { color: 'green', value: null },
  ...(worry === undefined ? [] : [{ color: 'orange', value: worry } as const]),
  ...(bad === undefined ? [] : [{ color: 'red', value: bad } as const]),
];

/** Red below `bad`, orange from there to `worry` when that is given, green above. */
export const under = ({ worry, bad }: { worry?: number; bad: number }): readonly Step[] => [
  { color: 'red', value: null },
  ...(worry === undefined
    ? [{ color: 'green', value: bad } as const]
    : [{ color: 'orange', value: bad } as const, { color: 'green', value: worry } as const]),
];

/** A word and a color that stand for a number. */
export interface Meaning {
  text: string;
  color: Step['color'] | 'yellow' | 'purple' | 'gray';
}

/** Words that stand for numbers, by the number. */
export type Meanings = Readonly<Record<number, Meaning>>;

/** 0 is good, 1 is not. */
export const trouble = (yes: string, no = 'no', color: Meaning['color'] = 'red'): Meanings => ({
  0: { text: no, color: 'green' },
  1: { text: yes, color },
});

/** 1 is good, 0 is not. */
export const health = (yes: string, no: string): Meanings => ({
  0: { text: no, color: 'red' },
  1: { text: yes, color: 'green' },
});
