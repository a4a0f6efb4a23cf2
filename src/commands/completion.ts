import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { print } from '../run/ask.ts';

/** `hapg completion SHELL`: prints a script made from the commands themselves, so that it cannot drift from them. */
export function completionCommand(program: Command, shell: string): number {
  const commands = program.commands.map((one) => ({
    name: one.name(),
    words: [
      ...one.commands.map((sub) => sub.name()),
      ...one.options.flatMap((option) => [option.long, option.short].filter((flag) => flag !== undefined)),
    ],
  }));
  const names = commands.map((one) => one.name).join(' ');
  const cases = commands.map((one) => `    ${one.name}) words="${one.words.join(' ')}" ;;`).join('\n');
  if (shell === 'bash' || shell === 'zsh') {
    const body = `_hapg() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" words="${names}"
  [ "$COMP_CWORD" -gt 1 ] && case "\${COMP_WORDS[1]}" in
${cases}
  esac
  case "\${COMP_WORDS[COMP_CWORD-1]}" in -i|--inventory|--private-key|--out) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _hapg hapg`;
    print(shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${body}` : body);
  } else if (shell === 'fish') {
    print(`complete -c hapg -n __fish_use_subcommand -f -a "${names}"`);
    for (const one of commands)
      print(`complete -c hapg -n "__fish_seen_subcommand_from ${one.name}" -a "${one.words.join(' ')}"`);
  } else throw new UsageError(`${shell}: bash, zsh or fish`);
  return 0;
}
