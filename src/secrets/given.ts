import { Refused } from '../errors.ts';
import type { Cluster } from '../inventory/model.ts';
import type { Secret } from '../secret.ts';

/** Names, in the secret store, of the keys of a bucket. */
export const s3Secrets = (bucket: string): { key: string; secret: string } => ({
  key: `s3-key-${bucket}`,
  secret: `s3-secret-${bucket}`,
});

/** Names, in the secret store, of what opens a DCS that somebody else looks after. */
export const DCS_SECRETS = { password: 'dcs-password', token: 'dcs-token' } as const;

/** Names of the secrets that a person has to bring, because somebody else made them. */
export const givenSecrets = ({ repositories, dcs: { external } }: Cluster): string[] => [
  ...repositories.flatMap((one) => (one.kind === 's3' ? Object.values(s3Secrets(one.bucket)) : [])),
  ...(external?.user ? [DCS_SECRETS.password] : []),
  ...(external?.token ? [DCS_SECRETS.token] : []),
];

/** Fewer characters are guessed; and what is so short cannot be found in a text without finding other words, too. */
const SHORTEST = 8;

/** Why a secret that a person brings is not taken; undefined when it is. */
export function weakness(secret: Secret): string | undefined {
  const value = secret.reveal();
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) return 'it is not one line without control characters';
  if (value !== value.trim()) return 'it begins or ends with a space, which configuration files do not keep';
  // In characters, as a person counts them.
  if ([...value].length < SHORTEST) return `it has fewer than ${SHORTEST} characters`;
  return undefined;
}

/** Throws Refused for secrets that were brought to an older version and are not taken any more. */
export function expectStrong(cluster: Cluster, given: (name: string) => Secret): void {
  const weak = givenSecrets(cluster).flatMap((name) => {
    const reason = given(name).reveal() ? weakness(given(name)) : undefined;
    return reason
      ? [`${name}: ${reason}. Change it where it was made, and bring it with "hapg secrets set ${name}"`]
      : [];
  });
  if (weak.length > 0) throw new Refused(weak.join('\n'));
}
