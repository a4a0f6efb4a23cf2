import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FirewallState, firewall, firewallKind, type Rule } from '../../src/steps/firewall.ts';

const RULES: Rule[] = [
  { protocol: 'tcp', port: 22, from: undefined, purpose: 'ssh' },
  { protocol: 'vrrp', port: undefined, from: '10.0.0.2', purpose: 'vrrp' },
  { protocol: 'tcp', port: 5432, from: 'fd00::2', purpose: 'postgresql' },
];
const SKELETON = '*filter\n### RULES ###\n\n### END RULES ###\nCOMMIT\n';
const BLANK: FirewallState = { installed: true, enabled: true, policy: 'DROP', v4: SKELETON, v6: SKELETON, live: 0 };

/** What the change would write, read back as the next probe would. */
async function written(rules: Rule[], state: FirewallState, exclusive = false): Promise<FirewallState> {
  const step = firewall('ufw', rules, exclusive);
  let script = '';
  await firewallKind.change(step, state, {
    host: {} as never,
    run: async (text) => {
      script = text;
      return '';
    },
    unit: async () => '',
    doing: () => undefined,
  });
  const texts = [...script.matchAll(/printf %s '((?:[^']|'\\'')*)' > (\S+)\.hapg-new/g)].map((match) =>
    match[1]!.replaceAll(`'\\''`, "'"),
  );
  const count = (text: string) => text.split('\n').filter((line) => /^-A ufw6?-user-input/.test(line)).length;
  return { ...state, v4: texts[0]!, v6: texts[1]!, live: count(texts[0]!) + count(texts[1]!) };
}
const diff = (rules: Rule[], state: FirewallState, exclusive = false) =>
  firewallKind.diff(firewall('ufw', rules, exclusive), state);
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
    const state = { ...ours, v4, live: ours.live + 1 };
    assert.equal(diff(RULES, state), undefined, place);
    assert.match(firewallKind.notes!(firewall('ufw', RULES, false), state)[0]!, /drift, kept/);
    assert.match(diff(RULES, state, true)!.summary, /rules/);
    assert.doesNotMatch((await written(RULES, state, true)).v4, /192\.0\.2\.9/);
    const more = await written([...RULES, { protocol: 'tcp', port: 9, from: '10.0.0.3', purpose: 'x' }], state);
    assert.equal(more.v4.indexOf('192.0.2.9') < more.v4.indexOf('dport 22'), place === 'before');
  }
});

const DRIFT: [string, Partial<FirewallState>, RegExp][] = [
  ['a firewall that is off', { enabled: false }, /off → on/],
  ['an open default', { policy: 'ACCEPT' }, /default incoming ACCEPT → DROP/],
  ['rules that the kernel does not have', { live: 0 }, /loaded rules differ/],
  ['rules that were flushed', { live: -1 }, /loaded rules differ/],
];
for (const [what, change, says] of DRIFT)
  test(`${what} is drift`, async () => {
    assert.match(diff(RULES, { ...(await written(RULES, BLANK)), ...change })!.summary, says);
  });
