import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { errnoWords, onFile } from '../file-trouble.ts';
import { type AnsibleInventory, hostsOf } from '../inventory/ansible.ts';
import { readAnsible, readAnsibleList } from '../inventory/ansible-forms.ts';
import { type GeneratedHost, labBackupHost, spread, voters } from '../inventory/datacenters.ts';
import { flowYaml } from '../inventory/edit.ts';
import { type Loaded, parseInventory } from '../inventory/load.ts';
import { splitCidr } from '../inventory/network.ts';
import { readTerraform } from '../inventory/terraform-outputs.ts';
import { BadInventory } from '../inventory/yaml-text.ts';
import { render } from '../render.ts';
import { print, printMessage } from '../run/ask.ts';
import { screen } from '../view/screen.ts';
import { type InitOptions, list } from './init-options.ts';
import { askForInventory } from './init-questions.ts';

/** Flags that only an inventory of several data centers can keep. */
const FOR_DATACENTERS = ['--nodes', '--networks', '--prefix', '--max-databases'];
/** Flags about hosts, which --from-ansible and --from-terraform take from their file. */
const NOT_FROM_FILE = ['--databases', '--witness', '--datacenters', '--balancers', '--backup', '--lab'];

/** Throws UsageError for flags that would be passed over. */
function expectKept({ given, fromAnsible, fromTerraform, datacenters }: InitOptions): void {
  if (fromAnsible !== undefined && fromTerraform !== undefined)
    throw new UsageError('--from-terraform does not go with --from-ansible: each takes all hosts from its file');
  const [from, file] =
    fromAnsible === undefined ? ['--from-terraform', fromTerraform] : ['--from-ansible', fromAnsible];
  const out = given.find((flag) => file !== undefined && NOT_FROM_FILE.includes(flag));
  if (out) throw new UsageError(`${out} does not go with ${from}, which takes the hosts from ${file}`);
  const alone = given.find((flag) => datacenters === undefined && FOR_DATACENTERS.includes(flag));
  if (alone) throw new UsageError(`${alone} goes with --datacenters`);
}

/** `hapg init`: writes a commented and validated inventory from flags, or from answers on a terminal. */
export async function initCommand(file: string, options: InitOptions): Promise<number> {
  if (!existsSync(dirname(file)))
    throw new UsageError(`${file}: the directory ${dirname(file)} is not there: mkdir -p ${dirname(file)}`);
  if (existsSync(file) && !options.force) throw new UsageError(`${file} is there already; --force overwrites it`);
  expectKept(options);
  const asked =
    options.databases || options.datacenters || options.fromAnsible || options.fromTerraform || !screen.canAsk;
  const answers = asked ? options : await askForInventory(options);
  const { fromAnsible, fromTerraform } = answers;
  const text = fromAnsible
    ? fromFile(fromAnsible, answers, () => ansibleInventory(fromAnsible))
    : fromTerraform
      ? fromFile(fromTerraform, answers, () => terraformOutputs(fromTerraform))
      : answers.datacenters
        ? inDatacenters(answers)
        : inOnePlace(answers);
  const { warnings } = validated(text, file);
  onFile(file, () => writeFileSync(file, text));
  for (const warning of warnings) printMessage(warning);
  print(
    `${file} is written. Next, each with -i ${file}: hapg ${options.lab ? 'lab up' : 'trust'}, hapg doctor, hapg plan, hapg apply`,
  );
  return 0;
}

/**
 * Checks the text before it is written. Throws UsageError without line numbers, because the operator has not seen the text.
 */
function validated(text: string, file: string): Loaded {
  try {
    return parseInventory(text, file);
  } catch (cause) {
    if (!(cause instanceof BadInventory)) throw cause;
    throw new UsageError(`nothing was written: ${cause.messages.join('\n')}`);
  }
}

/**
 * A VRRP router id from 1 to 255 made of the cluster's name: two clusters in one network hardly ever get the same one,
 * with which they would take each other's address.
 */
const routerId = (cluster: string): number => (createHash('sha256').update(cluster).digest()[0]! % 255) + 1;

