import { type Command, Option } from 'commander';
import type { CommonOptions } from '../../run/options.ts';
import type { ApplyOptions, PlanOptions } from '../apply.ts';
import type { InitOptions } from '../init-options.ts';
import type { PlanShowOptions } from '../plan-show.ts';
import type { ValidateOptions } from '../validate.ts';
import {
  collect,
  command,
  DIFF,
  inventoryOption,
  outputOption,
  PROBE,
  type Register,
  VERBOSE,
  withCommonOptions,
} from './options.ts';

const PRUNE = [
  '--prune',
  'also take away roles, memberships, rights and settings in the database that are not declared, and databases that are declared absent',
] as const;
const NO_DOCTOR = ['--no-doctor', 'do not examine the hosts before a first apply'] as const;

/** Joins the values of an option that is given several times to one list. */
const joined = (value: string, before: string | undefined): string => (before ? `${before},${value}` : value);

/** The forms of a plan. */
const planOutput = (): Option =>
  new Option('-o, --output <format>', 'text, json or markdown').choices(['text', 'json', 'markdown']).default('text');

/** The commands that set a cluster up. */
export const begin: Register = (program, run) => {
  program.commandsGroup('Begin:');

  program
    .command('init')
    .description('write a commented inventory; asks on a terminal, takes flags otherwise')
    .argument('[file]', 'file to write', 'inventory.yaml')
    .option('--cluster <name>', 'name of the cluster')
    .option('--databases <addresses>', 'addresses of the database hosts, separated by commas', joined)
    .option('--witness <address>', 'address of a small host that votes in etcd, beside two database hosts')
    .option('--from-ansible <file>', 'take the hosts from an Ansible inventory, in INI or YAML form')
    .option('--from-terraform <file>', 'take the hosts from what "terraform output -json" printed')
    .option('--datacenters <n>', 'spread the database hosts over this many data centers')
    .option('--nodes <n>', 'database hosts in each data center', '2')
    .option('--networks <networks>', 'networks of the data centers, such as 10.2.1.0/24,10.2.2.0/24')
    .option('--prefix <name>', "prefix of the host names in data centers; also the cluster's name", 'pg')
    .option('--max-databases <n>', 'refuse more database hosts than this', '9')
    .option('--postgres <version>', 'major version of PostgreSQL', '17')
    .option('--lab', 'for the lab on this machine: "hapg lab up"', false)
    .option('--balancers <addresses>', 'addresses of the balancers', joined)
    .option('--backup <address>', 'address of the backup host')
    .option('--vip <cidr>', 'virtual address, such as 10.0.0.100/24')
    .option('--clients <networks>', 'networks of the clients, separated by commas', joined)
    .option('--user <name>', 'login name on the hosts')
    .option('--force', 'overwrite the file', false)
    .action((file: string, options: InitOptions, init: Command) =>
      run(async () => {
        const given = init.options.filter((one) => init.getOptionValueSource(one.attributeName()) === 'cli');
        return (await import('../init.ts')).initCommand(file, {
          ...options,
          given: given.map((one) => one.long ?? ''),
        });
      }),
    );

  program
    .command('validate')
    .description('check the inventory without connecting to any host')
    .addOption(inventoryOption())
    .option('-e, --extra <key=value>', 'override a setting of the inventory; repeatable', collect, [])
    .option('--strict', 'end with 5 where there are warnings', false)
    .addOption(outputOption())
    .action((options: ValidateOptions) => run(async () => (await import('../validate.ts')).validateCommand(options)));

  program
    .command('schema')
    .description('print the JSON Schema of the inventory, or of a document that -o json prints')
    .argument(
      '[document...]',
      "plan, apply, status, operation (of all that change a cluster), error, or a command's own",
    )
    .action((words: string[]) => run(async () => (await import('../validate.ts')).schemaCommand(words)));

  command(
    program,
    'render',
    'write every configuration file that the hosts would get, without connecting; secrets are redacted',
    { effective: ['--limit', '--tags', '--skip-tags', '--extra', '--quiet', '--user', '--jump', '--no-color'] },
  )
    .argument('[dir]', 'directory to write to', 'rendered')
    .action((directory: string, options: CommonOptions) =>
      run(async () => (await import('../render.ts')).renderCommand(directory, options)),
    );

  command(program, 'trust', 'fetch the SSH host keys, show their fingerprints, store new ones').action(
    (options: CommonOptions) => run(async () => (await import('../trust.ts')).trustCommand(options)),
  );

  command(
    program,
    'doctor',
    'examine the hosts as a first apply needs them, with a cure for each fault; exit 1 when one would not go through',
  ).action((options: CommonOptions) => run(async () => (await import('../doctor.ts')).doctorCommand(options)));

  const plan = withCommonOptions(program.command('plan').description('show what apply would change; change nothing'), {
    output: planOutput(),
  })
    .option('--detailed-exitcode', 'exit 2 when changes are pending')
    .option('--out <file>', 'save the plan for "hapg apply FILE"')
    .option(...PRUNE)
    .option(...DIFF)
    .option(...NO_DOCTOR)
    .action((options: PlanOptions) => run(async () => (await import('../apply.ts')).planCommand(options)));

  plan
    .command('show')
    .description('show a saved plan without connecting to any host')
    .argument('<file>', 'a plan saved with "hapg plan --out"')
    .addOption(planOutput())
    .option(...VERBOSE)
    .option(...DIFF)
    .option('--no-color', 'no colors')
    .action((file: string, options: PlanShowOptions) =>
      run(async () => (await import('../plan-show.ts')).planShowCommand(file, options)),
    );

  command(program, 'apply', 'bring the hosts to the state that the inventory describes')
    .argument('[planfile]', 'a plan saved with "hapg plan --out"; refused when it no longer matches the hosts')
    .option('-C, --check', 'change nothing, as plan does')
    .option(...PRUNE)
    .option('--confirm <cluster>', 'name of the cluster, instead of typing it where a database is dropped')
    .option(...DIFF)
    .option(...PROBE)
    .option(...NO_DOCTOR)
    .action((planFile: string | undefined, options: ApplyOptions, self: Command) =>
      run(async () => {
        const inventoryIsDefault = self.getOptionValueSource('inventory') === 'default' && !process.env.HAPG_INVENTORY;
        return (await import('../apply.ts')).applyCommand(planFile, { ...options, inventoryIsDefault });
      }),
    );
};
