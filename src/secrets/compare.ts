import { REDACTED, type Secret } from '../secret.ts';
import { concealInMessage } from './suspect.ts';
import { showHaproxy } from './syntax/haproxy.ts';
import { showIni } from './syntax/ini.ts';
import { CHANGED, type Comparison, compareLines, type ShownText } from './syntax/lines.ts';
import { showPgpass } from './syntax/pgpass.ts';
import { compareYaml } from './syntax/yaml.ts';
import { SecretText } from './text.ts';

/**
 * Returns the two texts of a diff for a file with secrets: `present`, which may hold old passwords and added lines, and
 * `wanted`. Undefined when the present text cannot be compared; then nothing of it may be shown.
 */
export function compareSecretFile(present: string, wanted: Secret): Comparison | undefined {
  const both = (show: (text: string | Secret) => ShownText | undefined): Comparison | undefined => {
    const [before, after] = [show(present), show(wanted)];
    return before && after && compareLines(before, after);
  };
  const form = wanted instanceof SecretText ? wanted.form : undefined;
  switch (form?.syntax) {
    case 'yaml':
      return compareYaml(present, form.value);
    case 'ini':
      return both((text) => showIni(text, wanted));
    case 'haproxy':
      return both((text) => showHaproxy(text, wanted));
    case 'pgpass':
      return both(showPgpass);
    case undefined:
      return undefined;
  }
}

/**
 * Returns the two texts of a diff for a file without hapg's secrets, without credentials in unmistakable forms
 * (`password=...`, `user:...@host`).
 */
export function comparePlainFile(present: string, wanted: string): Comparison {
  const there = new Set(present.split('\n'));
  const after = wanted.split('\n').map((line) => {
    const shown = concealInMessage(line);
    return there.has(line) ? shown : shown.replaceAll(REDACTED, CHANGED);
  });
  return { before: concealInMessage(present), after: after.join('\n') };
}
