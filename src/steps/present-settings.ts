import { parse as parseYaml } from 'yaml';
import { COMMAND_LINE } from '../postgres/patroni-options.ts';
import { json } from '../programs/json.ts';
import { PATRONI_CONFIG, tellDynamic } from '../programs/patroni.ts';
import type { Json } from './dcs-config.ts';

/** Between the lines of a file that is printed as one line; YAML writes it as an escape. */
const SEPARATOR = '\x1f';

/** Lines that `presentSettingsScript` prints. */
export const PRESENT_LINES = 2;

/**
 * POSIX sh that prints the dynamic configuration, and the settings of PostgreSQL in the member's own file, a line each;
 * empty where there is none. `rest` sets `$base` and the arguments of curl. Without a process of its own where the answer
 * of Patroni is there already.
 */
export const presentSettingsScript = (rest: string): string => `${tellDynamic(rest)}
{ inside=
while IFS= read -r line; do
  case "$line" in '  parameters:'*) inside=yes ;; '  '[a-z]*) inside= ;; esac
  [ -z "$inside" ] || printf '%s\\037' "$line"
done < ${PATRONI_CONFIG}; } 2>/dev/null; echo`;

/**
 * The settings of PostgreSQL as this member's Patroni has been told them: the dynamic configuration, and over it the
 * member's own file, from which Patroni takes nothing that belongs on the command line. Undefined where one is missing.
 */
export function presentSettings(dynamic: string | undefined, own: string | undefined): Json | undefined {
  const shared = (json<Json>(dynamic)?.postgresql as Json | undefined)?.parameters as Json | undefined;
  const member = parameters((own ?? '').replaceAll(SEPARATOR, '\n'));
  if (!shared || !member) return undefined;
  return { ...shared, ...Object.fromEntries(Object.entries(member).filter(([name]) => !(name in COMMAND_LINE))) };
}

/** Undefined where somebody has made the file what it must not be; that is the file's own drift. */
function parameters(text: string): Json | undefined {
  try {
    return (parseYaml(text) as { parameters?: Json } | null)?.parameters;
  } catch {
    return undefined;
  }
}
