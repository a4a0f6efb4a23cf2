import { parse as parseYaml } from 'yaml';
import { COMMAND_LINE } from '../postgres/patroni-options.ts';
import { json } from '../programs/json.ts';
import { PATRONI_CONFIG, printDynamic } from '../programs/patroni.ts';
import type { Json } from './dcs-config.ts';

/** Separator of the lines of a file that is printed as one line; YAML writes it as an escape. */
const SEPARATOR = '\x1f';

/** Number of lines that `presentSettingsScript` prints. */
export const PRESENT_LINES = 2;

/**
 * POSIX sh that prints the dynamic configuration, and PostgreSQL's settings in the member's own file, a line each; an
 * empty line when there is none. `rest` sets `$base` and the arguments of curl. It starts no process when Patroni's
 * answer is there already.
 */
export const presentSettingsScript = (rest: string): string => `${printDynamic(rest)}
{ inside=
while IFS= read -r line; do
  case "$line" in '  parameters:'*) inside=yes ;; '  '[a-z]*) inside= ;; esac
  [ -z "$inside" ] || printf '%s\\037' "$line"
done < ${PATRONI_CONFIG}; } 2>/dev/null; echo`;

/**
 * Returns PostgreSQL's settings as this member's Patroni has read them: the dynamic configuration, overridden by the
 * member's own file, from which Patroni takes no command-line settings. Undefined when one is missing.
 */
export function presentSettings(dynamic: string | undefined, own: string | undefined): Json | undefined {
  const shared = (json<Json>(dynamic)?.postgresql as Json | undefined)?.parameters as Json | undefined;
  const member = parameters((own ?? '').replaceAll(SEPARATOR, '\n'));
  if (!shared || !member) return undefined;
  return { ...shared, ...Object.fromEntries(Object.entries(member).filter(([name]) => !(name in COMMAND_LINE))) };
}

/** Reads the settings of a file; undefined when it is malformed, which is drift of the file itself. */
function parameters(text: string): Json | undefined {
  try {
    return (parseYaml(text) as { parameters?: Json } | null)?.parameters;
  } catch {
    return undefined;
  }
}
