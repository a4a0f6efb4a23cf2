import { basename } from 'node:path';

/** A file of Debian's package. */
export interface Entry {
  /** Its path on the machine, without the first slash. */
  to: string;
  /** The file that it is made of. */
  from: string;
  /** Whether it is compressed, as Debian's policy has it for man pages and changelogs. */
  gzip?: true;
}

const DOCUMENTS = 'usr/share/doc/hapg';

/** Where each shell looks for completion. */
const COMPLETION: Readonly<Record<string, string>> = {
  'templates/completion/hapg.bash': 'usr/share/bash-completion/completions/hapg',
  'templates/completion/hapg.fish': 'usr/share/fish/vendor_completions.d/hapg.fish',
  'templates/completion/hapg.zsh': 'usr/share/zsh/vendor-completions/_hapg',
};

/** What is shipped of the package for npm, by its path there, and where Debian has it. */
const PLACES: readonly [RegExp, (path: string) => Omit<Entry, 'from'>][] = [
  [/^dist\/man\/.*\.1$/, (path) => ({ to: `usr/share/man/man1/${basename(path)}.gz`, gzip: true })],
  [/^CHANGELOG\.md$/, () => ({ to: `${DOCUMENTS}/changelog.gz`, gzip: true })],
  [/^(README|SECURITY)\.md$/, (path) => ({ to: `${DOCUMENTS}/${path}` })],
  [/^docs\/.*\.md$/, (path) => ({ to: `${DOCUMENTS}/${path}` })],
  [/^inventory\/.*\.yaml$/, (path) => ({ to: `${DOCUMENTS}/${path}` })],
  [/^templates\/completion\//, (path) => ({ to: COMPLETION[path]! })],
];

/**
 * The files of Debian's package, from the paths of npm's and the executable, sorted. The documents keep their places to
 * each other, so that their links lead somewhere.
 */
export function debianTree(paths: readonly string[], executable: string): Entry[] {
  const entries = paths.flatMap((from) => {
    const place = PLACES.find(([pattern]) => pattern.test(from));
    return place ? [{ from, ...place[1](from) }] : [];
  });
  return [{ to: 'usr/bin/hapg', from: executable }, ...entries].sort((a, b) => (a.to < b.to ? -1 : 1));
}

/** The directory of the documents, where the copyright file is expected too. */
export const COPYRIGHT = `${DOCUMENTS}/copyright`;
