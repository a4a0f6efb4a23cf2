/** Names of priorities as journalctl knows them (syslog(3)), the most urgent first; the index is the number. */
export const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * Words with which programs begin a message that is more urgent than the journal knows. PostgreSQL, Patroni, PgBouncer
 * and pgBackRest write to standard error, where the journal takes every line for "info"; etcd writes JSON.
 */
const WORDS: readonly { level: number; words: string; json: string }[] = [
  { level: 2, words: 'PANIC|FATAL|CRITICAL', json: 'panic|fatal|dpanic' },
  { level: 3, words: 'ERROR', json: 'error' },
  { level: 4, words: 'WARNING|WARN', json: 'warn' },
  { level: 5, words: 'NOTICE', json: 'notice' },
];

/** Such a word has only the time, numbers and PostgreSQL's user@database before it: those of a sentence do not count. */
const matchers = WORDS.map(({ level, words, json }) => ({
  level,
  word: new RegExp(`^[^a-z]{0,80}?(?:\\S{1,130}@\\S{1,130} )?\\b(${words})(:| )`),
  json: new RegExp(`^\\{"level":"(${json})"`),
}));

/** Returns how urgent a message is: as the journal has it, or more, where the message itself says so. */
export function priorityOf(recorded: number, message: string): Priority {
  const said = matchers.find(({ word, json }) => word.test(message) || json.test(message))?.level ?? 7;
  return PRIORITIES[Math.min(recorded, said)] ?? 'info';
}

/** Reads `--priority`: a name or a number. Undefined where it is neither. */
export function readPriority(text: string): number | undefined {
  const found = (PRIORITIES as readonly string[]).indexOf(
    text === 'error' ? 'err' : text === 'warn' ? 'warning' : text,
  );
  return found >= 0 ? found : /^[0-7]$/.test(text) ? Number(text) : undefined;
}

/**
 * An extended regular expression for lines of `journalctl -o json` that are as urgent as `level`, or may be: the words
 * are looked for anywhere in the line, and `priorityOf` decides.
 */
export function urgentLines(level: number): string {
  const said = WORDS.filter((one) => one.level <= level);
  return [
    `"PRIORITY":"[0-${level}]"`,
    ...(said.length === 0
      ? []
      : [
          `(${said.map(({ words }) => words).join('|')})[: ]`,
          `level\\\\":\\\\"(${said.map(({ json }) => json).join('|')})`,
        ]),
  ].join('|');
}
