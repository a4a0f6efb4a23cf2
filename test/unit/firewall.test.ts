import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FirewallState, firewall, firewallKind, type Rule } from '../../src/steps/firewall.ts';
import { sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-firewall-'));
after(() => rmSync(root, { recursive: true, force: true }));

const RULES: Rule[] = [
  { protocol: 'tcp', port: 22, from: undefined, purpose: 'ssh' },
  { protocol: 'vrrp', port: undefined, from: '10.0.0.2', purpose: 'vrrp' },
  { protocol: 'tcp', port: 5432, from: 'fd00::2', purpose: 'postgresql' },
];
const V4_ONLY = RULES.slice(0, 2);
const SKELETON = '*filter\n### RULES ###\n\n### END RULES ###\nCOMMIT\n';
const BLANK: FirewallState = {
  installed: true,
  enabled: true,
  policy: 'DROP',
  forward: 'DROP',
  ipv6: 'used',
  v4: SKELETON,
  v6: SKELETON,
  live4: {},
  live6: {},
};

/** The script of a change. */
async function change(rules: Rule[], state: FirewallState, exclusive = false, forwards?: string): Promise<string> {
  let script = '';
  await firewallKind.change(firewall('ufw', rules, exclusive, forwards), state, {
    host: {} as never,
    run: async (text) => {
      script = text;
      return '';
    },
    unit: async () => '',
    handingOver: (_to, work) => work(),
    doing: () => undefined,
  });
  return script;
}

/** How many rules of each user chain the kernel has once a text is loaded, as `iptables -S` counts them. */
function loaded(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const chain = /^-A (ufw6?-user-(?:input|output|forward)) /.exec(line)?.[1];
    if (chain) counts[chain] = (counts[chain] ?? 0) + 1;
  }
  return counts;
}

/** What the change would write, read back as the next probe would. */
async function written(rules: Rule[], state: FirewallState, exclusive = false): Promise<FirewallState> {
  const script = await change(rules, state, exclusive);
  const text = (name: string) =>
    new RegExp(`printf %s '((?:[^']|'\\\\'')*)' > /etc/ufw/${name}\\.hapg-new`)
      .exec(script)?.[1]
      ?.replaceAll(`'\\''`, "'");
  const [v4, v6] = [text('user.rules')!, text('user6.rules')];
  return {
    ...state,
    v4,
    v6: v6 ?? state.v6,
    live4: loaded(v4),
    live6: v6 === undefined ? state.live6 : loaded(v6),
  };
}
const diff = (rules: Rule[], state: FirewallState, exclusive = false, forwards?: string) =>
  firewallKind.diff(firewall('ufw', rules, exclusive, forwards), state);
const FOREIGN = `\n### tuple ### deny tcp 25 0.0.0.0/0 any 192.0.2.9 in\n-A ufw-user-input -p tcp --dport 25 -s 192.0.2.9 -j DROP\n`;

test('what was written is as wanted, each family in its own file', async () => {
  const state = await written(RULES, BLANK);
  assert.equal(diff(RULES, state), undefined);
  assert.match(state.v4, /-A ufw-user-input -p vrrp -s 10\.0\.0\.2 -j ACCEPT/);
  assert.doesNotMatch(state.v4, /fd00/);
  assert.match(state.v6, /-A ufw6-user-input -p tcp --dport 5432 -s fd00::2 -j ACCEPT/);
});

