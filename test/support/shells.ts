import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const QUICK_MS = 120_000;

/** Gives each command line to a shell, in a directory; returns what the shell offers at the end of each, sorted. */
export type Shell = (directory: string, env: NodeJS.ProcessEnv, lines: readonly string[]) => Promise<string[][]>;

/** What stands in each pair of marks, a word a line. A shell may find a word in two ways. */
const between = (text: string): string[][] =>
  [...text.matchAll(/<<\r?\n([\s\S]*?)>>/g)].map(([, words = '']) =>
    [...new Set(words.split(/\r?\n/).map((word) => word.trim()))].filter(Boolean).sort(),
  );

/** The words of a line as readline splits them for a completion. */
const split = (line: string): string[] =>
  line.split(' ').flatMap((word) => (word ? (word.match(/[=:]+|[^=:]+/g) ?? []) : ['']));
const quote = (word: string): string => `'${word}'`;

/** bash: calls the function that the script has registered, with the variables that readline sets. */
export const bash: Shell = async (directory, env, lines) => {
  const calls = lines.map((line) => {
    const words = split(line);
    return `COMP_WORDS=(${words.map(quote).join(' ')}) COMP_CWORD=${words.length - 1} COMP_LINE=${quote(line)} COMP_POINT=${line.length}
echo '<<'; $registered hapg; printf '%s\\n' "\${COMPREPLY[@]}"; echo '>>'`;
  });
  const script = `source <(hapg completion bash)
registered=$(complete -p hapg); registered=\${registered#* -F }; registered=\${registered%% *}
${calls.join('\n')}`;
  const { stdout } = await execute('bash', ['--norc', '-c', script], { cwd: directory, env, timeout: QUICK_MS });
  return between(stdout);
};

const ZSHRC = `PROMPT= RPROMPT=
autoload -Uz compinit; compinit -u -D
source <(hapg completion zsh)
compadd() {
  local -a hits
  if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- $hits
  fi
  builtin compadd "$@"
}
show() { print; print '<<'; _main_complete; print '>>'; compstate[insert]= compstate[list]= }
zle -C show complete-word show
bindkey '^I' show
print '<<' '>>'
`;

/** zsh: types each line into one that runs in a terminal of zsh's own, and presses Tab. */
export const zsh: Shell = async (directory, env, lines) => {
  writeFileSync(join(directory, '.zshrc'), ZSHRC);
  const script = `zmodload zsh/zpty; zpty z zsh -i; zpty -r z text $'*>>*'
for line in ${lines.map(quote).join(' ')}; do
  zpty -w -n z "$line"$'\\t'; zpty -r z text $'*>>*'; print -r -- "$text"; zpty -w -n z $'\\x15'
done`;
  const { stdout } = await execute('zsh', ['-f', '-c', script], {
    cwd: directory,
    env: { ...env, ZDOTDIR: directory, TERM: 'dumb' },
    timeout: QUICK_MS,
  });
  return between(stdout);
};

/** fish: asks it for the completions of each line. */
export const fish: Shell = async (directory, env, lines) => {
  const script = `hapg completion fish | source
for line in ${lines.map(quote).join(' ')}; echo '<<'; complete -C $line | string replace -r '\\t.*' ''; echo '>>'; end`;
  const { stdout } = await execute('fish', ['--no-config', '-c', script], { cwd: directory, env, timeout: QUICK_MS });
  return between(stdout);
};
