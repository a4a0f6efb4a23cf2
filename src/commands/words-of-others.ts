import type { Command } from 'commander';

/** What people type who come from other tools, and what it is called here. */
export const WORDS_OF_OTHERS = new Map(
  Object.entries({
    list: 'hapg status',
    ls: 'hapg status',
    show: 'hapg status',
    info: 'hapg status',
    check: 'hapg plan',
    diff: 'hapg plan --diff',
    deploy: 'hapg apply',
    install: 'hapg apply',
    bootstrap: 'hapg apply',
    setup: 'hapg apply',
    run: 'hapg apply',
    playbook: 'hapg apply',
    flush: 'hapg resume or hapg undrain HOST, which end what was set for a while',
    maintenance: 'hapg drain HOST',
    isolate: 'hapg fence HOST',
    hibernate: 'hapg stop',
    reboot: 'hapg update --reboot always',
    upgrade: 'hapg update',
    patch: 'hapg update',
    'edit-config': 'hapg config edit',
    'show-config': 'hapg config show',
    shell: 'hapg ssh HOST',
    dsn: 'hapg connect',
    version: 'hapg --version',
    'add-node': 'hapg add-replica',
    'add-host': 'hapg add-replica',
    'remove-host': 'hapg remove-node',
    'remove-replica': 'hapg remove-node',
    reinitialize: 'hapg reinit HOST',
    'stanza-create': 'hapg apply (it makes the stanza)',
    expire: 'pgbackrest.retention in the inventory; pgBackRest expires after each backup',
    lint: 'hapg validate',
    vault: 'hapg secrets',
    'known-hosts': 'hapg trust',
  }),
);

const INVENTORY = /\.ya?ml$/;

/**
 * Says a complaint of commander in words that name what was typed and what is meant; `words` are the command line. A
 * complaint that is clear enough comes back as it is.
 */
export function rephrase(complaint: string, program: Command): string {
  const unknown = /^error: unknown command '([^']+)'/.exec(complaint);
  if (unknown) {
    const meant = WORDS_OF_OTHERS.get(unknown[1]!.toLowerCase());
    return meant ? `error: there is no command "${unknown[1]}": hapg calls it ${meant}\n` : complaint;
  }
  const many = /^error: too many arguments for '([^']+)'\. Expected (\d+)/.exec(complaint);
  if (!many) return complaint;
  const command = findCommand(program, many[1]!);
  const extra = command?.args[Number(many[2])];
  if (!command || extra === undefined) return complaint;
  const has = (flag: string) => command.options.some((option) => option.long === flag);
  const name = `hapg ${many[1]}`;
  if (INVENTORY.test(extra) && has('--inventory'))
    return `error: ${name} ${extra}: an inventory is named with -i: ${name} -i ${extra}\n`;
  if (has('--to') && many[1] === 'switchover')
    return `error: ${name} ${extra}: the new leader is named with --to: ${name} --to ${extra}\n`;
  if (has('--limit')) return `error: ${name} ${extra}: hosts are selected with --limit: ${name} --limit ${extra}\n`;
  return `error: ${name} takes no argument such as "${extra}"\n`;
}

const findCommand = (program: Command, name: string): Command | undefined =>
  [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)].find((one) => one.name() === name);
