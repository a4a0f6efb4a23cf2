import type { RoleName } from '../inventory/model.ts';
import { PATHS } from '../paths.ts';
import { print } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

/** One permitted traffic. */
export interface Rule {
  protocol: 'tcp' | 'udp' | 'vrrp';
  /** undefined for protocols without ports. */
  port: number | undefined;
  /** Address or network; undefined: from anywhere. */
  from: string | undefined;
  /** What it is for; shown by `ufw status`. */
  purpose: string;
}

export interface FirewallWant {
  rules: Rule[];
  exclusive: boolean;
}

export interface FirewallState {
  installed: boolean;
  enabled: boolean;
  /** Default policy for incoming packets as configured, such as DROP. */
  policy: string;
  /** Text of user.rules and user6.rules. */
  v4: string;
  v6: string;
  /** Rules of ufw's user chains that the kernel has, v4 and v6 together; -1 when the chains are missing. */
  live: number;
}

const OURS = 'hapg: ';
const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
const V4 = '/etc/ufw/user.rules';
const V6 = '/etc/ufw/user6.rules';

interface Block {
  tuple: string;
  rules: string[];
}

const isV6 = (rule: Rule) => rule.from?.includes(':') ?? false;

/** A rule in ufw's own file format: the tuple that `ufw status` reads, and the iptables rule that is loaded. */
function block(rule: Rule, family: 4 | 6): Block {
  const any = family === 4 ? '0.0.0.0/0' : '::/0';
  const chain = family === 4 ? 'ufw-user-input' : 'ufw6-user-input';
  const port = rule.port === undefined ? '' : ` --dport ${rule.port}`;
  const source = rule.from ? ` -s ${rule.from}` : '';
  return {
    tuple: `### tuple ### allow ${rule.protocol} ${rule.port ?? 'any'} ${any} any ${rule.from ?? any} in comment=${hex(OURS + rule.purpose)}`,
    rules: [`-A ${chain} -p ${rule.protocol}${port}${source} -j ACCEPT`],
  };
}

/** The rule blocks of a user.rules file, in order. */
function blocks(text: string): Block[] {
  const body =
    /### RULES ###\n([\s\S]*?)### END RULES ###/.exec(text)?.[1] ??
    /### RULES ###\n([\s\S]*?)(?=-A ufw6?-user-limit )/.exec(text)?.[1] ??
    '';
  const found: Block[] = [];
  for (const line of body.split('\n').filter(Boolean)) {
    if (line.startsWith('### tuple ###')) found.push({ tuple: line, rules: [] });
    else found.at(-1)?.rules.push(line);
  }
  return found;
}

const isOurs = ({ tuple }: Block) => tuple.includes(` comment=${hex(OURS)}`);
const render = (list: readonly Block[]) => list.map(({ tuple, rules }) => `\n${tuple}\n${rules.join('\n')}\n`).join('');

/** What a file should hold: ours together, foreign rules around them where they stood (the first match decides). */
function wanted(want: FirewallWant, text: string, family: 4 | 6): Block[] {
  const present = blocks(text);
  const mine = want.rules
    .filter((rule) => rule.from === undefined || isV6(rule) === (family === 6))
    .map((rule) => block(rule, family));
  if (want.exclusive) return mine;
  const first = present.findIndex(isOurs);
  const before = first < 0 ? present : present.slice(0, first);
  const after = first < 0 ? [] : present.slice(first).filter((one) => !isOurs(one));
  return [...before, ...mine, ...after];
}

