import type { OperateOptions } from '../../run/intent.ts';
import type { DestroyOptions } from '../destroy.ts';
import { command, PROBE, type Register } from './options.ts';

/** The repair and the end of a cluster. */
export const emergency: Register = (program, run) => {
  program.commandsGroup('Emergency and end:');

  command(program, 'repair', 'repair a broken DCS: a lost member, a lost quorum, missing keys; explains before it acts')
    .option(...PROBE)
    .action((options: OperateOptions) => run(async () => (await import('../repair.ts')).repairCommand(options)));

  command(program, 'destroy', 'end a cluster: services off, data set aside; backups stay unless --backups is given')
    .option('--backups', 'delete the backups too', false)
    .option('--confirm <cluster>', 'name of the cluster, instead of typing it at the question')
    .action((options: DestroyOptions) => run(async () => (await import('../destroy.ts')).destroyCommand(options)));
};
