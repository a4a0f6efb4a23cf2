import { PATHS } from '../paths.ts';
import type { RoleName } from '../roles.ts';
import { print, quote } from '../shell/quote.ts';
import { type Kind, type Step, step } from './step.ts';

/** One permitted traffic. */
export interface Rule {
  protocol: 'tcp' | 'udp' | 'vrrp';
  /** The port; undefined for protocols without ports. */
  port: number | undefined;
  /** Address or network; undefined: from anywhere. */
  from: string | undefined;
  /** What it is for; shown by `ufw status`. */
  purpose: string;
}

export interface FirewallWant {
  rules: Rule[];
  exclusive: boolean;
  /** What forwards packets for others on this host; ufw must not cut it off. */
  forwards?: string | undefined;
}

export interface FirewallState {
  installed: boolean;
  enabled: boolean;
  /** The configured default policies for incoming and forwarded packets, such as DROP. */
  policy: string;
  forward: string;
  /**
   * ufw's use of IPv6. `used`: user6.rules counts; `off`: IPV6=no, so all IPv6 is dropped; `none`: the kernel has none.
   * Unless it is used, ufw empties user6.rules by itself (ufw backend_iptables.py, update_logging).
   */
  ipv6: 'used' | 'off' | 'none';
  /** Text of user.rules and user6.rules. */
  v4: string;
  v6: string;
  /** Number of rules that the kernel has in each of ufw's user chains; undefined when ufw's chains are not in use. */
  live4: Record<string, number> | undefined;
  /** The same for IPv6; `unknown` when ip6tables does not work. */
  live6: Record<string, number> | undefined | 'unknown';
}

const OURS = 'hapg: ';
const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
const V4 = '/etc/ufw/user.rules';
const V6 = '/etc/ufw/user6.rules';
const DEFAULTS = '/etc/default/ufw';

/** Files that the undo of a firewall change puts back. */
const SAVED = [V4, V6, '/etc/ufw/ufw.conf', DEFAULTS];
const saved = (path: string): string => quote(`${PATHS.loginUndo}/${path.replaceAll('/', '_')}`);

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

/** Returns the wanted rules of a file: hapg's together, foreign rules around them in their places (the first match decides). */
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
  // ufw has never written this file: it is the packaged skeleton without an end mark.
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

/** The chains that hold nothing but rules of user.rules; those of logging get others as well. */
const USER_CHAIN = /^-A (ufw6?-user-(?:input|output|forward)) /;

/** Counts a file's rules by user chain. */
function countByChain(list: readonly Block[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of list.flatMap(({ rules }) => rules)) {
    const chain = USER_CHAIN.exec(line)?.[1];
    if (chain) counts[chain] = (counts[chain] ?? 0) + 1;
  }
  return counts;
}

/** Whether the kernel has as many rules in each chain as the file. */
function isLoaded(list: readonly Block[], live: Record<string, number> | undefined): boolean {
  const wanted = countByChain(list);
  return (
    live !== undefined &&
    [...new Set([...Object.keys(wanted), ...Object.keys(live)])].every(
      (chain) => (wanted[chain] ?? 0) === (live[chain] ?? 0),
    )
  );
}

/** Whether rules of the model need IPv6, which ufw drops. */
const lacksIPv6 = (want: FirewallWant, state: FirewallState): boolean => state.ipv6 === 'off' && want.rules.some(isV6);

/** Whether turning ufw on would drop packets that the host forwards for others. */
const cutsForwarding = ({ forwards }: FirewallWant, { enabled, forward }: FirewallState): boolean =>
  forwards !== undefined && !enabled && forward !== 'ACCEPT';

/**
 * POSIX sh that loads the files. ufw's own reload empties every chain first and drops packets meanwhile: a new
 * connection waits a second for its second try (RFC 6298). When everything but the rules is loaded already, only they
 * are replaced, each file atomically, as ufw itself does at the end of a reload.
 */
function load(want: FirewallWant, state: FirewallState): string {
  const { enabled, policy, live4, live6, ipv6 } = state;
  const ready = enabled && policy === 'DROP' && live4 !== undefined && !lacksIPv6(want, state);
  if (ready && (ipv6 !== 'used' || live6 === 'unknown')) return `iptables-restore -n < ${V4}`;
  if (ready && live6 !== undefined) return `iptables-restore -n < ${V4}\nip6tables-restore -n < ${V6}`;
  const cure =
    live6 === 'unknown' && ipv6 === 'used'
      ? ` || { echo 'ip6tables does not work on this host, and ufw wants it: write IPV6=no in ${DEFAULTS}'; exit 1; }`
      : '';
  return `if grep -q '^ENABLED=yes' /etc/ufw/ufw.conf && iptables -S ufw-user-input >/dev/null 2>&1; then ufw reload; else ufw --force enable; fi${cure}`;
}

/**
 * ufw's rules, computed from the model. They are written to ufw's own files and loaded once: a hundred `ufw allow` take
 * half a minute, and `ufw status` takes a second.
 */
