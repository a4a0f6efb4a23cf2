import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { client } from '../../roles/client/client.ts';
import { haproxy } from '../../roles/haproxy/haproxy.ts';
import { hardening } from '../../roles/hardening/hardening.ts';
import { installScript } from '../../src/programs/apt.ts';
import { Secret } from '../../src/secret.ts';
import { type FileOptions, type FileWant, file } from '../../src/steps/file.ts';
import type { Remote, Step } from '../../src/steps/step.ts';
import { type StrayCluster, strayClusters } from '../../src/steps/stray-clusters.ts';
import { contextFor, FACTS, labCluster } from './model.ts';
import { sh } from './sh.ts';

const root = mkdtempSync(join(tmpdir(), 'hapg-not-ours-'));
after(() => rmSync(root, { recursive: true, force: true }));

const mine = { owner: userInfo().username, group: sh('id -gn').out.trim() };
const remote: Remote = {
  host: labCluster().hosts[0]!,
  run: async (script) => {
    const { code, out } = sh(script);
    if (code !== 0) throw new Error(out);
    return out;
  },
  unit: async () => '',
  handingOver: (_to, work) => work(),
  doing: () => undefined,
};
const stateOf = (step: Step) => step.kind.parse(sh(`${step.kind.probe([step])}\ntrue`).out, [step]).get(step.id);
const summary = (step: Step) => step.kind.diff(step, stateOf(step))?.summary;
const make = (step: Step) => step.kind.change(step, stateOf(step), remote);

/* Files that somebody else wrote. */

const path = (name: string) => join(mkdtempSync(join(root, 'file-')), name);
const OURS = '# Managed by hapg\nnew\n';
const write = (where: string, content: string | Secret = OURS, options: FileOptions = {}) =>
  file('haproxy', where, content, { ...mine, mode: '0640', ...options });

for (const content of [OURS, new Secret(OURS)])
  test(`a ${content instanceof Secret ? 'secret ' : ''}file of somebody else's is told in the plan, and kept beside the new one, once`, async () => {
    const where = path('haproxy.cfg');
    writeFileSync(where, 'global\n  # tuned for years\n', { mode: 0o600 });
    assert.match(
      summary(write(where, content))!,
      /replaces a file that hapg did not write, which is kept as .*haproxy\.cfg\.hapg-before/,
    );
    await make(write(where, content));
    assert.equal(summary(write(where, content)), undefined);
    const copy = `${where}.hapg-before`;
    assert.equal(readFileSync(copy, 'utf8'), 'global\n  # tuned for years\n');
    assert.equal(statSync(copy).mode & 0o777, 0o600, 'as private as it was');
    writeFileSync(where, 'edited by hand\n');
    assert.doesNotMatch(summary(write(where, content))!, /did not write/, 'what was there first is safe');
    await make(write(where, content));
    assert.equal(readFileSync(copy, 'utf8'), 'global\n  # tuned for years\n');
  });

for (const [what, name, before, content] of [
  ['one that is not there', 'haproxy.cfg', undefined, OURS],
  ["hapg's own of an earlier run", 'haproxy.cfg', '# Managed by hapg. Older words\nold\n', OURS],
  ["one with hapg's name", '60-hapg.conf', 'anything\n', OURS],
  ['one of which nobody can say whose it is', 'ca.crt', 'old certificate\n', 'new certificate\n'],
] as const)
  test(`no copy is made of ${what}`, async () => {
    const where = path(name);
    if (before !== undefined) writeFileSync(where, before);
    assert.doesNotMatch(summary(write(where, content))!, /did not write/);
    await make(write(where, content));
    assert.ok(!existsSync(`${where}.hapg-before`));
  });

