import { execFileSync } from 'node:child_process';

/** What `npm pack` has made. */
export interface Packed {
  /** Name of the tarball. */
  filename: string;
  /** Paths of the files in it, sorted. */
  paths: string[];
}

/** Builds the program and packs it into a directory, as the package of npm. */
export function pack(directory: string): Packed {
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', directory], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // What the build prints comes before.
  const [packed] = JSON.parse(said.slice(said.search(/^\[/m))) as [{ filename: string; files: { path: string }[] }];
  return { filename: packed.filename, paths: packed.files.map(({ path }) => path).sort() };
}