export const firewallKind: Kind<FirewallWant, FirewallState> = {
  name: 'firewall',
  probe: () => `[ -e /etc/ufw/ufw.conf ] && echo installed=yes
[ -e /proc/sys/net/ipv6 ] && echo kernel6=yes
for f in /etc/ufw/ufw.conf ${DEFAULTS}; do
  [ ! -r "$f" ] || while read -r line || [ -n "$line" ]; do case "$line" in [A-Z]*) echo "$line" ;; esac; done < "$f"
done
iptables -S 2>/dev/null
ip6tables -S 2>/dev/null && echo works6=yes
[ ! -e ${V4} ] && [ ! -e ${V6} ] || tail -v -n +1 -- ${V4} ${V6} 2>/dev/null`,
  parse(answer, steps) {
    const field = (name: string) =>
      (new RegExp(`^${name}=(.*)$`, 'm').exec(answer)?.[1] ?? '').trim().replace(/^["']|["']$/g, '');
    const yes = (name: string) => field(name).toLowerCase() === 'yes';
    const [kernel = ''] = answer.split(/^==> /m);
    const live = (prefix: 'ufw' | 'ufw6') =>
      new RegExp(`^-A INPUT .*-j ${prefix}-before-input$`, 'm').test(kernel)
        ? countByChain([
            { tuple: '', rules: kernel.split('\n').filter((line) => line.startsWith(`-A ${prefix}-user-`)) },
          ])
        : undefined;
    /** Returns the text of a file from the output of `tail -v`. */
    const text = (path: string) =>
      answer
        .split(/\n?^==> (\S+) <==\n/m)
        .flatMap((part, index, parts) => (parts[index - 1] === path ? [part] : []))[0] ?? '';
    const state: FirewallState = {
      installed: yes('installed'),
      enabled: yes('ENABLED'),
      policy: field('DEFAULT_INPUT_POLICY'),
      forward: field('DEFAULT_FORWARD_POLICY'),
      ipv6: !yes('kernel6') ? 'none' : yes('IPV6') || !yes('installed') ? 'used' : 'off',
      v4: text(V4),
      v6: text(V6),
      live4: live('ufw'),
      live6: yes('works6') ? live('ufw6') : 'unknown',
    };
    return new Map(steps.map((one) => [one.id, state]));
  },
  diff({ want }, state) {
    const six = state.ipv6 === 'used' || lacksIPv6(want, state);
    const next4 = wanted(want, state.v4, 4);
    const next6 = six ? wanted(want, state.v6, 6) : [];
    const before = [...blocks(state.v4), ...(six ? blocks(state.v6) : [])];
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
    if (cutsForwarding(want, state))
      reasons.push(`default forwarded ${state.forward} → ACCEPT, for ${want.forwards} forwards here`);
    if (lacksIPv6(want, state)) reasons.push('IPV6 no → yes');
    const loaded = isLoaded(next4, state.live4) && (!six || state.live6 === 'unknown' || isLoaded(next6, state.live6));
    if (state.enabled && same && !loaded) reasons.push('loaded rules differ from the files → reload');
    if (reasons.length === 0) return undefined;
    return {
      action: state.enabled ? 'update' : 'create',
      summary: reasons.join(', '),
      ...(same ? {} : { before: before.map(readable).join('\n'), after: after.map(readable).join('\n') }),
    };
  },
  async change({ want }, state, remote) {
    const six = state.ipv6 === 'used' || lacksIPv6(want, state);
    const files: [path: string, text: string][] = [
      [V4, splice(state.v4, wanted(want, state.v4, 4), 4)],
      ...(six ? [[V6, splice(state.v6, wanted(want, state.v6, 6), 6)] as [string, string]] : []),
    ];
    const defaults = [
      's/^DEFAULT_INPUT_POLICY=.*/DEFAULT_INPUT_POLICY="DROP"/',
      ...(cutsForwarding(want, state) ? ['s/^DEFAULT_FORWARD_POLICY=.*/DEFAULT_FORWARD_POLICY="ACCEPT"/'] : []),
      ...(lacksIPv6(want, state) ? ['s/^IPV6=.*/IPV6=yes/'] : []),
    ];
    await remote.run(`set -e
umask 027
${files.map(([path, text]) => `${print(text)} > ${path}.hapg-new`).join('\n')}
${files.map(([path]) => `mv -f ${path}.hapg-new ${path}`).join('\n')}
sed -i ${quote(defaults.join('; '))} ${DEFAULTS}
${load(want, state)}`);
  },
  notes: ({ want }, state) =>
    want.exclusive
      ? []
      : [...blocks(state.v4), ...blocks(state.v6)]
          .filter((one) => !isOurs(one))
          .map((one) => `drift, kept: ${readable(one)}`),
  save: () => SAVED.map((path) => `[ ! -e ${path} ] || cp -a ${path} ${saved(path)}`).join('\n'),
  undo: () => `${SAVED.map((path) => `[ ! -e ${saved(path)} ] || cp -a ${saved(path)} ${path}`).join('\n')}
if grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then ufw reload; else ufw --force disable; fi`,
};

/** A step: ufw with these rules. `forwards` names what forwards packets for others here. */
export const firewall = (role: RoleName, rules: Rule[], exclusive: boolean, forwards?: string): Step =>
  step(firewallKind, role, 'ufw', { rules, exclusive, forwards }, { guarded: true });
