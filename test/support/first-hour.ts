import { readFileSync, writeFileSync } from 'node:fs';

/** The page with what a new operator sees, screen after screen. */
const PAGE = 'docs/first-hour.md';

/** A command of the page, and what the terminal shows from it. */
export interface Screen {
  command: string;
  shown: string;
}

const BLOCK = /```console\n\$ (.*)\n([\s\S]*?)```/g;

/** The screens of the page, in order. */
export const screensOf = (text = readFileSync(PAGE, 'utf8')): Screen[] =>
  [...text.matchAll(BLOCK)].map(([, command = '', shown = '']) => ({ command, shown: shown.trimEnd() }));

/**
 * What must be the same in every run: words, not figures, times, keys, who leads where, and the space between columns.
 */
export const lasting = (shown: string): string[] =>
  shown
    .replaceAll(/SHA256:\S+/g, 'SHA256:KEY')
    .replaceAll(/\b\d{8}T\d{6}-[0-9a-f]{4}\b/g, 'RUN')
    .replaceAll(/\d+/g, '#')
    .replaceAll(/#([.:-]#)+/g, '#')
    .replaceAll(/# (?:[KMGT]i)?B\b/g, '# B')
    .replaceAll(/# min # s|# m?s\b/g, 'A WHILE')
    .replaceAll('#*', '#')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter(Boolean);

/** The line of the page that stands for all that a long screen has there. */
const CUT = '...';

/** How many lines of a long screen the page shows, at its beginning and at its end. */
const [HEAD, TAIL] = [45, 6];

/** Shortens a screen to what somebody reads. */
function shortened(shown: string): string {
  const lines = shown.split('\n');
  return lines.length <= HEAD + TAIL ? shown : [...lines.slice(0, HEAD), CUT, ...lines.slice(-TAIL)].join('\n');
}

/**
 * A screen as far as the page shows it: what stands before and behind the line for the rest. A whole screen is compared as a
 * set of lines, since another member may lead.
 */
export function comparable(actual: string, expected: string): { actual: string[]; expected: string[] } {
  const wanted = lasting(expected);
  const all = lasting(actual);
  const at = wanted.indexOf(CUT);
  if (at < 0) return { actual: all.toSorted(), expected: wanted.toSorted() };
  const behind = wanted.length - at - 1;
  return { actual: [...all.slice(0, at), CUT, ...all.slice(-behind)], expected: wanted };
}

/** Writes other screens into the page, in the places of the same commands. */
export function rewrite(screens: readonly Screen[]): void {
  let index = 0;
  const text = readFileSync(PAGE, 'utf8').replaceAll(BLOCK, (_whole, command: string) => {
    const screen = screens[index++];
    if (screen?.command !== command) throw new Error(`${PAGE}: ${command} was not run at this place`);
    return `\`\`\`console\n$ ${command}\n${shortened(screen.shown)}\n\`\`\``;
  });
  writeFileSync(PAGE, text);
}
