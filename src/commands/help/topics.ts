import type { EXIT } from '../../errors.ts';

/** What an exit code means, and which commands end with it. Backquotes stand around words that are typed. */
export const EXIT_CODES: Readonly<Record<keyof typeof EXIT, { meaning: string; where: string }>> = {
  done: { meaning: 'done, nothing is wrong', where: 'every command' },
  refused: {
    meaning: 'refused, or not healthy: a gate or guard said no, nothing was confirmed, or `status` has problems',
    where: 'every command; operations end with 0 only when `status` would',
  },
  failed: {
    meaning: 'a host or a step failed; with `plan --detailed-exitcode`: changes are pending',
    where: 'commands that work on hosts, and `plan --detailed-exitcode`',
  },
  locked: { meaning: 'another run holds the lock', where: 'commands that change something' },
  unreachable: { meaning: 'a host is unreachable, or its host key does not match', where: 'commands that connect' },
  usage: { meaning: 'bad usage or a bad inventory; nothing was contacted', where: 'every command' },
  interrupted: { meaning: 'interrupted (Ctrl-C, Ctrl-D at a question)', where: 'every command' },
  bug: { meaning: 'a bug in hapg; please report it with the stack', where: 'every command' },
};

/** The environment variables that hapg reads itself; test/unit/help.test.ts compares them with the sources. */
export const ENVIRONMENT: readonly { names: readonly string[]; meaning: string }[] = [
  {
    names: ['HAPG_INVENTORY'],
    meaning: 'the inventory file where `-i` is not given; several are separated as in `PATH`',
  },
  { names: ['HAPG_BECOME_PASSWORD'], meaning: "sudo's password, instead of `-K`" },
  { names: ['HAPG_KEY_PASSPHRASE'], meaning: 'passphrase of an encrypted SSH key' },
  {
    names: ['HAPG_AGE_IDENTITY'],
    meaning: 'file of the age identity that opens an encrypted secret store; default `~/.config/hapg/age.txt`',
  },
  { names: ['HAPG_LAB_RELEASE'], meaning: "Debian release of the lab's hosts; default `trixie`" },
  { names: ['VISUAL', 'EDITOR'], meaning: 'editor of `hapg config edit`' },
  { names: ['NO_COLOR'], meaning: 'no colors' },
  { names: ['FORCE_COLOR'], meaning: 'colors also where the output is no terminal; `0` for none' },
  { names: ['SSH_AUTH_SOCK'], meaning: 'the SSH agent, where `ssh_config` names no other' },
  { names: ['XDG_CACHE_HOME'], meaning: 'directory of disk images of the lab; default `~/.cache`' },
];
