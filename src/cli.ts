import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { WAITS } from './bounds/waits.ts';
import type { ApplyOptions, PlanOptions } from './commands/apply.ts';
import { examples, optionText } from './commands/help.ts';
import { labCommand } from './commands/lab.ts';
import { collect, withCommonOptions } from './commands/options.ts';
import { DEFAULT_LIMITS } from './decisions/update.ts';
import { EXIT, UsageError } from './errors.ts';
import { packageRoot } from './package-root.ts';
import type { CommonOptions } from './run/options.ts';
import { isProgram, tell, tellOfBugs } from './run/outcome.ts';
import { unregisterSecrets } from './secrets/outlet.ts';
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

/** Every command with its arguments and options; docs/commands.md and the shell completion are made from it. */
export const program = new Command('hapg')
  .description(
    'Turns plain Debian and Ubuntu hosts into a highly available PostgreSQL cluster over SSH, and keeps it healthy.',
  )
  .version(version)
  .enablePositionalOptions()
  .showHelpAfterError('(see hapg COMMAND --help)')
  .configureHelp({ optionDescription: optionText })
  .configureOutput({
    writeOut: (text) => screen.print(text.replace(/\n$/, '')),
    writeErr: (text) => screen.tell(text.replace(/\n$/, '')),
  })
  .exitOverride();

const command = (name: string, description: string) =>
  withCommonOptions(program.command(name).description(description));

program.commandsGroup('Begin:');

program
  .command('init')
  .description('write a commented inventory; asks on a terminal, takes flags otherwise')
  .argument('[file]', 'file to write', 'inventory.yaml')
  .option('--cluster <name>', 'name of the cluster')
  .option('--databases <addresses>', 'addresses of the database hosts, separated by commas')
  .option('--from-ansible <file>', 'take the hosts from an Ansible inventory in INI form')
  .option('--datacenters <n>', 'spread the database hosts over this many data centers')
  .option('--nodes <n>', 'database hosts in each data center', '2')
  .option('--networks <networks>', 'networks of the data centers, such as 10.2.1.0/24,10.2.2.0/24')
  .option('--prefix <name>', "prefix of the host names in data centers; also the cluster's name", 'pg')
  .option('--max-databases <n>', 'refuse more database hosts than this', '9')
  .option('--postgres <version>', 'major version of PostgreSQL', '17')
  .option('--lab', 'for the lab on this machine: "hapg lab up"', false)
  .option('--balancers <addresses>', 'addresses of the balancers')
  .option('--backup <address>', 'address of the backup host')
  .option('--vip <cidr>', 'virtual address, such as 10.0.0.100/24')
  .option('--clients <networks>', 'networks of the clients, separated by commas')
  .option('--user <name>', 'login name on the hosts')
  .option('--force', 'overwrite the file', false)
  .action((file, options) => run(async () => (await import('./commands/init.ts')).initCommand(file, options)));

program
  .command('validate')
  .description('check the inventory without connecting to any host')
  .option('-i, --inventory <file>', 'inventory file', 'inventory.yaml')
  .option('-e, --extra <key=value>', 'override a setting of the inventory; repeatable', collect, [])
  .option('-o, --output <format>', 'text or json', 'text')
  .action((options) => run(async () => (await import('./commands/validate.ts')).validateCommand(options)));

program
  .command('schema')
  .description('print the JSON Schema of the inventory')
  .action(() => run(async () => (await import('./commands/validate.ts')).schemaCommand()));

command('render', 'write every configuration file that the hosts would get, without connecting; secrets are redacted')
  .argument('[dir]', 'directory to write to', 'rendered')
  .action((dir, options: CommonOptions) =>
    run(async () => (await import('./commands/render.ts')).renderCommand(dir, options)),
  );

command('trust', 'fetch the SSH host keys, show their fingerprints, store new ones').action((options: CommonOptions) =>
  run(async () => (await import('./commands/trust.ts')).trustCommand(options)),
);

const PROBE = ['--probe', 'write and read as a client meanwhile; report gaps, failures and lost rows'] as const;

command('plan', 'show what apply would change; change nothing')
  .option('--detailed-exitcode', 'exit 2 when changes are pending')
  .option('--out <file>', 'save the plan for "hapg apply FILE"')
  .option('-D, --diff', 'show the whole text of new files too')
  .action((options: PlanOptions) => run(async () => (await import('./commands/apply.ts')).planCommand(options)));

command('apply', 'bring the hosts to the state that the inventory describes')
  .argument('[planfile]', 'a plan saved with "hapg plan --out"; refused when it no longer matches the hosts')
  .option('-C, --check', 'change nothing, as plan does')
  .option('-D, --diff', 'show the differences of files')
  .option(...PROBE)
  .action((planFile: string | undefined, options: ApplyOptions) =>
    run(async () => (await import('./commands/apply.ts')).applyCommand(planFile, options)),
  );