test('foreign rules stay where they stood, are told, and go only when the model is exclusive', async () => {
  for (const place of ['before', 'after'] as const) {
    const ours = await written(RULES, BLANK);
    const v4 =
      place === 'before'
        ? ours.v4.replace('### RULES ###\n', `### RULES ###\n${FOREIGN}`)
        : ours.v4.replace('\n### END RULES ###', `${FOREIGN}\n### END RULES ###`);
    const state = { ...ours, v4, live4: loaded(v4) };
    assert.equal(diff(RULES, state), undefined, place);
    assert.match(firewallKind.notes!(firewall('ufw', RULES, false), state)[0]!, /drift, kept/);
    assert.match(diff(RULES, state, true)!.summary, /rules/);
    assert.doesNotMatch((await written(RULES, state, true)).v4, /192\.0\.2\.9/);
    const more = await written([...RULES, { protocol: 'tcp', port: 9, from: '10.0.0.3', purpose: 'x' }], state);
    assert.equal(more.v4.indexOf('192.0.2.9') < more.v4.indexOf('dport 22'), place === 'before');
  }
});

/** Blocks as ufw itself writes them (tests of ufw, backend_iptables.py), each with the words of its command. */
const OTHER_KINDS: [command: string, block: string][] = [
  [
    'ufw route allow in on eth0 out on eth1',
    '### tuple ### route:allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1\n-A ufw-user-forward -i eth0 -o eth1 -j ACCEPT',
  ],
  [
    'ufw deny out 25',
    '### tuple ### deny any 25 0.0.0.0/0 any 0.0.0.0/0 out\n-A ufw-user-output -p tcp --dport 25 -j DROP\n-A ufw-user-output -p udp --dport 25 -j DROP',
  ],
  [
    'ufw limit 2222/tcp',
    '### tuple ### limit tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-input -p tcp --dport 2222 -m conntrack --ctstate NEW -m recent --set\n-A ufw-user-input -p tcp --dport 2222 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 -j ufw-user-limit\n-A ufw-user-input -p tcp --dport 2222 -j ufw-user-limit-accept',
  ],
  [
    'ufw allow log 80/tcp',
    '### tuple ### allow_log tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\n-A ufw-user-logging-input -p tcp --dport 80 -m conntrack --ctstate NEW -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW ALLOW] "\n-A ufw-user-logging-input -p tcp --dport 80 -j RETURN\n-A ufw-user-input -p tcp --dport 80 -j ufw-user-logging-input\n-A ufw-user-input -p tcp --dport 80 -j ACCEPT',
  ],
];
for (const [command, block] of OTHER_KINDS)
  test(`a host with the rule of "${command}" converges, and keeps it`, async () => {
    const before = { ...BLANK, v4: SKELETON.replace('### RULES ###\n', `### RULES ###\n\n${block}\n`) };
    const state = await written(RULES, before);
    assert.ok(state.v4.includes(block));
    assert.equal(diff(RULES, state), undefined);
    const less = { ...state.live4, [/-A (ufw-user-(?:input|output|forward))/.exec(block)![1]!]: 99 };
    assert.match(diff(RULES, { ...state, live4: less })!.summary, /loaded rules differ/);
  });

const DRIFT: [string, Partial<FirewallState>, RegExp][] = [
  ['a firewall that is off', { enabled: false }, /off → on/],
  ['an open default', { policy: 'ACCEPT' }, /default incoming ACCEPT → DROP/],
  ['rules that the kernel does not have', { live4: {} }, /loaded rules differ/],
  ['rules of IPv6 that the kernel does not have', { live6: {} }, /loaded rules differ/],
  ['rules that were flushed', { live4: undefined }, /loaded rules differ/],
];
for (const [what, different, says] of DRIFT)
  test(`${what} is drift`, async () => {
    assert.match(diff(RULES, { ...(await written(RULES, BLANK)), ...different })!.summary, says);
  });

const NO_IPV6: [string, Partial<FirewallState>][] = [
  ['a kernel without IPv6', { ipv6: 'none', live6: 'unknown' }],
  ['IPV6=no, where ufw empties user6.rules by itself', { ipv6: 'off', live6: undefined }],
  ['IPV6=no and no ip6tables', { ipv6: 'off', live6: 'unknown' }],
];
for (const [what, different] of NO_IPV6)
  test(`with ${what} the firewall converges by its IPv4 half, and nothing of IPv6 is written or loaded`, async () => {
    const before = { ...BLANK, ...different };
    const script = await change(V4_ONLY, before);
    assert.doesNotMatch(script, /user6|ip6tables/);
    const state = await written(V4_ONLY, before);
    assert.equal(diff(V4_ONLY, state), undefined);
    assert.match(diff(V4_ONLY, { ...state, live4: {} })!.summary, /loaded rules differ/);
  });

