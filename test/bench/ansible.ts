import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { stringify } from 'yaml';
import { apply } from '../../playbooks/apply.ts';
import { allSteps } from '../../src/engine/plan.ts';
import { assumedContext } from '../../src/engine/survey.ts';
import { loadInventory } from '../../src/inventory/load.ts';
import type { Cluster, Host } from '../../src/inventory/model.ts';
import { gatewayOf } from '../../src/lab/docker/network.ts';
import { labAdd } from '../../src/lab/lab.ts';
import { subnetOf } from '../../src/lab/subnet.ts';
import { PATHS } from '../../src/paths.ts';
import { ROLE_NAMES } from '../../src/roles.ts';
import { Secret } from '../../src/secret.ts';
import { SecretStore } from '../../src/secrets/store.ts';
import type { DirectoryWant } from '../../src/steps/directory.ts';
import type { FileWant } from '../../src/steps/file.ts';
import type { PackageWant } from '../../src/steps/package.ts';
import type { UnitWant } from '../../src/steps/unit.ts';
import { delayProxy } from '../support/delay-proxy.ts';

/**
 * `hapg apply` beside Ansible on the same lab, turn about: a run that changes nothing, and a run that puts one edited file
 * back, without delay and with 50 ms of round trip. Ansible is Debian 13's, in a container of the lab's network, with
 * pipelining and with Mitogen. Needs a lab that is up and applied.
 */
const { values } = parseArgs({
  options: {
    inventory: { type: 'string', short: 'i', default: 'inventory/lab.yaml' },
    runs: { type: 'string', default: '5' },
    delays: { type: 'string', default: '0,50' },
  },
});
const RUNS = Number(values.runs);
const BIN = resolve('dist/hapg.js');
const CONTROLLER = 'ansible';
const EDITED = '/etc/haproxy/haproxy.cfg';
const { cluster } = loadInventory(values.inventory);
const network = subnetOf(cluster.hosts[0]!.address);
const address = network.replace('.0/24', '.91');
const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

const container = (host: string) => `${cluster.name}-${host}`;
function on(host: string, script: string, input?: string): string {
  const { status, stdout, stderr } = spawnSync('docker', ['exec', '-i', container(host), 'sh', '-c', script], {
    encoding: 'utf8',
    input: input ?? '',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${host}: ${script.slice(0, 200)}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  return stdout;
}

/** What hapg wants of a host, in the words of Ansible's modules; files are written below `directory`. */
function hostVars(host: Host, directory: string, context: ReturnType<typeof assumedContext>): object {
  const steps = allSteps(apply, host, context, { hosts: cluster.hosts, roles: new Set(ROLE_NAMES) })
    .flatMap((one) => one.steps)
    .filter((one) => one.notApplicable === undefined);
  const want = <W>(kind: string) => steps.filter((one) => one.kind.name === kind).map((one) => one.want as W);
  // Which inventory was applied is hapg's own affair, and another one is used where there is a delay.
  const files = want<FileWant>('file').filter(
    (one) => one.content !== undefined && !one.once && one.path !== PATHS.identity,
  );
  mkdirSync(join(directory, 'files', host.name), { recursive: true });
  return {
    packages: [...new Set(want<PackageWant>('packages').flatMap((one) => one.names))],
    directories: want<DirectoryWant>('directory'),
    files: files.map(({ path, content, owner, group, mode }, index) => {
      const source = `files/${host.name}/${index}`;
      writeFileSync(join(directory, source), content instanceof Secret ? content.reveal() : content!, { mode: 0o600 });
      return { path, owner, group, mode, source, notify: path === EDITED ? 'Reload HAProxy' : 'Nothing' };
    }),
    units: want<UnitWant>('unit')
      .filter((one) => one.active)
      .map((one) => one.name),
  };
}

/** The playbook, its variables and the lab's key, on the container that plays the Ansible controller. */
async function prepare(directory: string): Promise<void> {
  const secrets = (await SecretStore.read(cluster))!;
  const context = assumedContext(cluster, secrets);
  for (const name of ['host_vars', 'files']) mkdirSync(join(directory, name), { mode: 0o700 });
  for (const host of cluster.hosts)
    writeFileSync(join(directory, 'host_vars', `${host.name}.yml`), stringify(hostVars(host, directory, context)));
  writeFileSync(join(directory, 'site.yml'), readFileSync('test/bench/ansible/site.yml'));
  const key = resolve(values.inventory, '..', cluster.settings.ssh.key!);
  writeFileSync(join(directory, 'key'), readFileSync(key), { mode: 0o600 });
  await labAdd(cluster, CONTROLLER, address);
  on(
    CONTROLLER,
    'DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install ansible-core ansible-mitogen openssh-client </dev/null',
  );
  execFileSync('docker', ['cp', '-q', `${directory}/.`, `${container(CONTROLLER)}:/root/bench`]);
}

/** Runs a program beside this process's own work, for the delay is made by this process. Rejects when it fails. */
async function timed(program: string, ...args: string[]): Promise<{ ms: number; out: string }> {
  const started = performance.now();
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 28 });
  return { ms: performance.now() - started, out: stdout };
}