program.commandsGroup('Look:');

command('status', 'show the live cluster, problems first; exit 1 unless it is healthy')
  .option('--watch', 'redraw every two seconds')
  .action((options) => run(async () => (await import('./commands/status.ts')).statusCommand(options)));

program.commandsGroup('Change a living cluster:');

command('update', 'update the packages of all hosts one by one, with reboots and a switchover')
  .option('--reboot <when>', 'auto (when a host needs it), always or never', 'auto')
  .option('--security-only', 'only packages from a security archive', false)
  .option('--switch-back', 'hand the leadership back at the end', false)
  .option('--max-lag <bytes>', 'stop when a replica is further behind', String(DEFAULT_LIMITS.maxLagBytes))
  .option(
    '--max-transaction-age <seconds>',
    'do not hand over while a transaction on the leader is older',
    String(DEFAULT_LIMITS.maxTransactionSeconds),
  )
  .option('--wait-drain <seconds>', 'how long to wait for reads on a drained host to end', String(WAITS.drain))
  .option('--wait-gate <seconds>', 'how long to wait for the cluster to be whole before each host', String(WAITS.gate))
  .option('--wait-host <seconds>', 'how long to wait for a host to boot', String(WAITS.host))
  .option('--wait-member <seconds>', 'how long to wait for a member to catch up', String(WAITS.member))
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/update.ts')).updateCommand(options)));

command('switchover', 'change the leader as planned work')
  .option('--to <host>', 'new leader; default: the best candidate')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/switchover.ts')).switchoverCommand(options)));

command('promote', 'turn a standby cluster into an independent one that takes writes')
  .option('--beside-source', 'even while its source still takes writes: two independent clusters result', false)
  .action((options) => run(async () => (await import('./commands/promote.ts')).promoteCommand(options)));

command('add-replica', 'write a new host into the inventory and bring it into the cluster')
  .argument('<name>', 'name of the new host')
  .requiredOption('--address <address>', 'address of the host in the cluster network')
  .option('--ssh <host:port>', 'SSH endpoint, where it is not the address')
  .option('--roles <roles>', 'roles of the host, separated by commas', 'patroni')
  .option('--datacenter <name>', 'data center of the host, in an inventory of several')
  .option(...PROBE)
  .action((name, options) =>
    run(async () => (await import('./commands/add-replica.ts')).addReplicaCommand(name, options)),
  );

command('remove-node', 'take a host out of the cluster and the inventory; its data stays')
  .argument('<name...>', 'name of the host; several only with --gone')
  .option('--switchover', 'hand over first when the host leads', false)
  .option('--gone', 'the hosts are lost for good: remove what the others keep of them', false)
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

command('restart', 'restart PostgreSQL one member at a time: replicas first, the leader after a switchover')
  .option('--pending', 'only members whose settings wait for a restart', false)
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/restart.ts')).restartCommand(options)));

command('reinit', 'rebuild one replica; its present data is moved aside, not deleted')
  .argument('<name>', 'name of the member')
  .option(...PROBE)
  .action((name, options) => run(async () => (await import('./commands/reinit.ts')).reinitCommand(name, options)));

program.commandsGroup('Backups:');

command('backup', 'take a backup now')
  .option('--type <type>', 'full, diff or incr', 'incr')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/backup.ts')).backupCommand(options)));

command('backups', 'list the backups and the time span that a restore can reach').action((options: CommonOptions) =>
  run(async () => (await import('./commands/backup.ts')).backupsCommand(options)),
);

command('drill', 'prove that the newest backup can be restored, without touching the cluster: "hapg drill restore"')
  .argument('<what>', 'kind of drill: restore')
  .option('--on <host>', 'host to drill on; default: pgbackrest.drill.host, or the host with the role pgbackrest')
  .option('--count <table...>', 'count the rows of DATABASE.TABLE in the restored database')
  .action((what, options) => run(async () => (await import('./commands/drill.ts')).drillCommand(what, options)));

command('restore', 'bring the cluster back to a point in time, or clone it; continues an interrupted restore')
  .option('--to-time <time>', 'a moment: "2026-01-31 14:05:00" (local time) or 2026-01-31T14:05:00Z')
  .option('--to-lsn <lsn>', 'a WAL position such as 0/3000060')
  .option('--to-name <name>', 'a restore point (pg_create_restore_point)')
  .option('--latest', 'the end of the archive')
  .option('--backup <label>', 'backup to start from; default: the newest that reaches the target')
  .option('--on <host>', 'host that is restored first and leads afterwards; default: the leader')
  .option('--into <inventory>', 'clone into the empty hosts of another inventory; this cluster is not changed')
  .option('--confirm <cluster>', 'name of the cluster, instead of typing it at the question')
  .action((options) =>
    run(async () =>
      options.into
        ? (await import('./commands/clone.ts')).cloneCommand(options)
        : (await import('./commands/restore.ts')).restoreCommand(options),
    ),
  );

