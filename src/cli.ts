import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { DEFAULT_WAITS } from '../playbooks/step-aside.ts';
import { DEFAULT_LIMITS } from './cluster/decisions/update.ts';
import type { ApplyOptions, PlanOptions } from './commands/apply.ts';
import { labCommand } from './commands/lab.ts';
import { type CommonOptions, collect, withCommonOptions } from './commands/options.ts';
import { EXIT, UsageError } from './errors.ts';
import { isProgram, tell, tellOfBugs } from './outcome.ts';
import { packageRoot } from './package-root.ts';
import { forgetSecrets } from './secrets/outlet.ts';
import { screen } from './view/screen.ts';

/** The exit code of the command that ran last. */
let code: number = EXIT.done;

/** Does a command's work and keeps its exit code; an error is told as one short message, only a bug with its stack. */
async function run(work: () => Promise<number>): Promise<void> {
  try {
    code = await work();
    await screen.end();
  } catch (error) {
    await screen.end();
    code = tell(error);
  }
}

const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

const program = new Command('hapg')
  .description(
    'Turns plain Debian and Ubuntu hosts into a highly available PostgreSQL cluster over SSH, and keeps it healthy.',
  )
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(hapg COMMAND --help tells more)')
  .configureOutput({
    writeOut: (text) => screen.print(text.replace(/\n$/, '')),
    writeErr: (text) => screen.tell(text.replace(/\n$/, '')),
  })
  .exitOverride();

const command = (name: string, description: string) =>
  withCommonOptions(program.command(name).description(description));

program
  .command('init')
  .description('write a commented inventory')
  .argument('[file]', 'where to', 'inventory.yaml')
  .option('--cluster <name>', 'name of the cluster')
  .option('--databases <addresses>', 'addresses of the database hosts, separated by commas')
  .option('--from-ansible <file>', 'instead of addresses: the hosts of an Ansible inventory in INI form')
  .option('--datacenters <n>', 'instead of addresses: database hosts spread over data centers')
  .option('--nodes <n>', 'database hosts in each data center', '2')
  .option('--networks <networks>', 'of the data centers, such as 10.2.1.0/24,10.2.2.0/24')
  .option('--prefix <name>', "what the names of these hosts begin with; also the cluster's name", 'pg')
  .option('--max-databases <n>', 'more database hosts are refused', '9')
  .option('--postgres <version>', 'major version', '17')
  .option('--lab', 'deployable on this machine with "hapg lab up"', false)
  .option('--balancers <addresses>', 'addresses of the balancers')
  .option('--backup <address>', 'address of the backup host')
  .option('--vip <cidr>', 'virtual address, such as 10.0.0.100/24')
  .option('--clients <networks>', 'networks of the clients')
  .option('--user <name>', 'login name')
  .option('--force', 'overwrite', false)
  .action((file, options) => run(async () => (await import('./commands/init.ts')).initCommand(file, options)));

program
  .command('validate')
  .description('check the inventory without connecting')
  .option('-i, --inventory <file>', 'the inventory', 'inventory.yaml')
  .option('-e, --extra <key=value>', 'a setting on top of the inventory', collect, [])
  .option('-o, --output <format>', 'text or json', 'text')
  .action((options) => run(async () => (await import('./commands/validate.ts')).validateCommand(options)));

program
  .command('schema')
  .description('print the JSON Schema of the inventory')
  .action(() => run(async () => (await import('./commands/validate.ts')).schemaCommand()));

command('render', 'write every configuration file as it would be, without connecting; secrets redacted')
  .argument('[dir]', 'where to', 'rendered')
  .action((dir, options: CommonOptions) =>
    run(async () => (await import('./commands/render.ts')).renderCommand(dir, options)),
  );

command('trust', 'fetch host keys, show fingerprints, store them').action((options: CommonOptions) =>
  run(async () => (await import('./commands/trust.ts')).trustCommand(options)),
);

const PROBE = ['--probe', 'write and read as a client meanwhile, and tell what it saw'] as const;

command('plan', 'show what apply would do; change nothing')
  .option('--detailed-exitcode', 'exit 2 when changes are pending')
  .option('--out <file>', 'save the plan for "hapg apply FILE"')
  .option('-D, --diff', 'whole text of new files too')
  .action((options: PlanOptions) => run(async () => (await import('./commands/apply.ts')).planCommand(options)));

command('apply', 'make it so')
  .argument('[planfile]', 'a saved plan; refused when it is stale')
  .option('-C, --check', 'change nothing, as plan')
  .option('-D, --diff', 'show differences')
  .option(...PROBE)
  .action((planFile: string | undefined, options: ApplyOptions) =>
    run(async () => (await import('./commands/apply.ts')).applyCommand(planFile, options)),
  );

