import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Figures that are no judgement about how long the world takes, with the reason. */
const ALLOWED: Record<string, string> = {
  'src/engine/survey.ts LOOK_AGAIN_MS': 'the pace of looking, not a bound',
  'src/run/status.ts EVERY_MS': 'the pace of looking, not a bound',
  'src/programs/patroni.ts ASK_ROLE_EVERY_S': 'the pace of looking, not a bound',
  'src/programs/patroni.ts ASK_CYCLE_EVERY_S': 'the pace of looking, not a bound',
  'src/view/heartbeat.ts SILENCE_MS': 'how often a person is told',
  'src/decisions/write-gap.ts MEASURED_CHECKS_S': 'a part of a measured figure',
  'src/view/live.ts TICK_MS': 'how often the screen is drawn',
  'src/commands/logs.ts FOLLOW_MS': 'how often new lines are read',
  'src/commands/status.ts WATCH_MS': 'how often the screen is drawn',
  'src/commands/probe.ts SHOW_MS': 'how often the screen is drawn',
  'src/pki/authority.ts DAY_MS': 'the calendar',
  'src/cluster/moment.ts MINUTE_MS': 'the calendar',
  'src/cluster/moment.ts HOUR_MS': 'the calendar',
  'src/cluster/start-time.ts HOUR_MS': 'the calendar',
  'src/run/start-at.ts DRAW_MS': 'how often the screen is drawn',
};

const sources = ['src', 'roles', 'playbooks'].flatMap((top) =>
  readdirSync(top, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(top, name)),
);
/** Where figures of time live. */
const isHome = (path: string): boolean => path.startsWith('src/bounds/') || path === 'src/timing.ts';

/** Constants of time with a figure of their own. */
const constantsIn = (text: string): string[] =>
  [...text.matchAll(/^(?:export )?const ([A-Z][A-Z_]*_(?:S|MS|SECONDS)) = [\d_]/gm)].map(([, name]) => name!);

/** What stands between a bracket and its end, cut at the commas of its own level; texts are left out of the count. */
function argumentsAt(text: string, start: number): string[] {
  const parts: string[] = [];
  const open: string[] = [];
  let begin = start;
  for (let at = start; at < text.length; at++) {
    const sign = text[at]!;
    const top = open.at(-1);
    if (top === "'" || top === '`') {
      if (sign === '\\') at++;
      else if (top === '`' && sign === '$' && text[at + 1] === '{') {
        open.push('{');
        at++;
      } else if (sign === top) open.pop();
    } else if (sign === "'" || sign === '`' || '([{'.includes(sign)) open.push(sign);
    else if (')]}'.includes(sign)) {
      if (open.length === 0) return [...parts, text.slice(begin, at)].map((one) => one.trim());
      open.pop();
    } else if (sign === ',' && open.length === 0) {
      parts.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return parts;
}

/** Playbooks that read the machine's own clock, with the reason. */
const CALENDAR: Record<string, string> = {
  'playbooks/rotate.ts': 'the dates in certificates',
};

test('a playbook takes the time from its operation, so that its waits can be tested', () => {
  const readers = sources.filter(
    (path) => path.startsWith('playbooks/') && /\b(Date|performance)\.now\(/.test(readFileSync(path, 'utf8')),
  );
  assert.deepEqual(readers, Object.keys(CALENDAR));
});

/** Calls that take a time-out, and get a figure of their own for it. */
const callsIn = (text: string): string[] =>
  [...text.matchAll(/\b(run|ask|unit|until|reboot|asking|armUndo|arm|withUndo|around|beside)\(/g)].flatMap(
    ({ index, 0: call }) =>
      argumentsAt(text, index + call.length)
        .filter((one) => /^\d[\d_]*( [*+] [\d_]+)*$/.test(one))
        .map((one) => `${call}… ${one})`),
  );

test('every figure of time is one of the bounds, or is allowed with its reason', () => {
  const found = sources
    .filter((path) => !isHome(path))
    .flatMap((path) => constantsIn(readFileSync(path, 'utf8')).map((name) => `${path} ${name}`));
  assert.deepEqual(
    found.filter((one) => !(one in ALLOWED)),
    [],
  );
  for (const one of Object.keys(ALLOWED)) assert.ok(found.includes(one), `${one} is allowed and is not there`);
});

test('no call is given a time-out as a figure of its own', () => {
  const found = sources
    .filter((path) => !isHome(path))
    .flatMap((path) => callsIn(readFileSync(path, 'utf8')).map((call) => `${path}: ${call}`));
  assert.deepEqual(found, []);
});

test('the scan finds a constant and a call with a figure, and takes no figure of a script for one', () => {
  assert.deepEqual(constantsIn('const GATE_S = 120;\nexport const X_MS = 5_000;\nconst COPY_S = copy(bytes);\n'), [
    'GATE_S',
    'X_MS',
  ]);
  const text =
    "await remote.run(`a $(b, 5) ${c('d, 7')} )`, 330);\nop.until(host, 'x, 9', gate(timing), judge, { everyMs: 5 });";
  assert.deepEqual(callsIn(text), ['run(… 330)']);
});
