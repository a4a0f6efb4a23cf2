import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { Eta } from 'eta';
import { stringify } from 'yaml';
import { ownFile } from './own-files.ts';
import { packageRoot } from './package-root.ts';
import { Secret } from './secret.ts';
import { secretRanges } from './secrets/syntax/yaml.ts';
import { type Form, joined, type Part, SecretText } from './secrets/text.ts';

const eta = new Eta({
  views: join(packageRoot, 'templates'),
  autoEscape: false,
  autoTrim: false,
  autoFilter: true,
  debug: true,
  cache: true,
  // A missing value is an error with the template's line, never an empty or "undefined" word in a configuration file.
  filterFunction: (value: unknown) => {
    if (value === null || value === undefined || typeof value === 'object')
      throw new Error(`a template printed ${value === null ? 'null' : typeof value}`);
    return String(value);
  },
});

eta.readFile = (path) => ownFile(relative(packageRoot, path));

/** Fills `templates/NAME.eta`; throws with the template's line when a value is missing. */
export const render = (name: string, data: object): string => eta.render(`${name}.eta`, data);

/** Writes YAML that Python and Go read as we do (YAML 1.1 words such as `on` are quoted). */
const yaml = (value: unknown): string =>
  stringify(value, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 });

/** Writes YAML of a value that holds secrets; the text knows their positions. */
export function secretYaml(value: Readonly<Record<string, unknown>>): SecretText {
  const text = yaml(reveal(value));
  return new SecretText(
    text,
    () => {
      const parts: Part[] = [];
      let end = 0;
      for (const [from, to] of secretRanges(text, value)) {
        parts.push(text.slice(end, from), new Secret(text.slice(from, to)));
        end = to;
      }
      return [...parts, text.slice(end)];
    },
    { syntax: 'yaml', value },
  );
}

/**
 * Fills a template with data that holds secrets, which templates print like texts. Placeholders with a nonce stand for
 * them during rendering.
 */
export function renderSecret(name: string, data: object, form: Form): SecretText {
  const secrets: Secret[] = [];
  const nonce = randomBytes(8).toString('hex');
  const marked = (value: unknown): unknown => {
    if (value instanceof Secret) return `<${nonce}:${secrets.push(value) - 1}>`;
    if (Array.isArray(value)) return value.map(marked);
    if (value && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, marked(inner)]));
    return value;
  };
  const pieces = render(name, marked(data) as object).split(new RegExp(`<${nonce}:(\\d+)>`));
  return joined(
    pieces.map((piece, index) => (index % 2 === 0 ? piece : secrets[Number(piece)]!)),
    form,
  );
}

function reveal(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(reveal);
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
  return value;
}