/** The common part of both forms of inventory. */
function inventory(answers: InitOptions, more: { hosts: GeneratedHost[] } & Record<string, unknown>): string {
  const cluster = answers.cluster || 'main';
  return render('init/inventory.yaml', {
    about: [],
    cluster,
    routerId: routerId(cluster),
    user: answers.user || 'root',
    postgres: answers.postgres,
    lab: answers.lab,
    vip: '',
    clients: list(answers.clients).join(', '),
    flow: ({ name: _, ...host }: GeneratedHost) => flowYaml(host),
    ...more,
  });
}

function inOnePlace(answers: InitOptions): string {
  const databases = list(answers.databases);
  if (databases.length === 0) throw new UsageError('--databases ADDRESS,... is needed (a terminal would ask)');
  if (answers.lab) throw new UsageError('--lab goes with --datacenters; inventory/lab.yaml is the lab of one place');
  const balancers = list(answers.balancers);
  const vip = answers.vip ?? '';
  if (vip && balancers.length === 0) throw new UsageError('--vip goes with --balancers, which hold it');
  const witness = list(answers.witness);
  if (databases.length === 2 && witness.length === 0)
    throw new UsageError(
      `--databases ${databases.join()}: two database hosts need a third vote: --witness ADDRESS (a small host with etcd alone), or a third database host. Nothing was written`,
    );
  if (witness.length > 1 || (witness.length === 1 && databases.length % 2 === 1))
    throw new UsageError(
      `--witness ${answers.witness}: one witness makes the votes of an even number of database hosts odd; here are ${databases.length}`,
    );
  // Few hosts in one data center: all of them vote, so that their number is odd.
  const voting = (databases.length + witness.length) % 2 === 1 ? databases.length : databases.length - 1;
  return inventory(answers, {
    vip,
    hosts: [
      ...databases.map((address, index) => ({
        name: `db${index + 1}`,
        address,
        roles: index < voting ? ['etcd', 'patroni'] : ['patroni'],
      })),
      ...witness.map((address) => ({ name: 'witness', address, roles: ['etcd'] })),
      ...list(answers.backup).map((address) => ({ name: 'backup', address, roles: ['pgbackrest'] })),
      ...balancers.map((address, index) => ({
        name: `proxy${index + 1}`,
        address,
        roles: vip ? ['haproxy', 'keepalived'] : ['haproxy'],
      })),
    ],
  });
}

/**
 * Reads an Ansible inventory: with `ansible-inventory` where that is installed, since only Ansible knows all that counts
 * (group_vars, plugins, templates); else the file alone, which is said.
 */
function ansibleInventory(file: string): AnsibleInventory {
  const text = readFileSync(file, 'utf8');
  try {
    return readAnsibleList(
      execFileSync('ansible-inventory', ['-i', file, '--list'], {
        encoding: 'utf8',
        stdio: 'pipe',
        maxBuffer: 1 << 26,
      }),
    );
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string };
    if (code !== 'ENOENT')
      throw new Error(
        `ansible-inventory does not take it: ${stderr?.trim().split('\n').at(-1) ?? (cause as Error).message}`,
      );
  }
  const beside = ['group_vars', 'host_vars'].filter((name) => existsSync(join(dirname(file), name)));
  if (beside.length > 0)
    printMessage(`${file}: ${beside.join(' and ')} beside it are not read: ansible-inventory is not installed`);
  return readAnsible(text);
}

/** Reads the outputs of Terraform. Names those that hold no addresses. */
function terraformOutputs(file: string): AnsibleInventory {
  const { inventory: hosts, unused } = readTerraform(readFileSync(file, 'utf8'));
  for (const name of unused) printMessage(`${file}: ${name} holds no addresses; it is left out`);
  return hosts;
}

