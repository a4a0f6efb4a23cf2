import type { Command } from 'commander';
import { loadInventory } from '../inventory/load.ts';
import { UsageError } from '../errors.ts';
import { labAdd, labCut, labDown, labHeal, labKill, labStart, labStatus, labUp } from '../lab/lab.ts';
import { table } from '../view/style.ts';
import { print, printJson } from './common.ts';

interface LabOptions {
  inventory: string;
  address?: string;
  output: string;
}

const say = (text: string) => process.stderr.write(`${text}\n`);

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
    add(name, description).action((options: LabOptions) => run(async () => (await work(options), 0)));
  const onHost = (name: string, description: string, work: (cluster: ReturnType<typeof read>, host: string) => Promise<void>) =>
    add(name, description)
      .argument('<host>')
      .action((host: string, options: LabOptions) => run(async () => (await work(read(options), host), 0)));

  simple('up', 'bring up the hosts of an inventory', async (options) => labUp(read(options), say));
  simple('down', 'remove all hosts and the network', async (options) => labDown(read(options), say));
  simple('status', 'which hosts run', async (options) => {
    const hosts = await labStatus(read(options));
    if (options.output === 'json') printJson(hosts);
    else print(table(hosts.map(({ name, state, ssh }) => [name, state, ssh])));
  });
  onHost('kill', 'power loss', (cluster, host) => labKill(cluster, host));
  onHost('start', 'power on', (cluster, host) => labStart(cluster, host));
  onHost('cut', 'cut off from the other hosts; SSH is kept', (cluster, host) => labCut(cluster, host));
  onHost('heal', 'take the cut back', (cluster, host) => labHeal(cluster, host));
  add('add', 'one more bare host, not in the inventory')
    .argument('<host>')
    .requiredOption('--address <ip>', 'address in the cluster network')
    .action((host: string, options: LabOptions) =>
      run(async () => {
        const added = await labAdd(read(options), host, options.address!);
        if (options.output === 'json') printJson(added);
        else print(`${added.name}  ${added.address}  ssh ${added.ssh}`);
        return 0;
      }),
    );
}

function read(options: LabOptions) {
  if (options.output !== 'text' && options.output !== 'json') throw new UsageError(`-o ${options.output}: text or json`);
  return loadInventory(options.inventory).cluster;
}