test('the banner of a host and the passwords of its root are kept, though the new ones bear no mark', async () => {
  const cluster = labCluster();
  const context = await contextFor(cluster);
  const here = (steps: Step[], name: string): Step => {
    const one = steps.find(({ id }) => id === `file ${name}`)!.want as FileWant;
    return write(path(basename(name)), one.content as string, { foreign: one.foreign! });
  };
  const keeps = async (step: Step, before: string) => {
    const { path: where } = step.want as FileWant;
    mkdirSync(dirname(where), { recursive: true });
    rmSync(`${where}.hapg-before`, { force: true });
    writeFileSync(where, before);
    await step.kind.change(step, stateOf(step), remote);
    return existsSync(`${where}.hapg-before`);
  };
  const proxy = cluster.hosts.find(({ name }) => name === 'proxy1')!;
  assert.equal(await keeps(here(hardening(proxy, context), '/etc/issue'), 'Welcome to Acme\n'), true);
  const passwords = here(client(proxy, context), '/root/.pgpass');
  assert.equal(await keeps(passwords, 'db.example.com:5432:*:alice:secret\n'), true);
  assert.equal(await keeps(passwords, '*:*:*:*:wrong\n'), true);
  assert.equal(
    await keeps(passwords, '*:*:*:app:an earlier password\n'),
    false,
    'no password that was rotated stays behind',
  );
});

/* Other clusters of PostgreSQL. */

interface There {
  version: string;
  name: string;
  start?: 'auto' | 'disabled' | 'manual';
  running?: boolean;
  /** What psql answers to the count of users' objects; nothing: it does not answer. */
  objects?: string;
  /** NextOID of pg_controldata. */
  oid?: string;
  removed?: boolean;
}

/** Makes clusters of postgresql-common below a directory, and probes them with programs that answer for them. */
function strays(...there: There[]): StrayCluster[] {
  const home = mkdtempSync(join(root, 'stray-'));
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const is = there.map(
    ({ version, name, running }) => `*postgresql@${version}-${name}.service) exit ${running ? 0 : 3} ;;`,
  );
  writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\ncase "$*" in ${is.join(' ')} esac\nexit 4\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'runuser'), '#!/bin/sh\nshift 3\nexec "$@"\n', { mode: 0o755 });
  const says = there.map(
    ({ objects }, index) => `*'-p ${5432 + index} '*) ${objects === undefined ? 'exit 2' : `echo ${objects}`} ;;`,
  );
  for (const [index, { version, name, start = 'auto', oid, removed }] of there.entries()) {
    const conf = join(home, 'etc', version, name);
    mkdirSync(conf, { recursive: true });
    writeFileSync(join(conf, 'start.conf'), `# comment\n${start}\n`);
    writeFileSync(
      join(conf, 'postgresql.conf'),
      `data_directory = '/srv/x'\t\t# use data in another directory\nport = ${5432 + index}\n`,
    );
    const server = join(home, 'lib', version, 'bin');
    mkdirSync(server, { recursive: true });
    if (!removed) writeFileSync(join(server, 'postgres'), '', { mode: 0o755 });
    writeFileSync(join(server, 'psql'), `#!/bin/sh\ncase "$* " in ${says.join(' ')} esac\n`, { mode: 0o755 });
    writeFileSync(
      join(server, 'pg_controldata'),
      `#!/bin/sh\n${oid === undefined ? 'exit 1' : `echo "Latest checkpoint's NextOID:          ${oid}"`}\n`,
      { mode: 0o755 },
    );
  }
  const step = strayClusters('patroni', { stopUsed: false });
  const script = step.kind
    .probe([step])
    .replaceAll('/etc/postgresql/', `${join(home, 'etc')}/`)
    .replaceAll('/usr/lib/postgresql/', `${join(home, 'lib')}/`);
  return step.kind.parse(sh(script, { path: bin }).out, [step]).get(step.id) as StrayCluster[];
}