program.commandsGroup('Emergency and end:');

command('repair', 'repair a broken DCS: a lost member, a lost quorum, missing keys; explains before it acts')
  .option(...PROBE)
  .action((options) => run(async () => (await import('./commands/repair.ts')).repairCommand(options)));

program.commandsGroup('Secrets and settings:');

command('secrets', 'list the passwords; show, rotate or set them')
  .argument(
    '[what]',
    'show (plain text), rotate (new passwords, no interruption) or set (from the terminal or standard input)',
  )
  .argument('[names...]', 'names of secrets as "hapg secrets" lists them; default: all')
  .option(...PROBE)
  .action((what, names, options) =>
    run(async () => (await import('./commands/secrets.ts')).secretsCommand(what, names, options)),
  );

command('certs', 'list the certificates with their expiry, or renew them')
  .argument('[what]', 'renew: new keys and certificates, no interruption')
  .option('--authority <name>', 'replace a certificate authority: etcd (or zookeeper), patroni, postgres or pgbackrest')
  .option('--trust-only', 'stop once the new authority is trusted beside the old one', false)
  .option(...PROBE)
  .action((what, options) => run(async () => (await import('./commands/certs.ts')).certsCommand(what, options)));

command('config', 'show the settings in the DCS, or edit them: checked, applied, written into the inventory')
  .argument('[what]', 'show (the default) or edit')
  .option(
    '--set <key=value>',
    'setting to change, such as postgres.parameters.work_mem=8MB; repeatable; without it an editor opens',
    collect,
    [],
  )
  .option('--unset <key>', "setting to take out, back to hapg's default; repeatable", collect, [])
  .option(...PROBE)
  .action((what, options) => run(async () => (await import('./commands/config.ts')).configCommand(what, options)));

program.commandsGroup('Look:');

command('connect', 'print libpq URIs for applications')
  .option('--role <role>', 'primary, replica or any')
  .option('--outside', 'use the endpoints for clients outside the cluster network', false)
  .action((options) => run(async () => (await import('./commands/connect.ts')).connectCommand(options)));

program.commandsGroup('Look:');

command('ssh', 'log in to a host as hapg does, or run a command there')
  .argument('<host>', 'name of the host')
  .argument('[command...]', 'command to run, after --')
  .action((host: string, words: string[], options: CommonOptions) =>
    run(async () => (await import('./commands/ssh.ts')).sshCommand(host, words, options)),
  );

command('psql', 'run psql as the superuser on the leader')
  .argument('[arguments...]', 'arguments of psql, after --')
  .option('--host <host>', 'run it on this member instead')
  .action((args: string[], options) => run(async () => (await import('./commands/ssh.ts')).psqlCommand(args, options)));

program.commandsGroup('Emergency and end:');

command('destroy', 'end a cluster: services off, data set aside; backups stay unless --backups is given')
  .option('--backups', 'delete the backups too', false)
  .option('--confirm <cluster>', 'name of the cluster, instead of typing it at the question')
  .action((options) => run(async () => (await import('./commands/destroy.ts')).destroyCommand(options)));

program.commandsGroup('Look:');

command('lock', 'show who holds the lock').action((options: CommonOptions) =>
  run(async () => (await import('./commands/lock.ts')).lockCommand(options)),
);

command('audit', 'list what was done, when and by whom')
  .option('--hosts', "show the hosts' own audit lines too")
  .action((options) => run(async () => (await import('./commands/audit.ts')).auditCommand(options)));

withCommonOptions(
  program.command('logs').description("show the services' logs of all hosts, merged by time"),
  '--forks <n>',
)
  .argument('[units...]', 'systemd units; default: those of the cluster')
  .option('--since <time>', 'start, as journalctl understands it', '-1h')
  .option('-f, --follow', 'go on with new lines')
  .action((units: string[], options) =>
    run(async () => (await import('./commands/logs.ts')).logsCommand(units, options)),
  );

program.commandsGroup('Lab and shell:');

labCommand(program, run);

program
  .command('completion')
  .description('print a shell completion script')
  .argument('<shell>', 'bash, zsh or fish')
  .action((shell: string) =>
    run(async () => (await import('./commands/completion.ts')).completionCommand(program, shell)),
  );

program.helpCommand('help [command]', 'show the help of a command');

for (const one of program.commands) {
  const text = examples(one.name());
  if (text) one.addHelpText('after', text);
}

/** Runs the words of a command line and returns the exit code; what it tells goes to this process's streams. */
export async function hapg(words: readonly string[]): Promise<number> {
  code = EXIT.done;
  unregisterSecrets();
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