test('an ip6tables that does not work is no reason to reload for ever', async () => {
  const state = await written(RULES, { ...BLANK, live6: 'unknown' });
  assert.equal(diff(RULES, { ...state, live6: 'unknown' }), undefined);
  assert.match(
    await change(RULES, { ...BLANK, enabled: false, live6: 'unknown' }),
    /ufw --force enable; fi \|\| \{ echo 'ip6tables does not work/,
  );
});

test('a model with addresses of IPv6 turns it on in ufw, which would drop all of it', async () => {
  const off: FirewallState = { ...BLANK, ipv6: 'off', live6: undefined };
  assert.match(diff(RULES, off)!.summary, /IPV6 no → yes/);
  assert.match(await change(RULES, off), /s\/\^IPV6=\.\*\/IPV6=yes\/[\s\S]*ufw reload/);
});

test('turning ufw on lets a host that forwards for others go on with it', async () => {
  const off = { ...(await written(RULES, BLANK)), enabled: false };
  assert.match(diff(RULES, off, false, 'docker0')!.summary, /forwarded DROP → ACCEPT, for docker0 forwards here/);
  assert.match(await change(RULES, off, false, 'docker0'), /DEFAULT_FORWARD_POLICY="ACCEPT"/);
  for (const [state, forwards] of [
    [off, undefined],
    [{ ...off, enabled: true }, 'docker0'],
  ] as const)
    assert.doesNotMatch(
      await change(RULES, state, false, forwards),
      /FORWARD_POLICY/,
      "what ufw does now is somebody's wish",
    );
});

/** Answers of `iptables -S`: ufw loaded with two rules of incoming and one of forwarded traffic. */
const LISTED = `-P INPUT DROP
-N ufw-before-input
-N ufw-user-forward
-N ufw-user-input
-A INPUT -j ufw-before-logging-input
-A INPUT -j ufw-before-input
-A ufw-before-input -j ufw-user-input
-A ufw-user-forward -i eth0 -o eth1 -j ACCEPT
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
-A ufw-user-input -p tcp -m tcp --dport 80 -j ufw-user-logging-input
-A ufw-user-limit -j REJECT
-A ufw-user-logging-input -p tcp -m tcp --dport 80 -j RETURN
`;
const SIX = LISTED.replaceAll('ufw-', 'ufw6-');

/** Runs the probe with these programs and reads its answer. */
function probed(iptables: string, ip6tables: string): FirewallState {
  for (const [name, script] of Object.entries({ iptables, ip6tables }))
    writeFileSync(join(root, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const step = firewall('ufw', RULES, false);
  return firewallKind.parse(sh(firewallKind.probe([step]), { path: root }).out, [step]).get(step.id)!;
}
const lists = (text: string) => `cat <<'END'\n${text}END`;

test('the probe counts what is loaded by family and chain, in whatever family it is', () => {
  const both = probed(lists(LISTED), lists(SIX));
  assert.deepEqual(both.live4, { 'ufw-user-forward': 1, 'ufw-user-input': 2 });
  assert.deepEqual(both.live6, { 'ufw6-user-forward': 1, 'ufw6-user-input': 2 });
  const four = probed(lists(LISTED), 'echo "Address family not supported" >&2; exit 3');
  assert.deepEqual(four.live4, { 'ufw-user-forward': 1, 'ufw-user-input': 2 });
  assert.equal(four.live6, 'unknown');
  const none = probed(lists('-P INPUT ACCEPT\n'), lists('-P INPUT ACCEPT\n'));
  assert.deepEqual([none.live4, none.live6], [undefined, undefined]);
});
