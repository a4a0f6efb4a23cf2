import type { Command } from 'commander';

/** The flags that all commands on an inventory share. */
export interface CommonOptions {
  inventory: string;
  limit?: string;
  tags?: string;
  skipTags?: string;
  forks: string;
  extra: string[];
  verbose: number;
  quiet: boolean;
  user?: string;
  privateKey?: string;
  askBecomePass: boolean;
  jump?: string;
  yes: boolean;
  output: 'text' | 'json';
  lockWait: string;
  color: boolean;
}

/** For options that may be given several times. */
export const collect = (value: string, all: string[]): string[] => [...all, value];

/** Adds `-i` and the others to a command; `-f` is left free where it means "follow". */
export function withCommonOptions(command: Command, forks = '-f, --forks <n>'): Command {
  return command
    .option('-i, --inventory <file>', 'the inventory', 'inventory.yaml')
    .option('-l, --limit <hosts>', 'only these hosts: names, roles, globs, !x, @file')
    .option('-t, --tags <roles>', 'only these roles')
    .option('--skip-tags <roles>', 'not these roles')
    .option(forks, 'hosts worked on at once', '50')
    .option('-e, --extra <key=value>', 'a setting on top of the inventory', collect, [])
    .option('-v, --verbose', 'tell more; may be given several times', (_value, count: number) => count + 1, 0)
    .option('-q, --quiet', 'tell nothing but the result', false)
    .option('-u, --user <name>', 'login name')
    .option('--private-key <file>', 'SSH key')
    .option('-K, --ask-become-pass', 'ask for the password of sudo', false)
    .option('-J, --jump <host>', 'jump host')
    .option('-y, --yes', 'do not ask', false)
    .option('-o, --output <format>', 'text or json', 'text')
    .option('--lock-wait <seconds>', 'wait for another run to end', '0')
    .option('--no-color', 'no colours');
}
