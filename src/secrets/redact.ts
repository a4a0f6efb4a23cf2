import { ROLE_NAMES } from '../roles.ts';
import { REDACTED, type Secret } from '../secret.ts';
import { concealInMessage } from './suspect.ts';

/** The least length of a value to search for (characters): a shorter one would match parts of other words. */
const SHORTEST = 8;

/**
 * Words of hapg's own messages. A secret that equals one of them (`pgbackrest` is a popular access key) cannot be
 * distinguished from the word, and a message without it is useless. In the place of a password it is still found.
 */
const OURS = new Set(
  `${ROLE_NAMES.join(' ')} address archive archived authority balancer balancers certificate certificates client
  clients cluster configuration connection controller database databases datacenter dedicated directory extension
  extensions failover generation hostname interface inventory keepalive localhost maintenance monitoring operation
  parameters passphrase password passwords playbook postgres postgresql primary recovery redacted replica replicas
  replication repository restart restored rewind retention running schedule secondary segment segments services
  settings snapshot standby standbys streaming superuser switchover synchronous systemctl systemd tablespace timeline
  transaction transactions unreachable update watchdog witness`.split(/\s+/),
);

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Returns a value as programs write it into their messages: as it is, in JSON, in a URL, in quotes of sh, SQL and YAML. */
const written = (value: string): string[] => [
  value,
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value.toWellFormed()),
  value.replaceAll("'", "'\\''"),
  value.replaceAll("'", "''"),
];

/** Returns a value, and of one with several lines each line that is not a mark of its form: programs print lines. */
const wholeAndLines = (value: string): string[] =>
  value.includes('\n') ? [value, ...value.split('\n').filter((line) => !line.startsWith('-----'))] : [value];

let last: { key: string; pattern: RegExp | undefined } = { key: '', pattern: undefined };

/** Compiles one expression for all values, the longest first, so that a common beginning leaves no rest. */
function patternFor(values: readonly string[]): RegExp | undefined {
  const key = values.join('\0');
  if (last.key === key) return last.pattern;
  const needles = [...new Set(values.flatMap(written))].sort((a, b) => b.length - a.length);
  const pattern = needles.length > 0 ? new RegExp(needles.map(escaped).join('|'), 'g') : undefined;
  last = { key, pattern };
  return pattern;
}

/**
 * Redacts a text for people, such as an error message: the given secrets, and anything in the place of a password
 * (`password=...`, `user:...@host`). Not for texts that are parsed afterwards. Values of less than eight characters,
 * and words of hapg's own, are found only in the place of a password.
 */
export function redact(text: string, secrets: Iterable<Secret>): string {
  const values = [...secrets]
    .flatMap((secret) => wholeAndLines(secret.reveal()))
    .filter((value) => value.length >= SHORTEST && !OURS.has(value));
  const pattern = patternFor(values);
  return concealInMessage(pattern ? text.replace(pattern, REDACTED) : text);
}
