import { Argument } from 'commander';
import type { Cluster } from '../../inventory/model.ts';
import type { Preinstalled } from '../../lab/platform.ts';
import { print, printJson, printMessage } from '../../run/ask.ts';
import { inventoryOption, outputOption, type Register } from './options.ts';

interface LabOptions {
  inventory: string;
  address?: string;
  output: string;
  warm?: boolean;
  vm?: boolean;
}

/** Loaded when a lab command runs: `hapg --help` does not need its imports. */
const library = () => import('../../lab/lab.ts');
const faults = () => import('../../lab/faults.ts');

/** `hapg lab ...`: runs hosts with systemd and sshd, made from an inventory, as containers or virtual machines. */
export const lab: Register = (program, run) => {
  program.commandsGroup('Lab and shell:');
  const commands = program
    .command('lab')
    .description(
      'make hosts with systemd and sshd from an inventory, as containers or virtual machines, and break them',
    );
  const add = (name: string, description: string) =>
    commands
      .command(name)
      .description(description)
      .addOption(inventoryOption())
      .addOption(outputOption())
      .option('-y, --yes', 'accepted for scripts; lab commands never ask', false);
  const simple = (name: string, description: string, work: (options: LabOptions) => Promise<void>) =>
    add(name, description).action((options: LabOptions) => run(() => work(options).then(() => 0)));
  const onHost = (name: string, description: string, work: (cluster: Cluster, host: string) => Promise<void>) =>
    add(name, description)
      .argument('<host>', 'name of the host')
      .action((host: string, options: LabOptions) =>
        run(() =>
          read(options)
            .then((cluster) => work(cluster, host))
            .then(() => 0),
        ),
      );

  add('up', 'bring up the hosts of an inventory')
    .option(...WARM)
    .option(
      '--vm',
      'virtual machines of QEMU instead of containers: a kernel, disk and clock of their own; slow without KVM',
    )
    .action((options: LabOptions) =>
      run(async () => {
        const cluster = await read(options);
        const packages = await preinstalled(options, cluster);
        await (await library()).labUp(cluster, printMessage, { packages, vm: options.vm ?? false });
        return 0;
      }),
    );
  simple('down', 'remove all hosts and the network', async (options) =>
    (await library()).labDown(await read(options), printMessage),
  );
  simple('status', 'show which hosts run', async (options) => {
    const hosts = await (await library()).labStatus(await read(options));
    show(
      options,
      hosts,
      hosts.map(({ name, state, ssh }) => `${name}  ${state}  ssh ${ssh}`),
    );
  });
  onHost('kill', 'cut the power of a host', async (cluster, host) => (await faults()).labKill(cluster, host));
  onHost('start', 'switch a host on again', async (cluster, host) => (await faults()).labStart(cluster, host));
  onHost('cut', 'cut a host off from the other hosts; SSH is kept', async (cluster, host) =>
    (await faults()).labCut(cluster, host),
  );
  onHost('heal', 'undo "lab cut"', async (cluster, host) => (await faults()).labHeal(cluster, host));
  add('add', 'bring up one more host that is not in the inventory; bare unless --warm')
    .argument('<host>', 'name of the host')
    .requiredOption('--address <ip>', 'address in the cluster network')
    .option(...WARM)
    .action((host: string, options: LabOptions) =>
      run(async () => {
        const cluster = await read(options);
        const packages = await preinstalled(options, cluster);
        const added = await (await library()).labAdd(cluster, host, options.address!, packages, printMessage);
        show(options, added, [`${added.name}  ${added.address}  ssh ${added.ssh}`]);
        return 0;
      }),
    );
  commands
    .command('image')
    .description('make the disk of a virtual machine, bare Debian with a kernel, and print its path')
    .action(() =>
      run(async () => {
        print(await (await import('../../lab/vm/image.ts')).ensureDiskImage(undefined, printMessage));
        return 0;
      }),
    );
  program
    .command('completion')
    .description('print a shell completion script')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => run(async () => (await import('../completion/command.ts')).completionCommand(shell)));
};

const WARM = ['--warm', 'new hosts have the packages of all roles installed and nothing configured'] as const;

/** The packages that new hosts are made with; undefined: none. */
async function preinstalled({ warm }: LabOptions, cluster: Cluster): Promise<Preinstalled> {
  if (!warm) return undefined;
  const { packagesOfAllRoles } = await import('../../../playbooks/packages.ts');
  return (kind) => packagesOfAllRoles(cluster, kind);
}

const show = (options: LabOptions, json: unknown, lines: readonly string[]): void => {
  if (options.output === 'json') printJson(json);
  else print(lines.join('\n'));
};

async function read(options: LabOptions): Promise<Cluster> {
  return (await import('../../inventory/load.ts')).loadInventory(options.inventory).cluster;
}
