import { REDACTED } from '../secret.ts';

/** The beginning of every placeholder for a secret. */
const BLOTTED = '[redacted';

/** Words in the name of a setting whose value is a secret, in several languages of administrators. */
const WORDS =
  /^(pass|passwd|password|passwort|kennwort|passphrase|passcode|pwd|pw|secrets?|tokens?|credentials?|creds?|auth|authorization|keys?|apikey|digest|salt|otp|cookie|private|verifier)$/;
const INSIDE = /passw|passphrase|secret|token|credential|apikey|accesskey|privatekey|kennwort/;
/** Settings of PostgreSQL about passwords that hold none. */
const HARMLESS = /^(password_encryption|.*_timeout|.*_iterations|.*passphrase_command_supports_reload)$/;
/** Words in the name of a setting whose value is a location. */
const PLACE = /^(file|files|path|dir|directory|command)$/;

const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);

const isHarmless = (name: string): boolean => HARMLESS.test(wordsOf(name).join('_'));

/** Whether a setting holds a secret, judged by its name. */
export function namesSecret(name: string): boolean {
  if (isHarmless(name)) return false;
  const words = wordsOf(name);
  return words.some((word) => WORDS.test(word)) || INSIDE.test(words.join(''));
}

/** Whether a value is the location of a secret and not the secret: a file, by its name and its form. */
export const isPlace = (name: string, value: string): boolean =>
  wordsOf(name).some((word) => PLACE.test(word) || /file$/.test(word)) && /^(~|\/)[\w./-]*$/.test(value);

/** Whether a word looks random: long, with letters and digits. */
export const looksRandom = (word: string): boolean =>
  (word.length >= 16 && /\d/.test(word) && /[A-Za-z]/.test(word)) ||
  (word.length >= 12 && /\d/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word));

/** A text without its secrets, and the secrets. */
export interface Concealed {
  text: string;
  found: string[];
}

const VALUE = String.raw`("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,;]+)`;
const NAME = '(?:passw(?:or)?d|passwort|kennwort|passphrase|pass|pwd|secret|token|s3-key|azure-key)';

/** Credentials in unmistakable forms; the second group is the secret, after a name or a user. */
const PLAIN: readonly RegExp[] = [
  /(-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----)([\s\S]*?)(?=-----END|$)/g,
  // postgresql://user:password@host; the last @ ends a password that is not URL-encoded
  /([A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s:/@'"]*:)(\S+)(?=@)/g,
  // password=x, PGPASSWORD='x', ldapbindpasswd="x", repo1-cipher-pass=x
  new RegExp(String.raw`([\w.-]*${NAME}=)${VALUE}`, 'gi'),
];

/** Credentials in forms that an ordinary sentence may have. */
const LOOSE: readonly RegExp[] = [
  ...PLAIN,
  // "token": "x", api_key = x, password x
  new RegExp(
    String.raw`([\w.-]*(?:${NAME}|credential|(?:api|access|private|secret)[_-]?key)[\w.-]*["']?(?:\s*[=:]\s*|[ \t]+))${VALUE}`,
    'gi',
  ),
  // curl -u user:password
  /((?:^|\s)(?:-u|--user)[ =]?["']?[^\s:"']+:)([^\s"']+)/g,
  /(\b(?:Bearer|Basic)[ \t]+)([A-Za-z0-9._~+/=-]{4,})/g,
];

const nameOf = (before: string): string => before.replace(/["'\s=:]+$/, '');

function concealed(text: string, forms: readonly RegExp[]): Concealed {
  const found: string[] = [];
  let shown = text;
  for (const form of forms)
    shown = shown.replace(form, (whole: string, before: string, value: string) => {
      const bare = value.length > 1 && /^(["']).*\1$/s.test(value) ? value.slice(1, -1) : value;
      const name = nameOf(before);
      if (bare === '' || bare.includes(BLOTTED) || isPlace(name, bare) || isHarmless(name)) return whole;
      found.push(bare);
      return `${before}${REDACTED}`;
    });
  return { text: shown, found };
}

/** Returns a message without credentials in unmistakable forms. */
export const concealInMessage = (text: string): string => concealed(text, PLAIN).text;

/** Returns a foreign text without possible credentials, by their form or because they look random. */
export function conceal(text: string): Concealed {
  const { text: shown, found } = concealed(text, LOOSE);
  return {
    text: shown.replace(/[A-Za-z0-9_+]+/g, (word) => {
      if (!looksRandom(word)) return word;
      found.push(word);
      return REDACTED;
    }),
    found,
  };
}

/** Returns one setting in JSON without secrets, by its name or by its form. */
export function showSetting(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && namesSecret(name) && !isPlace(name, value)) return REDACTED;
  return (
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? concealInMessage(inner) : inner)) ??
    'unset'
  );
}