command('status', 'the live cluster, problems first')
  .option('--watch', 'redraw every two seconds')
  .action((options) => run(async () => (await import('./commands/status.ts')).statusCommand(options)));

command('update', 'rolling OS update with automatic switchover')
  .option('--reboot <when>', 'auto, always or never', 'auto')
  .option('--security-only', 'only what comes from a security archive', false)
  .option('--switch-back', 'the member that led before leads again in the end', false)
  .option('--max-lag <bytes>', 'a replica may be this far behind', String(DEFAULT_LIMITS.maxLagBytes))
  .option(
    '--max-transaction-age <seconds>',
    'a transaction on the leader may be this old',
    String(DEFAULT_LIMITS.maxTransactionSeconds),
  )
  .option('--wait-drain <seconds>', 'for reads to end', String(DEFAULT_WAITS.drain))
  .option('--wait-gate <seconds>', 'for the cluster to be steady', String(DEFAULT_WAITS.gate))
  .option('--wait-host <seconds>', 'for a rebooted host', String(DEFAULT_WAITS.host))
  .option('--wait-member <seconds>', 'for a member to catch up', String(DEFAULT_WAITS.member))
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/update.ts')).updateCommand(options)));

command('switchover', 'planned change of leader')
  .option('--to <host>', 'the member that shall lead; default: the best one')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/switchover.ts')).switchoverCommand(options)));

command('promote', 'make a standby cluster one that takes writes')
  .option('--beside-source', 'although its source still takes writes: two independent clusters', false)
  .action((options) => run(async () => (await import('./commands/promote.ts')).promoteCommand(options)));

command('add-replica', 'write a host into the inventory and bring it in')
  .argument('<name>', 'name of the new host')
  .requiredOption('--address <address>', 'its address in the cluster network')
  .option('--ssh <host:port>', 'how to reach it, where that is not its address')
  .option('--roles <roles>', 'its roles, separated by commas', 'patroni')
  .option('--datacenter <name>', 'where it stands, in an inventory of several data centers')
  .option(...PROBE)
  .action((name, options) =>
    run(async () => (await import('./commands/add-replica.ts')).addReplicaCommand(name, options)),
  );

command('remove-node', 'take a host out of the cluster and out of the inventory')
  .argument('<name...>', 'name of the host; with --gone also of several')
  .option('--switchover', 'if it leads, another member leads first', false)
  .option('--gone', 'the host is lost for good; the others forget it', false)
  .option(...PROBE)
  .action((names: string[], options) =>
    run(async () => {
      const { removeLostCommand, removeNodeCommand } = await import('./commands/remove-node.ts');
      if (options.gone) return removeLostCommand(names, options);
      if (names.length > 1)
        throw new UsageError('hosts leave one at a time; several only with --gone, when they are lost');
      return removeNodeCommand(names[0]!, options);
    }),
  );

command('restart', 'rolling restart of PostgreSQL: replicas, then the leader after a switchover')
  .option('--pending', 'only members with settings that wait for a restart', false)
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/restart.ts')).restartCommand(options)));

command('reinit', 'rebuild one replica; its present data is moved aside')
  .argument('<name>', 'name of the member')
  .option(...PROBE)
  .action((name, options) => run(async () => (await import('./commands/reinit.ts')).reinitCommand(name, options)));

command('backup', 'take a backup now')
  .option('--type <type>', 'full, diff or incr', 'incr')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/backup.ts')).backupCommand(options)));

command('backups', 'list backups and the recovery window').action((options: CommonOptions) =>
  run(async () => (await import('./commands/backup.ts')).backupsCommand(options)),
);

command('drill', 'prove that the newest backup can be restored: "hapg drill restore"')
  .argument('<what>', 'restore')
  .option('--on <host>', 'where; default: pgbackrest.drill.host, or the host with the role pgbackrest')
  .option('--count <table...>', 'DATABASE.TABLE whose rows are counted')
  .action((what, options) => run(async () => (await import('./commands/drill.ts')).drillCommand(what, options)));

command('restore', 'the cluster as it was at a point in time; continues a restore that died')
  .option('--to-time <time>', 'such as "2026-01-31 14:05:00" (local) or 2026-01-31T14:05:00Z')
  .option('--to-lsn <lsn>', 'such as 0/3000060')
  .option('--to-name <name>', 'of a restore point (pg_create_restore_point)')
  .option('--latest', 'the newest archived transaction')
  .option('--backup <label>', 'start from this backup')
  .option('--on <host>', 'restored first, leads afterwards; default: the leader')
  .option('--into <inventory>', 'into the empty hosts of another inventory; this cluster goes on as it is')
  .option('--confirm <cluster>', 'the name, typed on the command line')
  .action((options) =>
    run(async () =>
      options.into
        ? (await import('./commands/clone.ts')).cloneCommand(options)
        : (await import('./commands/restore.ts')).restoreCommand(options),
    ),
  );

