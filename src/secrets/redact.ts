import { ROLE_NAMES } from '../roles.ts';
import { REDACTED, type Secret } from '../secret.ts';
import { concealInMessage } from './suspect.ts';

/** Shorter values are not searched for: they would be found in every other word. */
const SHORTEST = 8;

/**
 * Words of hapg's own. A secret that is one of them (`pgbackrest` is a popular access key) cannot be told from the word in
 * a sentence, and a sentence without it says nothing; where it stands as somebody's password it is found by that.
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

/** A value as programs write it into their messages: as it is, in JSON, in a URL, in quotes of sh, SQL and YAML. */
const written = (value: string): string[] => [
  value,
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value.toWellFormed()),
  value.replaceAll("'", "'\\''"),
  value.replaceAll("'", "''"),
];

let last: { key: string; pattern: RegExp | undefined } = { key: '', pattern: undefined };

/** One expression for all values, the longest first: a secret that begins like another one leaves no end behind. */
function patternFor(values: readonly string[]): RegExp | undefined {
  const key = values.join('\0');
  if (last.key === key) return last.pattern;
  const needles = [...new Set(values.flatMap(written))].sort((a, b) => b.length - a.length);
  const pattern = needles.length > 0 ? new RegExp(needles.map(escaped).join('|'), 'g') : undefined;
  last = { key, pattern };
  return pattern;
}

/**
 * A text for people, such as the message of an error, without the given secrets and without anything that stands there as
 * somebody's password (`password=...`, `user:...@host`). Not for what is parsed afterwards. Values of less than eight
 * characters, and words of hapg's own, are found in the place of a password only.
 */
export function redact(text: string, secrets: Iterable<Secret>): string {
  const values = [...secrets]
    .map((secret) => secret.reveal())
    .filter((value) => value.length >= SHORTEST && !OURS.has(value));
  const pattern = patternFor(values);
  return concealInMessage(pattern ? text.replace(pattern, REDACTED) : text);
}