type Reach = (host: Host) => { host: string; port: number };

async function ansible(strategy: 'pipelining' | 'mitogen', reach: Reach): Promise<{ ms: number; changed: number }> {
  const hosts = cluster.hosts.map((host) => {
    const { host: name, port } = reach(host);
    return `${host.name} ansible_host=${name} ansible_port=${port} ansible_user=root`;
  });
  on(CONTROLLER, 'cat > /root/bench/hosts', `${hosts.join('\n')}\n`);
  const mitogen =
    strategy === 'mitogen'
      ? '\nstrategy_plugins = /usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy\nstrategy = mitogen_linear'
      : '';
  on(
    CONTROLLER,
    'cat > /root/bench/ansible.cfg',
    `[defaults]\ninventory = hosts\nforks = 20\nhost_key_checking = false\nprivate_key_file = key\ninterpreter_python = /usr/bin/python3${mitogen}\n[ssh_connection]\npipelining = true\nssh_args = -o ControlMaster=auto -o ControlPersist=60s\n`,
  );
  const { ms, out } = await timed(
    'docker',
    ...['exec', container(CONTROLLER), 'sh', '-c', 'cd /root/bench && chmod 0700 . && ansible-playbook site.yml'],
  );
  const recap = [...out.matchAll(/changed=(\d+) +unreachable=(\d+) +failed=(\d+)/g)];
  if (recap.length !== cluster.hosts.length) throw new Error(out.slice(-3000));
  // Every run pays for its own connections, as the first of the day does.
  on(CONTROLLER, 'pkill -f "[s]sh:.*mux"; true');
  // Its recap counts what a changed file has set off as well.
  const handled = [...out.slice(out.indexOf('RUNNING HANDLER')).matchAll(/^changed: /gm)].length;
  const handlers = out.includes('RUNNING HANDLER') ? handled : 0;
  return { ms, changed: recap.reduce((sum, one) => sum + Number(one[1]), 0) - handlers };
}

/** hapg with the same reach: an inventory beside the lab's, with other ports. */
async function hapg(inventory: string): Promise<{ ms: number; changed: number }> {
  const { ms, out } = await timed(process.execPath, BIN, 'apply', '-i', inventory, '--yes', '-o', 'json');
  const { changes } = JSON.parse(out) as { changes: { action: string }[] };
  return { ms, changed: changes.filter((one) => one.action !== 'reload').length };
}

const balancers = cluster.hosts.filter((host) => host.roles.has('haproxy'));
const edit = () => {
  for (const host of balancers) on(host.name, `echo '# edited' >> ${EDITED}`);
};
/** State of what both claim to bring about. */
const manifest = (): string =>
  cluster.hosts
    .map((host) =>
      on(
        host.name,
        `find /etc -xdev -type f ! -name "*.dpkg-*" ! -path ${PATHS.identity} -printf "%p %m %u:%g\\n" | sort; find /etc -xdev -type f ! -path ${PATHS.identity} -exec sha256sum {} + | sort -k2; systemctl show -p Id,ActiveState,UnitFileState etcd patroni haproxy keepalived pgbackrest ssh`,
      ),
    )
    .join('\n');