command('repair', 'mend a broken DCS and clear leftovers; explains before it acts')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/repair.ts')).repairCommand(options)));

command('secrets', 'the passwords of the cluster: names, or shown in plain text, or replaced without an interruption')
  .argument('[what]', 'show, rotate, or set (from standard input)')
  .argument('[names...]', 'superuser, replication, rewind, rest, stats, or users; default: all')
  .option(...PROBE)
  .action((what, names, options) =>
    run(async () => (await import('./commands/secrets.ts')).secretsCommand(what, names, options)),
  );

command('certs', 'certificates and when they expire, or replaced without an interruption')
  .argument('[what]', 'renew')
  .option('--authority <name>', 'replace an authority: etcd (or zookeeper), patroni, postgres or pgbackrest')
  .option('--trust-only', 'stop when the new authority is trusted beside the old one', false)
  .option(...PROBE)
  .action((what, options) => run(async () => (await import('./commands/certs.ts')).certsCommand(what, options)));

command('config', 'the settings in the DCS, or edited: checked, applied, and written into the inventory')
  .argument('[what]', 'show or edit')
  .option('--set <key=value>', 'such as postgres.parameters.work_mem=8MB; without it an editor opens', collect, [])
  .option('--unset <key>', "back to hapg's default", collect, [])
  .option(...PROBE)
  .action((what, options) => run(async () => (await import('./commands/config.ts')).configCommand(what, options)));

command('connect', 'print libpq URIs')
  .option('--role <role>', 'primary, replica or any')
  .option('--outside', 'by the endpoints for clients outside the cluster network', false)
  .action((options) => run(async () => (await import('./commands/connect.ts')).connectCommand(options)));

command('ssh', 'log in to a host, or run a command there, the way hapg does')
  .argument('<host>', 'name of the host')
  .argument('[command...]', 'behind --')
  .action((host: string, words: string[], options: CommonOptions) =>
    run(async () => (await import('./commands/ssh.ts')).sshCommand(host, words, options)),
  );

command('psql', 'psql as the super user on the member that leads')
  .argument('[arguments...]', 'of psql, behind --')
  .option('--host <host>', 'on this member instead')
  .action((args: string[], options) => run(async () => (await import('./commands/ssh.ts')).psqlCommand(args, options)));

command('destroy', 'the end of a cluster: services off, data set aside; backups stay unless they are named')
  .option('--backups', 'delete its backups too', false)
  .option('--confirm <cluster>', 'the name, typed on the command line')
  .action((options) => run(async () => (await import('./commands/destroy.ts')).destroyCommand(options)));

command('lock', 'who holds the lock').action((options: CommonOptions) =>
  run(async () => (await import('./commands/lock.ts')).lockCommand(options)),
);

command('audit', 'what was done, when, by whom')
  .option('--hosts', "the hosts' own audit lines too")
  .action((options) => run(async () => (await import('./commands/audit.ts')).auditCommand(options)));

withCommonOptions(program.command('logs').description("the services' logs of all hosts, merged by time"), '--forks <n>')
  .argument('[units...]', 'units; default: those of the cluster')
  .option('--since <time>', 'as journalctl understands it', '-1h')
  .option('-f, --follow', 'go on')
  .action((units: string[], options) =>
    run(async () => (await import('./commands/logs.ts')).logsCommand(units, options)),
  );

labCommand(program, run);

program
  .command('completion')
  .description('print a shell completion')
  .argument('<shell>', 'bash, zsh or fish')
  .action((shell: string) =>
    run(async () => (await import('./commands/completion.ts')).completionCommand(program, shell)),
  );

/** Runs the words of a command line and returns the exit code; what it tells goes to this process's streams. */
export async function hapg(words: readonly string[]): Promise<number> {
  code = EXIT.done;
  forgetSecrets();
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    // commander has told it already, with the help where that was asked for.
    code = error instanceof CommanderError ? (error.exitCode === 0 ? EXIT.done : EXIT.usage) : tell(error);
  }
  return code;
}

if (isProgram(import.meta.url)) {
  tellOfBugs();
  // A dead link or a killed unit's poll must not keep the process.
  screen.exit(await hapg(process.argv.slice(2)));
}
