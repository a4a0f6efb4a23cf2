import type { Cluster } from '../inventory/model.ts';

/** Names, in the secret store, of the keys of a bucket. */
export const s3Secrets = (bucket: string): { key: string; secret: string } => ({
  key: `s3-key-${bucket}`,
  secret: `s3-secret-${bucket}`,
});

/** Names of the secrets that a person has to bring, because somebody else made them. */
export const givenSecrets = ({ repositories }: Cluster): string[] =>
  repositories.flatMap((one) => (one.kind === 's3' ? Object.values(s3Secrets(one.bucket)) : []));
