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

/** What must be the same in every run: words, not figures, times, keys and the space between columns. */
export const lasting = (shown: string): string[] =>
  shown
    .replaceAll(/SHA256:\S+/g, 'SHA256:KEY')
    .replaceAll(/\b\d{8}T\d{6}-[0-9a-f]{4}\b/g, 'RUN')
    .replaceAll(/\d+/g, '#')
    .replaceAll(/#([.:-]#)+/g, '#')
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter(Boolean);

/** Writes other screens into the page, in the places of the same commands. */
export function rewrite(screens: readonly Screen[]): void {
  let index = 0;
  const text = readFileSync(PAGE, 'utf8').replaceAll(BLOCK, (_whole, command: string) => {
    const screen = screens[index++];
    if (screen?.command !== command) throw new Error(`${PAGE}: ${command} was not run at this place`);
    return `\`\`\`console\n$ ${command}\n${screen.shown}\n\`\`\``;
  });
  writeFileSync(PAGE, text);
}