/** The hosts of another tool's file, with roles by their groups. */
function fromFile(file: string, answers: InitOptions, read: () => AnsibleInventory): string {
  try {
    const { hosts, unknown } = hostsOf(read());
    for (const name of unknown) printMessage(`${file}: ${name} is in no group that hapg knows; it is left out`);
    const vip = hosts.some((host) => host.roles.includes('keepalived')) ? (answers.vip ?? '') : '';
    if (answers.vip && !vip) throw new UsageError(`--vip: ${file} has no balancer with keepalived that could hold it`);
    if (!vip) for (const host of hosts) host.roles = host.roles.filter((role) => role !== 'keepalived');
    return inventory(answers, {
      about: ['', `Made from ${file}.`, ''],
      vip,
      hosts: hosts.filter((host) => host.roles.length > 0),
    });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`${file}: ${errnoWords(cause) ?? (cause as Error).message}`);
  }
}

function inDatacenters(answers: InitOptions): string {
  const count = (flag: string, text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1) throw new UsageError(`${flag} ${text}: a number from 1 on is needed`);
    return number;
  };
  const centers = count('--datacenters', answers.datacenters!);
  const nodes = count('--nodes', answers.nodes);
  const most = count('--max-databases', answers.maxDatabases);
  if (centers < 2)
    throw new UsageError('--datacenters is for two or more; for one place name addresses with --databases');
  if (centers > 26) throw new UsageError(`--datacenters ${centers}: data centers are named a to z`);
  for (const [flag, given] of [
    ['--balancers', answers.balancers],
    ['--vip', answers.vip],
    ['--databases', answers.databases],
    ['--witness', answers.witness],
    ...(answers.lab ? ([['--backup', answers.backup]] as const) : []),
  ] as const)
    if (given) throw new UsageError(`${flag} does not go with --datacenters${flag === '--backup' ? ' --lab' : ''}`);
  if (centers * nodes > most)
    throw new UsageError(
      `${centers} data centers with ${nodes} database hosts each are ${centers * nodes}, more than ${most}: every one of them replays all writes; --max-databases allows more`,
    );
  const networks = answers.networks
    ? list(answers.networks)
    : Array.from({ length: centers }, (_, index) => `10.1.${11 + index}.0/24`);
  for (const network of networks)
    try {
      splitCidr(network);
    } catch {
      throw new UsageError(
        `--networks ${network}: not a network such as 10.1.11.0/24${/^[\d.]+$/.test(network) ? `: it needs a prefix length, ${network}/24` : ''}`,
      );
    }
  if (networks.length !== centers)
    throw new UsageError(`--networks names ${networks.length} networks for ${centers} data centers`);
  try {
    const hosts = spread(answers.prefix, networks, nodes, answers.lab);
    const backup = list(answers.backup).map((address) => ({ name: 'backup', address, roles: ['pgbackrest'] }));
    return inventory(
      {
        ...answers,
        cluster: answers.cluster ?? answers.prefix,
        clients: [...new Set([...list(answers.clients), ...networks])].join(),
      },
      {
        about: picture(networks, hosts),
        hosts: [...hosts, ...(answers.lab ? [labBackupHost(networks[0]!, hosts)] : backup)],
      },
    );
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`hapg init: ${(cause as Error).message}`);
  }
}

/** The head of an inventory with several data centers. */
function picture(networks: readonly string[], hosts: readonly GeneratedHost[]): string[] {
  const etcd = voters(hosts.length);
  return [
    '',
    `${networks.length} data centers, ${hosts.length} database hosts, ${etcd} votes in etcd. No balancer: clients know all members, and libpq`,
    'finds the one that leads ("hapg connect" prints how). A commit waits for standbys enough that one of them is in',
    'another data center than the leader; the loss of a whole data center loses no acknowledged row.',
    ...(networks.length === 2
      ? [
          'With two of them the majority of votes is in one: without that one no member takes over until a person acts. A small',
          'third place with a vote (a host with the role etcd alone) would solve that.',
        ]
      : []),
    '',
    ...networks.map((network, index) => {
      const datacenter = String.fromCharCode(97 + index);
      const here = hosts.filter((host) => host.datacenter === datacenter);
      return `  ${datacenter}  ${network.padEnd(18)} ${here.map(({ name, roles }) => (roles.includes('etcd') ? `${name} (etcd)` : name)).join('  ')}`;
    }),
    '',
  ];
}
