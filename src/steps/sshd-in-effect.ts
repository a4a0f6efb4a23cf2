import type { RoleName } from '../roles.ts';
import { quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

interface SshdWant {
  /** hapg's own part of sshd's configuration. */
  file: string;
}

/** What hapg's file says and what sshd makes of all its files, by keyword in lower case. */
interface SshdState {
  written: ReadonlyMap<string, string>;
  effective: ReadonlyMap<string, string>;
}

/** Values that sshd prints under another name (sshd_config(5)). */
const SAME: Readonly<Record<string, string>> = { 'without-password': 'prohibit-password', all: 'yes' };

const plain = (value: string): string => SAME[value.toLowerCase()] ?? value.toLowerCase();

/** Reads lines of `Keyword value`; of a keyword that stands twice the first one counts, as for sshd. */
function keywords(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^\s*([A-Za-z]\w*)\s+(.*?)\s*$/.exec(line) ?? [];
    if (key && !found.has(key.toLowerCase())) found.set(key.toLowerCase(), value!);
  }
  return found;
}

/**
 * What sshd has made of hapg's file: of a keyword that stands in several files sshd takes the first one, so that a file
 * of somebody else can take the effect from hapg's. It changes nothing, and tells what has no effect.
 */
const sshdInEffectKind: Kind<SshdWant, SshdState> = {
  name: 'sshd-in-effect',
  contained: true,
  probe: ([one]) => `if [ -r ${quote(one!.want.file)} ]; then
while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < ${quote(one!.want.file)}
echo --
printf '%s\\n' "\${HAPG_SSHD-$(/usr/sbin/sshd -T 2>/dev/null)}"
fi`,
  parse(answer, steps) {
    const [written = '', effective = ''] = answer.split(/^--$/m);
    return new Map(steps.map((one) => [one.id, { written: keywords(written), effective: keywords(effective) }]));
  },
  diff: () => undefined,
  change: async () => undefined,
  notes({ want }, { written, effective }) {
    const lost = [...written].filter(([key, value]) => {
      const now = effective.get(key);
      return now !== undefined && plain(now) !== plain(value);
    });
    return lost.map(
      ([key, value]) =>
        `sshd does not use ${key} ${value} of ${want.file}, but ${effective.get(key)}: another file says that before it ("grep -rin ${key} /etc/ssh/sshd_config*" shows where)`,
    );
  },
};

/** Returns a step that tells which lines of hapg's part of sshd's configuration have no effect. */
export const sshdInEffect = (role: RoleName, file: string): Step =>
  step(sshdInEffectKind, role, 'sshd', { file }) as Step;
