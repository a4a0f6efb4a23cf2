import { UsageError } from '../errors.ts';
import { suggest } from '../inventory/suggest.ts';
import { ownFile } from '../own-files.ts';
import { print, printJson } from '../run/ask.ts';
import { table } from '../view/style.ts';

/** A code of a problem, with what it means and what a person does about it. */
interface Explained {
  code: string;
  meaning: string;
  cure: string;
}

/** The rows of docs/status.md, which is the one place where codes are described. */
export function explainedCodes(): Explained[] {
  const text = ownFile('docs/status.md');
  return [...text.matchAll(/^\| `([a-z_]+)` \| (.*?) \| (.*?) \|$/gm)].map(([, code, meaning, cure]) => ({
    code: code!,
    meaning: plain(meaning!),
    cure: plain(cure!),
  }));
}

/** The text of a cell without the marks of Markdown: a command in quotes, a link as its words. */
const plain = (cell: string): string => cell.replaceAll(/\[(.*?)\]\(.*?\)/g, '$1').replaceAll(/`(.*?)`/g, '"$1"');

/** `hapg explain [CODE...]`: says what codes mean and what to do about it; without one, lists all. */
export function explainCommand(codes: readonly string[], { output }: { output: string }): number {
  const all = explainedCodes();
  if (codes.length === 0) {
    if (output === 'json') printJson(all);
    else print(table(all.map((one) => [one.code, one.meaning])));
    return 0;
  }
  const found = codes.map((code) => {
    const one = all.find((other) => other.code === code);
    if (one) return one;
    const known = all.map((other) => other.code);
    throw new UsageError(
      `${code}: no code of a problem or a refusal${suggest(code, known)}; "hapg explain" lists them`,
    );
  });
  if (output === 'json') printJson(found.length === 1 ? found[0] : found);
  else print(found.map(({ code, meaning, cure }) => `${code}: ${meaning}\n→ ${cure}`).join('\n\n'));
  return 0;
}
