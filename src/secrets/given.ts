import type { Cluster } from '../inventory/model.ts';

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
