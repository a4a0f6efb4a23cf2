import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../src/engine/change.ts';
import type { ShownPlan } from '../../src/engine/plan.ts';
import { showPlan } from '../../src/view/plan.ts';
import { markdownPlan } from '../../src/view/plan-markdown.ts';
import { plain } from '../../src/view/style.ts';

const change = (host: string, stage: string, step: string, more: Partial<Change> = {}): Change => ({
  host,
  stage,
  step,
  role: 'patroni',
  action: 'update',
  summary: 'content',
  knownAfterApply: false,
  ...more,
});
const HOSTS = ['db1', 'db2', 'db3', 'proxy1'];
const count = { ok: 1, changed: 1, failed: 0, unreachable: false, skipped: 0 };
const planOf = (changes: Change[], more: Partial<ShownPlan> = {}): ShownPlan => ({
  changes,
  impact: [],
  notes: [],
  skipped: [],
  hosts: Object.fromEntries(HOSTS.map((host) => [host, count])),
  ...more,
});
const text = (plan: ShownPlan, verbosity = 0): string => plain(showPlan(plan, { diffs: false, verbosity }));

const CHANGES = [
  ...HOSTS.map((host) =>
    change(host, 'identity', 'file /etc/hapg/cluster.json', {
      before: '{"generation": 1}\n',
      after: '{"generation": 2}\n',
    }),
  ),
  ...['db1', 'db2', 'db3'].map((host) =>
    // The files differ, and what is shown of them does not.
    change(host, 'replicas', 'file /etc/p.yml', {
      before: `name: ${host}\na\nb\nc\nmax: 100\n`,
      after: `name: ${host}\na\nb\nc\nmax: 200\n`,
    }),
  ),
  ...['db2', 'db3', 'db1'].map((host) =>
    change(host, 'pending restarts', `restart-pending ${host}`, { action: 'restart', summary: 'for max' }),
  ),
];
const IMPACT: ShownPlan['impact'] = [
  { kind: 'postgres_restart', hosts: ['db2', 'db3', 'db1'], text: 'PostgreSQL restarts on db2, db3, then on db1' },
  { kind: 'write_gap', hosts: ['db1'], text: 'expected write gap: 2-3 s' },
];

test('the impact comes first, then the changes by stage, equal ones of several hosts as one, and bookkeeping is one line', () => {
  assert.equal(
    text(planOf(CHANGES, { impact: IMPACT })),
    `Impact, in this order
  PostgreSQL restarts on db2, db3, then on db1
  expected write gap: 2-3 s

replicas
  db1, db2, db3: ~ file /etc/p.yml  content
      @@ -3,3 +3,3 @@
       b
       c
      -max: 100
      +max: 200

pending restarts
  db2, db3, db1: ! restart-pending  for max

bookkeeping on 4 hosts

10 changes: 7 update, 3 restart`,
  );
});

test('with -v each host is shown by itself, with bookkeeping', () => {
  const shown = text(planOf(CHANGES), 1);
  assert.match(shown, /^identity\n {2}db1: ~ file \/etc\/hapg\/cluster\.json/m);
  assert.equal(shown.split('+max: 200').length - 1, 3);
  assert.match(shown, /^ {2}db2: ! restart-pending {2}for max\n {2}db3: !/m);
  assert.doesNotMatch(shown, /bookkeeping/);
});

test('changes that look different are different entries, and all hosts are called so', () => {
  const changes = HOSTS.map((host) => change(host, 'packages', 'packages x', { summary: 'install x' }));
  changes.push(change('db1', 'packages', 'packages y', { summary: 'install y' }));
  changes.push(change('db2', 'packages', 'packages y', { summary: 'install y z' }));
  assert.match(text(planOf(changes)), /all 4 hosts: ~ packages x .*\n {2}db1: ~ packages y .*\n {2}db2: ~ packages y/);
});

test('a plan that clients do not feel says so, one whose impact is not known too, and one without changes says neither', () => {
  const only = [change('db1', 'hardening', 'file /etc/motd')];
  assert.match(text(planOf(only)), /^No impact on clients\n/);
  assert.match(text(planOf(only, { impact: undefined })), /^Its impact is not known: an older hapg/);
  assert.equal(text(planOf([])), 'No changes: the hosts are as the inventory says.');
  assert.match(markdownPlan(planOf([]), 'main'), /^## Plan for main: no changes\n/);
});

test('Markdown: title with counts, impact, changes by stage with folded diffs', () => {
  assert.equal(
    markdownPlan(planOf(CHANGES, { impact: IMPACT, notes: [{ host: 'db1', text: 'a <b> note of @all' }] }), 'main'),
    `## Plan for main: 10 changes: 7 update, 3 restart

**Impact, in this order**

- PostgreSQL restarts on db2, db3, then on db1
- expected write gap: 2-3 s

> **db1**: a &lt;b&gt; note of &#64;all

### replicas

- **db1, db2, db3**: update \`file /etc/p.yml\`: \`content\`

  <details><summary>5 lines</summary>

  \`\`\`diff
  @@ -3,3 +3,3 @@
   b
   c
  -max: 100
  +max: 200
  \`\`\`

  </details>


### pending restarts

- **db2, db3, db1**: restart \`restart-pending\`: \`for max\`

Bookkeeping on 4 hosts.
`,
  );
});

test('Markdown: nothing in a diff or a summary ends its block', () => {
  const evil = '````\n</details>\n# a heading\n';
  const page = markdownPlan(
    planOf([change('db1', 's', 'file `x`', { summary: 'a\n`b`', before: '', after: evil })]),
    'main',
  );
  assert.match(page, /\n {2}`````diff\n/);
  assert.equal(page.match(/^ {2}`````$/gm)?.length, 1);
  assert.match(page, /update ``\s*file `x`\s*``: ``\s*a `b`\s*``/);
});

test('Markdown: a large plan is cut at what GitHub takes, diffs before entries, and says so', () => {
  const many = Array.from({ length: 400 }, (_, index) =>
    change('db1', `stage ${index % 7}`, `file /etc/${index}`, { before: '', after: `${index}\n`.repeat(100) }),
  );
  const page = markdownPlan(planOf(many), 'main');
  assert.ok(page.length <= 65_536, String(page.length));
  assert.ok(page.length > 60_000);
  assert.match(page, /\n_\d+ items or diffs were left out for want of room; see the text plan\._\n$/);
  const short = markdownPlan(planOf(many.slice(0, 20)), 'main');
  assert.doesNotMatch(short, /left out/);
});
