import type { OperateOptions } from '../../run/intent.ts';
import type { RenewOptions } from '../certs.ts';
import type { ConfigOptions } from '../config.ts';
import { collect, command, PROBE, type Register } from './options.ts';

/** The commands about secrets, certificates and settings. */
export const secrets: Register = (program, run) => {
  program.commandsGroup('Secrets and settings:');

  command(program, 'secrets', 'list the passwords; show, rotate or set them')
    .argument(
      '[what]',
      'show (plain text), rotate (new passwords, no interruption) or set (from the terminal or standard input)',
    )
    .argument('[names...]', 'names of secrets as "hapg secrets" lists them; default: all')
    .option(...PROBE)
    .action((what: string | undefined, names: string[], options: OperateOptions) =>
      run(async () => (await import('../secrets.ts')).secretsCommand(what, names, options)),
    );

  command(program, 'certs', 'list the certificates with their expiry, or renew them')
    .argument('[what]', 'renew: new keys and certificates, no interruption')
    .option(
      '--authority <name>',
      'replace a certificate authority: etcd (or zookeeper), patroni, postgres or pgbackrest',
    )
    .option('--trust-only', 'stop once the new authority is trusted beside the old one', false)
    .option(...PROBE)
    .action((what: string | undefined, options: RenewOptions) =>
      run(async () => (await import('../certs.ts')).certsCommand(what, options)),
    );

  command(program, 'config', 'show the settings in the DCS, or edit them: checked, applied, written into the inventory')
    .argument('[what]', 'show (the default) or edit')
    .option(
      '--set <key=value>',
      'setting to change, such as postgres.parameters.work_mem=8MB; repeatable; without it an editor opens',
      collect,
      [],
    )
    .option('--unset <key>', "setting to take out, back to hapg's default; repeatable", collect, [])
    .option(...PROBE)
    .action((what: string | undefined, options: ConfigOptions) =>
      run(async () => (await import('../config.ts')).configCommand(what, options)),
    );
};
