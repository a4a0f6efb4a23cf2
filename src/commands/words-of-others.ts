import type { Command } from 'commander';
import { suggest } from '../inventory/suggest.ts';
import { wordsTo } from './help/text.ts';
import { optionIn } from './option-words.ts';

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
 * Says a complaint of commander about a command line of `command` in words that name what was typed and what is meant. A
 * complaint that is clear enough comes back as it is.
 */
export function rephrase(complaint: string, command: Command): string {
  const unknown = /^error: unknown command '([^']+)'/.exec(complaint);
  if (unknown) {
    const meant = command.parent ? undefined : WORDS_OF_OTHERS.get(unknown[1]!.toLowerCase());
    return meant ? `error: there is no command "${unknown[1]}": hapg calls it ${meant}\n` : complaint;
  }
  const option = /^error: unknown option '([^'=]+)/.exec(complaint)?.[1];
  if (option) return withVerb(command, option) ?? complaint;
  const many = /^error: too many arguments for '[^']+'\. Expected (\d+)/.exec(complaint);
  const extra = many && command.args[Number(many[1])];
  if (!many || extra === undefined || extra === null) return complaint;
  const has = (flag: string) => command.options.some(({ long }) => long === flag);
  const name = wordsTo(command);
  const verbs = command.commands.map((one) => one.name());
  if (INVENTORY.test(extra) && has('--inventory'))
    return `error: ${name} ${extra}: an inventory is named with -i: ${name} -i ${extra}\n`;
  if (verbs.length > 0) return `error: ${name} ${extra}: ${verbs.join(', ')}, or nothing${suggest(extra, verbs)}\n`;
  if (has('--to') && command.name() === 'switchover')
    return `error: ${name} ${extra}: the new leader is named with --to: ${name} --to ${extra}\n`;
  if (has('--limit') && many[1] === '0')
    return `error: ${name} ${extra}: hosts are selected with --limit: ${name} --limit ${extra}\n`;
  return `error: ${name} takes no argument such as "${extra}"\n`;
}

/** What is said of an option that only goes with other verbs of a command, or without one; undefined where none has it. */
function withVerb(command: Command, option: string): string | undefined {
  const group = command.commands.length > 0 ? command : command.parent;
  if (!group?.parent) return undefined;
  const verbs = [group, ...group.commands].filter((one) => one !== command && optionIn(one.options, option));
  const meant = verbs.map((one) => `"${wordsTo(one)}"`).join(' and ');
  return verbs.length > 0 ? `error: ${wordsTo(command)}: ${option} goes with ${meant}\n` : undefined;
}
