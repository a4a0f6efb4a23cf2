import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import { print, printJson, tell } from './ask.ts';

interface LabOptions {
  inventory: string;
  address?: string;
  output: string;
}

/** Loaded when a lab command runs: what they stand on is not wanted by `hapg --help`. */
const library = () => import('../lab/lab.ts');
const faults = () => import('../lab/faults.ts');

/** `hapg lab ...`: real systemd and sshd hosts in containers, made from an inventory. */
export function labCommand(program: Command, run: (work: () => Promise<number>) => Promise<void>): void {
  const lab = program.command('lab').description('Docker hosts with systemd and sshd, made from an inventory');
  const add = (name: string, description: string) =>
    lab
      .command(name)
      .description(description)
      .option('-i, --inventory <file>', 'the inventory', 'inventory.yaml')
      .option('-o, --output <format>', 'text or json', 'text')
      .option('-y, --yes', 'accepted for symmetry; the lab never asks', false);
  const simple = (name: string, description: string, work: (options: LabOptions) => Promise<void>) =>
    add(name, description).action((options: LabOptions) => run(() => work(options).then(() => 0)));
  const onHost = (name: string, description: string, work: (cluster: Cluster, host: string) => Promise<void>) =>
    add(name, description)
      .argument('<host>')
      .action((host: string, options: LabOptions) =>
        run(() =>
          read(options)
            .then((cluster) => work(cluster, host))
            .then(() => 0),
        ),
      );

  simple('up', 'bring up the hosts of an inventory', async (options) =>
    (await library()).labUp(await read(options), tell),
  );
  simple('down', 'remove all hosts and the network', async (options) =>
    (await library()).labDown(await read(options), tell),
  );
  simple('status', 'which hosts run', async (options) => {
    const hosts = await (await library()).labStatus(await read(options));
    show(
      options,
      hosts,
      hosts.map(({ name, state, ssh }) => `${name}  ${state}  ssh ${ssh}`),
    );
  });
  onHost('kill', 'power loss', async (cluster, host) => (await faults()).labKill(cluster, host));
  onHost('start', 'power on', async (cluster, host) => (await faults()).labStart(cluster, host));
  onHost('cut', 'cut off from the other hosts; SSH is kept', async (cluster, host) =>
    (await faults()).labCut(cluster, host),
  );
  onHost('heal', 'take the cut back', async (cluster, host) => (await faults()).labHeal(cluster, host));
  add('add', 'one more bare host, not in the inventory')
    .argument('<host>')
    .requiredOption('--address <ip>', 'address in the cluster network')
    .action((host: string, options: LabOptions) =>
      run(async () => {
        const added = await (await library()).labAdd(await read(options), host, options.address!);
        show(options, added, [`${added.name}  ${added.address}  ssh ${added.ssh}`]);
        return 0;
      }),
    );
}

const show = (options: LabOptions, json: unknown, lines: readonly string[]): void => {
  if (options.output === 'json') printJson(json);
  else print(lines.join('\n'));
};

async function read(options: LabOptions): Promise<Cluster> {
  if (options.output !== 'text' && options.output !== 'json')
    throw new UsageError(`-o ${options.output}: text or json`);
  return (await import('../inventory/load.ts')).loadInventory(options.inventory).cluster;
}
