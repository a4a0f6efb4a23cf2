import { Option } from 'commander';
import { CONNECT_FORMATS } from '../../cluster/connect-choices.ts';
import type { CommonOptions } from '../../run/options.ts';
import type { AuditOptions } from '../audit.ts';
import type { BoardsOptions } from '../boards.ts';
import type { ConnectOptions } from '../connect.ts';
import type { ExecOptions } from '../exec.ts';
import type { LogsOptions } from '../logs.ts';
import type { ProbeOptions } from '../probe.ts';
import type { PsqlOptions } from '../ssh.ts';
import type { StatusOptions } from '../status.ts';
import { collect, command, outputOption, type Register, withCommonOptions } from './options.ts';

/** The forms of a status. */
const statusOutput = (): Option =>
  new Option('-o, --output <format>', 'text, json or prometheus')
    .choices(['text', 'json', 'prometheus'])
    .default('text');

/** What is printed is what the program on the host prints. */
const OTHERS_OUTPUT = { output: false } as const;

/** The commands that read and change nothing, and logins to hosts. */
export const look: Register = (program, run) => {
  program.commandsGroup('Look:');

  withCommonOptions(
    program.command('status').description('show the live cluster, problems first; exit 1 unless it is healthy'),
    { output: statusOutput() },
  )
    .option('--watch', 'redraw every two seconds')
    .action((options: StatusOptions) => run(async () => (await import('../status.ts')).statusCommand(options)));

  withCommonOptions(
    program.command('connect').description('print how applications connect: libpq URIs and other forms'),
    {
      user: 'user of the database; default: its owner',
      effective: ['--extra', '--user', '--no-color'],
    },
  )
    .option('--role <role>', 'primary, replica or any')
    .option('--outside', 'use the endpoints for clients outside the cluster network', false)
    .option('--database <name>', 'database; default: the first one of the inventory')
    .addOption(
      new Option('--format <format>', 'what to print; env and k8s-secret hold one connection')
        .choices(CONNECT_FORMATS)
        .default('uri'),
    )
    .option('--ca-out <file>', 'write the CA certificate there, and name that file in what is printed')
    .option('--with-password', 'print the password too', false)
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

  command(program, 'exec', 'run a command as root on the hosts that --limit names, all at once')
    .argument('<command...>', 'command, after --; one word is a text for the shell')
    .option('--timeout <seconds>', 'how long it may take on a host', '60')
    .action((words: string[], options: ExecOptions) =>
      run(async () => (await import('../exec.ts')).execCommand(words, options)),
    );

  command(program, 'ping', 'log in to the hosts, become root and measure a round trip').action(
    (options: CommonOptions) => run(async () => (await import('../ping.ts')).pingCommand(options)),
  );

  command(program, 'probe', 'write and read as a client for a while; report gaps, failures and lost rows')
    .option('--for <time>', 'how long, such as 30s or 10m; Ctrl-C ends it before', '60s')
    .option('--rate <n>', 'at most so many writes and so many reads a second; default: 20 and 10')
    .action((options: ProbeOptions) => run(async () => (await import('../probe.ts')).probeCommand(options)));

  withCommonOptions(program.command('psql').description('run psql as the superuser on the leader'), OTHERS_OUTPUT)
    .argument('[arguments...]', 'arguments of psql, after --')
    .option('--host <host>', 'run it on this member instead')
    .action((args: string[], options: PsqlOptions) =>
      run(async () => (await import('../ssh.ts')).psqlCommand(args, options)),
    );

  command(program, 'history', 'list the changes of leader').action((options: CommonOptions) =>
    run(async () => (await import('../history.ts')).historyCommand(options)),
  );

  command(program, 'topology', 'show which member receives WAL from which').action((options: CommonOptions) =>
    run(async () => (await import('../topology.ts')).topologyCommand(options)),
  );

  command(program, 'lock', 'show who holds the lock').action((options: CommonOptions) =>
    run(async () => (await import('../lock.ts')).lockCommand(options)),
  );

  program
    .command('explain')
    .description('say what a code of "hapg status" or of a refusal means, and what to do about it')
    .argument('[codes...]', 'the code in brackets behind a problem, or below a refusal; default: all of them')
    .addOption(outputOption())
    .action((codes: string[], options: { output: string }) =>
      run(async () => (await import('../explain.ts')).explainCommand(codes, options)),
    );

  program
    .command('boards')
    .description('write boards for Grafana, with the files by which Grafana takes them, without connecting to any host')
    .argument('[dir]', 'directory to write to', 'boards')
    .option(
      '-i, --inventory <file>',
      "inventory of the cluster whose Prometheus the data source names; default: variables of Grafana's environment",
      collect,
      [],
    )
    .option('--seen-at <dir>', 'path of the directory as Grafana sees it; default: its path here')
    .addOption(outputOption())
    .action((directory: string, options: BoardsOptions) =>
      run(async () => (await import('../boards.ts')).boardsCommand(directory, options)),
    );

  command(program, 'report', 'write a bundle for somebody who helps from afar, without secrets')
    .argument('[file]', 'file to write; default: hapg-report-CLUSTER-TIME.tar.gz')
    .action((file: string | undefined, options: CommonOptions) =>
      run(async () => (await import('../report.ts')).reportCommand(file, options)),
    );

  command(program, 'audit', 'list what was done, when and by whom')
    .option('--hosts', "show the hosts' own audit lines too")
    .action((options: AuditOptions) => run(async () => (await import('../audit.ts')).auditCommand(options)));

  withCommonOptions(program.command('logs').description("show the services' logs of all hosts, merged by time"), {
    forks: '--forks <n>',
  })
    .argument('[units...]', 'systemd units; default: those of the cluster')
    .option('--since <time>', 'start, as journalctl understands it', '-1h')
    .option('--until <time>', 'end, as journalctl understands it')
    .option('-n, --lines <n>', 'only the newest lines of all hosts together')
    .option('-p, --priority <level>', 'only lines as urgent as this: err, warning and so on')
    .option(
      '--grep <pattern>',
      "only messages that match; journalctl's pattern: without a capital, case does not count",
    )
    .option('--all', 'also lines that say only that somebody connected', false)
    .option('-f, --follow', 'follow new lines')
    .action((units: string[], options: LogsOptions) =>
      run(async () => (await import('../logs.ts')).logsCommand(units, options)),
    );
};
