import type { CommonOptions } from '../../run/options.ts';
import type { BackupOptions } from '../backup.ts';
import type { DrillOptions } from '../drill.ts';
import type { KeptRmOptions } from '../kept.ts';
import type { PartOptions } from '../restore-part.ts';
import type { VerifyOptions } from '../verify-backups.ts';
import { command, PROBE, type Register } from './options.ts';

/** The commands about backups and restores. */
export const backups: Register = (program, run) => {
  program.commandsGroup('Backups:');

  command(program, 'backup', 'take a backup now')
    .option('--type <type>', 'full, diff or incr', 'incr')
    .option(...PROBE)
    .action((options: BackupOptions) => run(async () => (await import('../backup.ts')).backupCommand(options)));

  const list = command(program, 'backups', 'list the backups and the time span that a restore can reach').action(
    (options: CommonOptions) => run(async () => (await import('../backup.ts')).backupsCommand(options)),
  );
  command(list, 'verify', 'read everything in the repositories and compare it with its checksums')
    .option('--on <host>', 'host that reads; default: the one with the role pgbackrest, else the first database host')
    .action((options: VerifyOptions) =>
      run(async () => (await import('../verify-backups.ts')).verifyBackupsCommand(options)),
    );

  const kept = program
    .command('kept')
    .description('data that restore, reinit, destroy and others have set aside on the hosts');
  command(kept, 'list', 'list it, with size, time and origin').action((options: CommonOptions) =>
    run(async () => (await import('../kept.ts')).keptListCommand(options)),
  );
  command(kept, 'rm', 'delete one directory of it')
    .argument('<name>', 'HOST:PATH, as the list prints it')
    .option('--confirm <name>', 'the same name, instead of typing it at the question')
    .action((name: string, options: KeptRmOptions) =>
      run(async () => (await import('../kept.ts')).keptRmCommand(name, options)),
    );

  const drill = program.command('drill').description('rehearse what must work when it is needed: "hapg drill restore"');
  command(drill, 'restore', 'prove that the newest backup can be restored, without touching the cluster')
    .option('--on <host>', 'host to drill on; default: pgbackrest.drill.host, or the host with the role pgbackrest')
    .option('--count <table...>', 'count the rows of DATABASE.TABLE in the restored database')
    .action((options: DrillOptions) => run(async () => (await import('../drill.ts')).restoreDrill(options)));

  command(
    program,
    'restore',
    'bring the cluster or a part of it back to a point in time, or clone it; continues an interrupted restore',
  )
    .option('--to-time <time>', 'a moment: "2026-01-31 14:05:00" (local time) or 2026-01-31T14:05:00Z')
    .option('--to-lsn <lsn>', 'a WAL position such as 0/3000060')
    .option('--to-name <name>', 'a restore point (pg_create_restore_point)')
    .option('--latest', 'the end of the archive')
    .option('--database <name>', 'only this database, as a new one beside it; the cluster goes on')
    .option('--table <name>', 'only this table of it (TABLE or SCHEMA.TABLE), in a new schema')
    .option('--as <name>', 'name of the new database or schema; default: NAME_restored_DATE')
    .option('--backup <label>', 'backup to start from; default: the newest that reaches the target')
    .option('--on <host>', 'host that is restored first and leads afterwards; default: the leader')
    .option(
      '--into <inventory>',
      'clone into the empty hosts of another inventory, of which -e overrides settings; this cluster is not changed',
    )
    .option('--confirm <cluster>', 'name of the cluster, instead of typing it at the question')
    .action((options: PartOptions) =>
      run(async () => {
        const { into, database, table, as } = options;
        if ((database ?? table ?? as) !== undefined)
          return (await import('../restore-part.ts')).restorePartCommand(options);
        if (into === undefined) return (await import('../restore.ts')).restoreCommand(options);
        return (await import('../clone.ts')).cloneCommand({ ...options, into });
      }),
    );
};