const CLUSTERS: [what: string, there: There, used: boolean | undefined][] = [
  ['runs and was never used', { version: '17', name: 'main', running: true, objects: '0' }, false],
  ['runs and holds something', { version: '15', name: 'main', running: true, objects: '3' }, true],
  ['runs and does not answer', { version: '15', name: 'main', running: true }, true],
  ['would start at the next boot and was never used', { version: '17', name: 'main', oid: '13577' }, false],
  ['would start at the next boot and holds something', { version: '17', name: 'main', oid: '24576' }, true],
  ['would start at the next boot, with data that cannot be read', { version: '17', name: 'main' }, true],
  ['is turned off', { version: '15', name: 'old', start: 'disabled', oid: '24576' }, undefined],
  ['is turned off, and yet runs', { version: '15', name: 'old', start: 'disabled', running: true, objects: '9' }, true],
  ['has no server any more', { version: '13', name: 'main', removed: true }, undefined],
];
for (const [what, there, used] of CLUSTERS)
  test(`a PostgreSQL that ${what}: ${used === undefined ? 'none of our business' : used ? "somebody else's" : 'stopped as a leftover of its package'}`, () => {
    const found = strays(there);
    assert.deepEqual(
      found.map((one) => one.used),
      used === undefined ? [] : [used],
    );
    const step = strayClusters('patroni', { stopUsed: false });
    if (used === false) assert.equal(step.kind.refuse!(step, found), undefined);
    if (used)
      assert.match(
        step.kind.refuse!(step, found)!,
        new RegExp(`PostgreSQL ${there.version}/${there.name} \\(port 5432\\).*stop_other_clusters: true`),
      );
    const allowed = strayClusters('patroni', { stopUsed: true });
    assert.equal(allowed.kind.refuse!(allowed, found), undefined);
    if (used !== undefined)
      assert.equal(
        step.kind.diff(step, found)!.summary,
        `stop and disable ${there.version}/${there.name}; data is kept`,
      );
  });

test('of two other clusters each is judged by itself', () => {
  assert.deepEqual(
    strays(
      { version: '15', name: 'app', running: true, objects: '7' },
      { version: '17', name: 'main', running: true, objects: '0' },
    ).map(({ version, port, used }) => `${version} ${port} ${used}`),
    ['15 5432 true', '17 5433 false'],
  );
});

/* Packages of others. */

/** Runs the installation with an apt-get that would have to remove something. */
function install(removes: string): { out: string; code: number | null } {
  const bin = mkdtempSync(join(root, 'apt-'));
  const stubs = {
    'apt-get': `case "$*" in
*' -s '*) printf 'Remv %s [1]\\n' ${removes}; exit 0 ;;
*'--no-remove'*' install '*) ${removes ? "echo 'E: Packages need to be removed but remove is disabled.'; exit 100" : 'echo installed; exit 0'} ;;
*' install '*) echo removed and installed; exit 0 ;;
esac`,
    dpkg: 'exit 0',
  };
  for (const [name, text] of Object.entries(stubs))
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return sh(installScript(['chrony', 'auditd']), { path: bin });
}

test('nothing that is there is removed for what hapg installs; what would be is named', () => {
  const { code, out } = install('ntpsec sntp');
  assert.equal(code, 100);
  assert.match(out, /apt would remove ntpsec sntp for chrony auditd: remove what nobody needs yourself/);
  assert.doesNotMatch(out, /removed and installed/);
  const fine = install('');
  assert.equal(fine.code, 0);
  assert.match(fine.out, /installed/);
});

/* Kernels without IPv6. */

test('HAProxy listens on IPv4 alone where the kernel has nothing else', async () => {
  const cluster = labCluster();
  const context = await contextFor(cluster);
  const proxy = cluster.hosts.find(({ name }) => name === 'proxy1')!;
  const binds = (ipv6: boolean): string[] => {
    const steps = haproxy(proxy, { ...context, facts: () => ({ ...FACTS, ipv6 }) });
    const { content } = steps.find(({ id }) => id === 'file /etc/haproxy/haproxy.cfg')!.want as FileWant;
    return [...(content as Secret).reveal().matchAll(/^ {4}bind (.*)$/gm)].map(([, bind]) => bind!);
  };
  assert.deepEqual(binds(true), [':::7000 v4v6', ':::5000 v4v6', ':::5001 v4v6', ':::5002 v4v6', ':::5003 v4v6']);
  assert.deepEqual(binds(false), [':7000', ':5000', ':5001', ':5002', ':5003']);
});
