// The licences of what esbuild has bundled, which the bundle must be accompanied by.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i;
const RULE = '-'.repeat(72);

/** The directory of the package that a bundled file belongs to; undefined for a source of hapg's own. */
function packageOf(input) {
  const [, directory] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
  return directory;
}

/** The licence of a package: its own files, or what its package.json says where it ships none. Throws where neither is there. */
function licenseIn(directory, { name, license, author }) {
  const files = readdirSync(directory).filter((file) => LICENSE_FILE.test(file));
  if (files.length > 0) return files.map((file) => readFileSync(join(directory, file), 'utf8').trim()).join('\n\n');
  if (!license) throw new Error(`${name} says nothing about its licence`);
  return `${license} (as its package.json says; it ships no text)\nAuthor: ${author?.name ?? author ?? 'not named'}`;
}

/** The packages with code in a bundle, of which esbuild has written this metafile: names, versions, texts of licences. */
export function bundledPackages({ inputs }) {
  const directories = new Set(Object.keys(inputs).map(packageOf).filter(Boolean));
  const packages = [...directories].map((directory) => {
    const about = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return { name: about.name, version: about.version, license: licenseIn(directory, about) };
  });
  const title = ({ name, version }) => `${name} ${version}`;
  return packages.sort((a, b) => (title(a) < title(b) ? -1 : title(a) > title(b) ? 1 : 0));
}

/** The text of THIRD-PARTY-LICENSES.txt. */
export function licenseText(packages) {
  const sections = packages.map(({ name, version, license }) => `${RULE}\n${name} ${version}\n${RULE}\n\n${license}\n`);
  return `The program contains code of these packages, each under its own licence.\n\n${sections.join('\n')}`;
}
