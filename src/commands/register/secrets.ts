import type { OperateOptions } from '../../run/intent.ts';
import type { CommonOptions } from '../../run/options.ts';
import type { RenewOptions } from '../certs.ts';
import type { EditOptions } from '../config.ts';
import type { ExplainSettingOptions } from '../explain-setting.ts';
import { collect, command, PROBE, type Register } from './options.ts';

/** What has an effect where only the inventory and the secret store are read. */
const WITH_STORE = { effective: ['--extra', '--quiet', '--no-color'] };

/** The commands about secrets, certificates and settings. */
export const secrets: Register = (program, run) => {
  program.commandsGroup('Secrets and settings:');

  const passwords = command(program, 'secrets', 'list the passwords; show, rotate or set them', WITH_STORE).action(
    (options: CommonOptions) => run(async () => (await import('../secrets.ts')).listSecrets([], options, false)),
  );
  command(passwords, 'show', 'print passwords in plain text', WITH_STORE)
    .argument('[names...]', 'names of secrets as "hapg secrets" lists them; default: all')
    .action((names: string[], options: CommonOptions) =>
      run(async () => (await import('../secrets.ts')).listSecrets(names, options, true)),
    );
  command(passwords, 'rotate', 'make new passwords, without an interruption')
    .argument('[names...]', 'names of passwords as "hapg secrets" lists them; default: all')
    .option(...PROBE)
    .action((names: string[], options: OperateOptions) =>
      run(async () => (await import('../secrets.ts')).rotateSecrets(names, options)),
    );
  command(passwords, 'set', 'save a secret that you bring, from the terminal or standard input', WITH_STORE)
    .argument('[name]', 'name of the secret, such as s3-key-BUCKET; without it, the names are told')
    .action((name: string | undefined, options: CommonOptions) =>
      run(async () => (await import('../secrets.ts')).setSecret(name, options)),
    );

  const certificates = command(program, 'certs', 'list the certificates with their expiry, or renew them').action(
    (options: CommonOptions) => run(async () => (await import('../certs.ts')).listCertificates(options)),
  );
  command(certificates, 'renew', 'make new keys and certificates, without an interruption')
    .option(
      '--authority <name>',
      'replace a certificate authority: etcd (or zookeeper), patroni, postgres, pgbackrest or monitoring',
    )
    .option('--trust-only', 'stop once the new authority is trusted beside the old one', false)
    .option(...PROBE)
    .action((options: RenewOptions) => run(async () => (await import('../certs.ts')).renewCertificates(options)));

  const show = (options: CommonOptions) => run(async () => (await import('../config.ts')).showSettings(options));
  const settings = command(
    program,
    'config',
    'show the settings in the DCS, explain one, or edit them: checked, applied, written into the inventory',
  ).action(show);
  command(settings, 'show', 'show the settings in the DCS').action(show);
  command(settings, 'edit', 'edit the settings: checked, applied, written into the inventory')
    .option(
      '--set <key=value>',
      'setting to change, such as postgres.parameters.work_mem=8MB; repeatable; without it an editor opens',
      collect,
      [],
    )
    .option('--unset <key>', "setting to take out, back to hapg's default; repeatable", collect, [])
    .option(...PROBE)
    .action((options: EditOptions) => run(async () => (await import('../config.ts')).editSettings(options)));
  command(settings, 'explain', 'tell the value of a setting on each database host, and where it comes from')
    .argument('<name>', 'name of the setting, such as work_mem or patroni.ttl')
    .option('--host <host>', 'only this member')
    .action((name: string, options: ExplainSettingOptions) =>
      run(async () => (await import('../explain-setting.ts')).explainSettingCommand(name, options)),
    );
};
