import { delimiter } from 'node:path';
import { type Command, Option } from 'commander';

/** Runs a command's work; cli.ts keeps its exit code and reports its error. */
export type Run = (work: () => Promise<number>) => Promise<void>;

/**
 * Adds the commands of one group of the help to the program. A command's module is imported when it runs, because its
 * imports take longer than the help.
 */
export type Register = (program: Command, run: Run) => void;

/** Adds a command with the common options. */
export const command = (program: Command, name: string, description: string, common: CommonForms = {}): Command =>
  withCommonOptions(program.command(name).description(description), common);

/** The option of commands that can measure what clients notice. */
export const PROBE = ['--probe', 'write and read as a client meanwhile; report gaps, failures and lost rows'] as const;

/** The option of commands that can wait until a time. */
export const AT = [
  '--at <time>',
  'wait in this program until then: 22:00 is the next one of this clock, or "2026-01-31 22:00:00+01:00"',
] as const;

/** The option of commands that show a plan. */
export const DIFF = ['-D, --diff', 'show the plan with the whole text of new files too'] as const;

/** The option that asks for more; repeatable. */
export const VERBOSE = [
  '-v, --verbose',
  'report more; repeatable',
  (_value: string, count: number): number => count + 1,
  0,
] as const;

/** Collects the values of an option that may be given several times. */
export const collect = (value: string, all: string[]): string[] => [...all, value];

/** The inventory of a session from the environment, where several files are separated as in PATH; an empty name is none. */
const inventoryFromEnvironment = (): string[] => {
  const files = (process.env.HAPG_INVENTORY ?? '').split(delimiter).filter(Boolean);
  return files.length > 0 ? files : ['inventory.yaml'];
};

/** The option of every command that reads an inventory. */
export const inventoryOption = (): Option => {
  const otherwise = inventoryFromEnvironment();
  return new Option(
    '-i, --inventory <file>',
    'inventory file; repeatable, a later one goes over those before it. HAPG_INVENTORY names another default',
  )
    .default(otherwise, 'inventory.yaml')
    .argParser((file: string, before: string[]) => (before === otherwise ? [file] : [...before, file]));
};

/** The option of commands that have a JSON document. */
export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text');

/** Options that the help of a command only names, because "hapg help options" describes them. */
const folded = new WeakSet<Option>();

/** Whether the help of a command only names an option. */
export const isFolded = (option: Option): boolean => folded.has(option);

/** How the common options of one command differ from those of most. */
export interface CommonForms {
  /** `-f` is left free where it means "follow". */
  forks?: string;
  /** `-o` is left free where the output is another program's; some commands have further forms of output. */
  output?: Option | false;
  /** What `--user` is where no host is logged in to. */
  user?: string;
  /**
   * The common options that have an effect, by their long names, where a command contacts no host. The others are accepted,
   * as everywhere (they are common, so scripts give them to all commands), and nothing names them.
   */
  effective?: readonly string[];
}

/**
 * Adds the common options to a command; its help describes the inventory and the output, and only names the others.
 */
export function withCommonOptions(
  command: Command,
  { forks = '-f, --forks <n>', output = outputOption(), user: own, effective }: CommonForms = {},
): Command {
  const before = command.options.length;
  command
    .addOption(inventoryOption())
    .option('-l, --limit <hosts>', 'only these hosts: names, roles, globs, !x, @file')
    .option('-t, --tags <roles>', 'only these roles')
    .option('--skip-tags <roles>', 'not these roles')
    .option(forks, 'number of hosts that are worked on at once', '50')
    .option('-e, --extra <key=value>', 'override a setting of the inventory; repeatable', collect, [])
    .option(...VERBOSE)
    .option('-q, --quiet', 'report nothing but the result', false)
    .option('-u, --user <name>', own ?? 'SSH login name')
    .option('--private-key <file>', 'SSH private key')
    .option('-K, --ask-become-pass', "ask for sudo's password", false)
    .option('-J, --jump <host>', 'SSH jump host')
    .option('-y, --yes', 'do not ask for confirmation', false);
  if (output) command.addOption(output);
  command
    .option('--lock-wait <seconds>', 'how long to wait while another run holds the lock', '0')
    .option('--no-color', 'no colors');
  for (const option of command.options.slice(before)) {
    if (option.long === '--inventory' || option.long === '--output') continue;
    if (effective && !effective.includes(option.long!)) option.hideHelp();
    // What `--user` is in this command stands in its own help.
    else if (option.long !== '--user' || !own) folded.add(option);
  }
  return command;
}
