import { join } from 'node:path';
import { Eta } from 'eta';
import { stringify } from 'yaml';
import { packageRoot } from './package-root.ts';
import { Secret } from './secrets/secret.ts';

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

/** Fills `templates/NAME.eta`; throws with the template's line when a value is missing. */
export const render = (name: string, data: object): string => eta.render(`${name}.eta`, data);

/** YAML that Python and Go read the same way as we do (YAML 1.1 words such as `on` are quoted). */
const yaml = (value: unknown): string =>
  stringify(value, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 });

/** As `yaml`, for a value that holds secrets; the whole text is one. */
export const secretYaml = (value: unknown): Secret => new Secret(yaml(reveal(value)));

function reveal(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(reveal);
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
  return value;
}
