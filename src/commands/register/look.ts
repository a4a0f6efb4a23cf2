import type { CommonOptions } from '../../run/options.ts';
import type { AuditOptions } from '../audit.ts';
import type { ConnectOptions } from '../connect.ts';
import type { LogsOptions } from '../logs.ts';
import type { PsqlOptions } from '../ssh.ts';
import type { StatusOptions } from '../status.ts';
import { command, outputOption, type Register, withCommonOptions } from './options.ts';

/** What is printed is what the program on the host prints. */
const OTHERS_OUTPUT = { output: false } as const;

/** The commands that read and change nothing, and logins to hosts. */
export const look: Register = (program, run) => {
  program.commandsGroup('Look:');

  command(program, 'status', 'show the live cluster, problems first; exit 1 unless it is healthy')
    .option('--watch', 'redraw every two seconds')
    .action((options: StatusOptions) => run(async () => (await import('../status.ts')).statusCommand(options)));

  command(program, 'connect', 'print libpq URIs for applications')
    .option('--role <role>', 'primary, replica or any')
    .option('--outside', 'use the endpoints for clients outside the cluster network', false)
    .action((options: ConnectOptions) => run(async () => (await import('../connect.ts')).connectCommand(options)));

  withCommonOptions(
    program.command('ssh').description('log in to a host as hapg does, or run a command there'),
    OTHERS_OUTPUT,
  )
    .argument('<host>', 'name of the host')
    .argument('[command...]', 'command to run, after --')
    .action((host: string, words: string[], options: CommonOptions) =>
      run(async () => (await import('../ssh.ts')).sshCommand(host, words, options)),
    );

  withCommonOptions(program.command('psql').description('run psql as the superuser on the leader'), OTHERS_OUTPUT)
    .argument('[arguments...]', 'arguments of psql, after --')
    .option('--host <host>', 'run it on this member instead')
    .action((args: string[], options: PsqlOptions) =>
      run(async () => (await import('../ssh.ts')).psqlCommand(args, options)),
    );

  command(program, 'lock', 'show who holds the lock').action((options: CommonOptions) =>
    run(async () => (await import('../lock.ts')).lockCommand(options)),
  );

  program
    .command('explain')
    .description('say what a code of "hapg status" means, and what to do about it')
    .argument('[code]', 'the code in brackets behind a problem; default: all of them')
    .addOption(outputOption())
    .action((code: string | undefined, options: { output: string }) =>
      run(async () => (await import('../explain.ts')).explainCommand(code, options)),
    );

  command(program, 'audit', 'list what was done, when and by whom')
    .option('--hosts', "show the hosts' own audit lines too")
    .action((options: AuditOptions) => run(async () => (await import('../audit.ts')).auditCommand(options)));

  withCommonOptions(program.command('logs').description("show the services' logs of all hosts, merged by time"), {
    forks: '--forks <n>',
  })
    .argument('[units...]', 'systemd units; default: those of the cluster')
    .option('--since <time>', 'start, as journalctl understands it', '-1h')
    .option('-f, --follow', 'follow new lines')
    .action((units: string[], options: LogsOptions) =>
      run(async () => (await import('../logs.ts')).logsCommand(units, options)),
    );
};