const readable = ({ tuple }: Block): string => {
  const [action, protocol, port, , , from] = tuple.replace(/^### tuple ### /, '').split(' ');
  const comment = /comment=([0-9a-f]+)/.exec(tuple)?.[1];
  return `${action} ${protocol} ${port} from ${from}${comment ? `  # ${Buffer.from(comment, 'hex').toString()}` : '  # not from hapg'}`;
};

function splice(text: string, list: readonly Block[], family: 4 | 6): string {
  const p = family === 4 ? 'ufw' : 'ufw6';
  if (text.includes('### END RULES ###'))
    return text.replace(
      /### RULES ###\n[\s\S]*?### END RULES ###/,
      () => `### RULES ###\n${render(list)}\n### END RULES ###`,
    );
  // A file that ufw has never written: the packaged skeleton without an end mark.
  return `*filter
:${p}-user-input - [0:0]
:${p}-user-output - [0:0]
:${p}-user-forward - [0:0]
:${p}-user-limit - [0:0]
:${p}-user-limit-accept - [0:0]
### RULES ###
${render(list)}
### END RULES ###
-A ${p}-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ${p}-user-limit -j REJECT
-A ${p}-user-limit-accept -j ACCEPT
COMMIT
`;
}

/**
 * POSIX sh that loads the files. ufw's own reload empties every chain first, and what comes in meanwhile is dropped: a new
 * connection waits a second for its second try (RFC 6298). Where all but the rules is loaded already, they alone are
 * replaced, each file at once, as ufw itself does at the end of a reload.
 */
const load = ({ enabled, live, policy }: FirewallState): string =>
  enabled && live >= 0 && policy === 'DROP'
    ? `iptables-restore -n < ${V4}\nip6tables-restore -n < ${V6}`
    : "if grep -q '^ENABLED=yes' /etc/ufw/ufw.conf && iptables -S ufw-user-input >/dev/null 2>&1; then ufw reload; else ufw --force enable; fi";

/**
 * ufw's rules, computed from the model. They are written in ufw's own files and loaded once: a hundred `ufw allow`
 * take half a minute, and `ufw status` a second, where one file takes nothing.
 */
export const firewallKind: Kind<FirewallWant, FirewallState> = {
  name: 'firewall',
  probe: () => `[ -e /etc/ufw/ufw.conf ] && echo installed=yes
sed -n 's/^ENABLED=/enabled=/p' /etc/ufw/ufw.conf 2>/dev/null
sed -n 's/^DEFAULT_INPUT_POLICY=/policy=/p' /etc/default/ufw 2>/dev/null
echo "live=$( { iptables -S ufw-user-input && ip6tables -S ufw6-user-input; } 2>/dev/null | grep -c '^-A')"
iptables -S INPUT 2>/dev/null | grep -q -- '-j ufw-before-input' && echo loaded=yes
echo "v4=$(base64 -w0 ${V4} 2>/dev/null)"
echo "v6=$(base64 -w0 ${V6} 2>/dev/null)"`,
  parse(answer, steps) {
    const field = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(answer)?.[1]?.trim() ?? '';
    const state: FirewallState = {
      installed: field('installed') === 'yes',
      enabled: field('enabled') === 'yes',
      policy: field('policy').replaceAll('"', ''),
      v4: Buffer.from(field('v4'), 'base64').toString(),
      v6: Buffer.from(field('v6'), 'base64').toString(),
      live: field('loaded') === 'yes' ? Number(field('live')) : -1,
    };
    return new Map(steps.map((one) => [one.id, state]));
  },
  diff({ want }, state) {
    const next4 = wanted(want, state.v4, 4);
    const next6 = wanted(want, state.v6, 6);
    const before = [...blocks(state.v4), ...blocks(state.v6)];
    const after = [...next4, ...next6];
    if (!state.installed)
      return {
        action: 'create',
        summary: `${after.length} rules, default deny incoming`,
        before: '',
        after: after.map(readable).join('\n'),
      };
    const reasons: string[] = [];
    const same = render(before) === render(after);
    if (!same) reasons.push('rules');
    if (!state.enabled) reasons.push('off → on');
    if (state.policy !== 'DROP') reasons.push(`default incoming ${state.policy} → DROP`);
    if (state.enabled && same && state.live !== after.reduce((sum, one) => sum + one.rules.length, 0))
      reasons.push('loaded rules differ from the files → reload');
    if (reasons.length === 0) return undefined;
    return {
      action: state.enabled ? 'update' : 'create',
      summary: reasons.join(', '),
      ...(same ? {} : { before: before.map(readable).join('\n'), after: after.map(readable).join('\n') }),
    };
  },
  async change({ want }, state, remote) {
    const v4 = splice(state.v4, wanted(want, state.v4, 4), 4);
    const v6 = splice(state.v6, wanted(want, state.v6, 6), 6);
    await remote.run(`set -e
umask 027
${print(v4)} > ${V4}.hapg-new
${print(v6)} > ${V6}.hapg-new
mv -f ${V4}.hapg-new ${V4}
mv -f ${V6}.hapg-new ${V6}
sed -i 's/^DEFAULT_INPUT_POLICY=.*/DEFAULT_INPUT_POLICY="DROP"/' /etc/default/ufw
${load(state)}`);
  },
  notes: ({ want }, state) =>
    want.exclusive
      ? []
      : [...blocks(state.v4), ...blocks(state.v6)]
          .filter((one) => !isOurs(one))
          .map((one) => `drift, kept: ${readable(one)}`),
  undo: () => `for f in user.rules user6.rules ufw.conf; do [ -e ${PATHS.guard}/_etc_ufw_$f ] && cp -a ${PATHS.guard}/_etc_ufw_$f /etc/ufw/$f; done
[ ! -e ${PATHS.guard}/_etc_default_ufw ] || cp -a ${PATHS.guard}/_etc_default_ufw /etc/default/ufw
if grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then ufw reload; else ufw --force disable; fi`,
};

export const firewall = (role: RoleName, rules: Rule[], exclusive: boolean): Step =>
  step(firewallKind, role, 'ufw', { rules, exclusive }, { guarded: true });