/** An inventory whose hosts are reached through other ports of loopback; it shares the lab's directory of state. */
function through(model: Cluster, ports: ReadonlyMap<string, number>): string {
  let text = readFileSync(values.inventory, 'utf8');
  const known = join(model.stateDir, 'known_hosts');
  for (const host of model.hosts) {
    const [from, to] = [host.ssh.port!, ports.get(host.name)!];
    text = text.replace(`port: ${from}`, `port: ${to}`);
    const line = readFileSync(known, 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`[127.0.0.1]:${from} `))!;
    appendFileSync(known, `${line.replace(`:${from} `, `:${to} `)}\n`);
  }
  const file = resolve(values.inventory, '..', 'bench-delayed.yaml');
  writeFileSync(file, text);
  return file;
}

const directory = mkdtempSync(join(tmpdir(), 'hapg-ansible-'));
chmodSync(directory, 0o700);
const known = join(cluster.stateDir, 'known_hosts');
const knownBefore = readFileSync(known);
const rows: string[] = [];
try {
  await prepare(directory);
  const before = manifest();
  for (const delay of values.delays.split(',').map(Number)) {
    const gateway = await gatewayOf(network);
    const outside = await Promise.all(cluster.hosts.map((host) => delayProxy(gateway, host.ssh.port!, delay)));
    const inside = await Promise.all(cluster.hosts.map((host) => delayProxy('127.0.0.1', host.ssh.port!, delay)));
    const index = (host: Host) => cluster.hosts.indexOf(host);
    // Proxies only where there is a delay: without one both take the straightest way.
    const reach: Reach = (host) =>
      delay === 0 ? { host: host.address, port: 22 } : { host: gateway, port: outside[index(host)]!.port };
    const inventory =
      delay === 0
        ? values.inventory
        : through(cluster, new Map(cluster.hosts.map((host) => [host.name, inside[index(host)]!.port])));
    const tools = {
      hapg: () => hapg(inventory),
      'ansible, pipelining': () => ansible('pipelining', reach),
      'ansible, mitogen': () => ansible('mitogen', reach),
    };
    for (const work of Object.values(tools)) await work();
    for (const [what, spoil, changed] of [
      ['nothing to do', () => undefined, 0],
      ['one file on two hosts', edit, balancers.length],
    ] as const) {
      const times = new Map(Object.keys(tools).map((name): [string, number[]] => [name, []]));
      for (let round = 0; round < RUNS; round++)
        for (const [name, work] of Object.entries(tools)) {
          spoil();
          const result = await work();
          if (result.changed !== changed)
            throw new Error(`${name}, ${what}: ${result.changed} changes, not ${changed}`);
          times.get(name)!.push(result.ms);
        }
      const ours = median(times.get('hapg')!);
      for (const [name, list] of times) {
        const row = `${what.padEnd(22)} ${String(delay).padStart(3)} ms  ${name.padEnd(20)} ${(median(list) / 1000).toFixed(2).padStart(7)} s  (${(Math.min(...list) / 1000).toFixed(2)} to ${(Math.max(...list) / 1000).toFixed(2)})  ${(median(list) / ours).toFixed(1).padStart(6)} x`;
        console.log(row);
        rows.push(row);
      }
    }
    for (const one of [...outside, ...inside]) one.close();
  }
  const same = manifest() === before;
  console.log(`state of all hosts afterwards ${same ? 'is what it was before' : 'DIFFERS from before'}`);
  if (!same) process.exitCode = 1;
} finally {
  writeFileSync(known, knownBefore);
  rmSync(resolve(values.inventory, '..', 'bench-delayed.yaml'), { force: true });
  rmSync(directory, { recursive: true, force: true });
  spawnSync('docker', ['rm', '-f', container(CONTROLLER)]);
}
