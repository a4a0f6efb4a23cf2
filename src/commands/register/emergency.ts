import type { OperateOptions } from '../../run/intent.ts';
import type { DestroyOptions } from '../destroy.ts';
import type { DrainOptions } from '../drain.ts';
import type { FailoverOptions } from '../failover.ts';
import type { FenceOptions } from '../fence.ts';
import type { PauseOptions } from '../pause.ts';
import { command, PROBE, type Register } from './options.ts';

/** How long a state that an operator holds lasts by default: a coffee, not a night. */
const HOUR = '1h';

/** What is for a failure, for work on hardware, and the end of a cluster. */
export const emergency: Register = (program, run) => {
  program.commandsGroup('Emergency and end:');

  command(program, 'failover', 'make a member the leader where none leads; refuses while a leader serves')
    .requiredOption('--to <host>', 'the member')
    .action((options: FailoverOptions) => run(async () => (await import('../failover.ts')).failoverCommand(options)));

  command(program, 'pause', 'turn automatic failover off for a while; ends by itself')
    .option('--for <time>', 'how long, such as 30m or 2h; at most 7d', '30m')
    .action((options: PauseOptions) => run(async () => (await import('../pause.ts')).pauseCommand(options)));

  command(program, 'resume', 'turn automatic failover on again').action((options: OperateOptions) =>
    run(async () => (await import('../pause.ts')).resumeCommand(options)),
  );

  command(program, 'drain', 'take a host out of service for work on its hardware; it comes back by itself')
    .argument('<host>', 'name of the host')
    .option('--for <time>', 'how long, such as 30m or 2h; at most 7d', HOUR)
    .action((host: string, options: DrainOptions) =>
      run(async () => (await import('../drain.ts')).drainCommand(host, options)),
    );

  command(program, 'undrain', 'bring a drained host back into service')
    .argument('<host>', 'name of the host')
    .action((host: string, options: OperateOptions) =>
      run(async () => (await import('../drain.ts')).undrainCommand(host, options)),
    );

  command(program, 'fence', 'stop a member that must not serve, and keep it down; its data stays')
    .argument('<host>', 'name of the database host')
    .option('--for <time>', 'how long, such as 30m or 2h; default: until it is ended')
    .option('--now', 'stop a leader at once; the others elect', false)
    .action((host: string, options: FenceOptions) =>
      run(async () => (await import('../fence.ts')).fenceCommand(host, options)),
    );

  command(program, 'unfence', 'let a fenced member take part again')
    .argument('<host>', 'name of the database host')
    .action((host: string, options: OperateOptions) =>
      run(async () => (await import('../fence.ts')).unfenceCommand(host, options)),
    );

  command(program, 'stop', 'stop a whole cluster in the right order; nothing is lost').action(
    (options: OperateOptions) => run(async () => (await import('../stop.ts')).stopCommand(options)),
  );

  command(program, 'start', 'start a stopped cluster in the right order').action((options: OperateOptions) =>
    run(async () => (await import('../stop.ts')).startCommand(options)),
  );

  command(program, 'repair', 'repair a broken DCS: a lost member, a lost quorum, missing keys; explains before it acts')
    .option(...PROBE)
    .action((options: OperateOptions) => run(async () => (await import('../repair.ts')).repairCommand(options)));

  command(program, 'destroy', 'end a cluster: services off, data set aside; backups stay unless --backups is given')
    .option('--backups', 'delete the backups too', false)
    .option('--confirm <cluster>', 'name of the cluster, instead of typing it at the question')
    .action((options: DestroyOptions) => run(async () => (await import('../destroy.ts')).destroyCommand(options)));
};
