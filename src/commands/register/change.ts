import { WAITS } from '../../bounds/waits.ts';
import { DEFAULT_LIMITS } from '../../decisions/update.ts';
import type { OperateOptions } from '../../run/intent.ts';
import type { AddOptions } from '../add-replica.ts';
import type { BenchFlags } from '../bench.ts';
import type { PromoteOptions } from '../promote.ts';
import type { RemoveOptions } from '../remove-node.ts';
import type { RestartOptions } from '../restart.ts';
import type { SwitchoverOptions } from '../switchover.ts';
import type { UpdateFlags } from '../update.ts';
import { AT, command, PROBE, type Register } from './options.ts';

/** The planned changes of a running cluster. */
export const change: Register = (program, run) => {
  program.commandsGroup('Change a living cluster:');

  command(program, 'update', 'update the packages of all hosts one by one, with reboots and a switchover')
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
    .option(
      '--wait-gate <seconds>',
      `how long to wait for the cluster to be whole before each host; default: ${WAITS.gate}, more with a slow rto`,
    )
    .option('--wait-host <seconds>', 'how long to wait for a host to boot', String(WAITS.host))
    .option('--wait-member <seconds>', 'how long to wait for a member to catch up', String(WAITS.member))
    .option(...AT)
    .option(...PROBE)
    .action((options: UpdateFlags) => run(async () => (await import('../update.ts')).updateCommand(options)));

  command(program, 'switchover', 'change the leader as planned work')
    .option('--to <host>', 'new leader; default: the best candidate')
    .option(...AT)
    .option(...PROBE)
    .action((options: SwitchoverOptions) =>
      run(async () => (await import('../switchover.ts')).switchoverCommand(options)),
    );

  command(program, 'promote', 'turn a standby cluster into an independent one that takes writes')
    .option('--beside-source', 'even while its source still takes writes: two independent clusters result', false)
    .action((options: PromoteOptions) => run(async () => (await import('../promote.ts')).promoteCommand(options)));

  command(program, 'add-replica', 'write a new host into the inventory and bring it into the cluster')
    .argument('<name>', 'name of the new host')
    .requiredOption('--address <address>', 'address of the host in the cluster network')
    .option('--ssh <host:port>', 'SSH endpoint, where it is not the address')
    .option('--roles <roles>', 'roles of the host, separated by commas', 'patroni')
    .option('--datacenter <name>', 'data center of the host, in an inventory of several')
    .option(...PROBE)
    .action((name: string, options: AddOptions) =>
      run(async () => (await import('../add-replica.ts')).addReplicaCommand(name, options)),
    );

  command(program, 'remove-node', 'take a host out of the cluster and the inventory; its data stays')
    .argument('<name...>', 'name of the host; several only with --gone')
    .option('--switchover', 'hand over first when the host leads', false)
    .option('--gone', 'the hosts are lost for good: remove them from the other hosts and from the inventory', false)
    .option(...PROBE)
    .action((names: string[], options: RemoveOptions) =>
      run(async () => (await import('../remove-node.ts')).removeCommand(names, options)),
    );

  command(program, 'restart', 'restart PostgreSQL one member at a time: replicas first, the leader after a switchover')
    .option('--pending', 'only members whose settings wait for a restart', false)
    .option(...PROBE)
    .action((options: RestartOptions) => run(async () => (await import('../restart.ts')).restartCommand(options)));

  command(program, 'bench', 'load the cluster with pgbench through the endpoint; its tables are removed afterwards')
    .option('--clients <n>', 'number of connections at once', '10')
    .option('--time <time>', 'how long, such as 30s or 5m; at most 1h', '30s')
    .option('--scale <n>', 'size of the tables: 15 MB each', '10')
    .action((options: BenchFlags) => run(async () => (await import('../bench.ts')).benchCommand(options)));

  command(program, 'reinit', 'rebuild one replica; its present data is moved aside, not deleted')
    .argument('<name>', 'name of the member')
    .option(...PROBE)
    .action((name: string, options: OperateOptions) =>
      run(async () => (await import('../reinit.ts')).reinitCommand(name, options)),
    );
};
