import { Refused } from '../errors.ts';
import { hasOwnPassword, loginUsers, ownPasswordName } from '../inventory/accounts.ts';
import type { Cluster } from '../inventory/model.ts';
import type { Secret } from '../secret.ts';

/** Returns the names of a bucket's keys in the secret store. */
export const s3Secrets = (bucket: string): { key: string; secret: string } => ({
  key: `s3-key-${bucket}`,
  secret: `s3-secret-${bucket}`,
});

/** Names of an external DCS's credentials in the secret store. */
export const DCS_SECRETS = { password: 'dcs-password', token: 'dcs-token' } as const;

/** Name of the webhook's address in the secret store. */
export const WEBHOOK_SECRET = 'webhook-url';

/** Returns the names of secrets that an operator has to bring, because somebody else made them. */
export const externalSecrets = ({ repositories, dcs: { external }, settings, upstream }: Cluster): string[] => [
  ...(settings.hooks.webhook === 'secret' ? [WEBHOOK_SECRET] : []),
  ...repositories.flatMap((one) => (one.kind === 's3' ? Object.values(s3Secrets(one.bucket)) : [])),
  ...(external?.user ? [DCS_SECRETS.password] : []),
  ...(external?.token ? [DCS_SECRETS.token] : []),
  // A standby cluster takes over the passwords of its source.
  ...(upstream ? [] : ownPasswords(settings.postgres)),
];

/** Returns the names in the secret store of users' passwords that an operator brings. */
export const ownPasswords = (postgres: Cluster['settings']['postgres']): string[] =>
  loginUsers(postgres)
    .filter(hasOwnPassword)
    .map(({ name }) => ownPasswordName(name));

/** Whether a secret is a user's password; no other name begins so. */
const isUserPassword = (name: string): boolean => name.startsWith(ownPasswordName(''));

/** The least length of a secret: a shorter one can be guessed, and cannot be redacted without other words (characters). */
const SHORTEST = 8;

/** Returns why a secret that an operator brings is rejected; undefined when it is accepted. */
export function weakness(name: string, secret: Secret): string | undefined {
  const value = secret.reveal();
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) return 'it is not one line without control characters';
  if (value !== value.trim()) return 'it begins or ends with a space, which configuration files do not keep';
  // Counts code points, as an operator does.
  if ([...value].length < SHORTEST) return `it has fewer than ${SHORTEST} characters`;
  // Clients prepare other characters (RFC 4013), and hapg sends what they make of the password.
  if (isUserPassword(name) && /[^ -~]/.test(value)) return 'a password of a user has only ASCII characters';
  return undefined;
}

/** Throws Refused for secrets that an older version accepted and this one rejects. */
export function expectStrong(cluster: Cluster, given: (name: string) => Secret): void {
  const weak = externalSecrets(cluster).flatMap((name) => {
    const reason = given(name).reveal() ? weakness(name, given(name)) : undefined;
    return reason
      ? [`${name}: ${reason}. Change it where it was made, and bring it with "hapg secrets set ${name}"`]
      : [];
  });
  if (weak.length > 0) throw new Refused(weak.join('\n'));
}
