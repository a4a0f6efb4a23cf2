import { Refused } from '../errors.ts';
import { type GivenSecret, line } from '../inventory/given-secret.ts';
import type { Cluster } from '../inventory/model.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import type { Secret } from '../secret.ts';

/** Names of an external DCS's credentials in the secret store. */
export const DCS_SECRETS = { password: 'dcs-password', token: 'dcs-token' } as const;

/** Returns the secrets that an operator has to bring, because somebody else made them; each once. */
export function givenSecrets({ repositories, dcs: { external } }: Cluster): GivenSecret[] {
  const all = [
    ...repositories.flatMap((one) => kindOf(one).secrets?.(one) ?? []),
    ...(external?.user ? [line(DCS_SECRETS.password)] : []),
    ...(external?.token ? [line(DCS_SECRETS.token)] : []),
  ];
  return [...new Map(all.map((one) => [one.name, one])).values()];
}

/** Returns the names of these secrets. */
export const externalSecrets = (cluster: Cluster): string[] => givenSecrets(cluster).map(({ name }) => name);

/** Throws Refused for secrets that an older version accepted and this one rejects. */
export function expectStrong(cluster: Cluster, given: (name: string) => Secret): void {
  const weak = givenSecrets(cluster).flatMap(({ name, weakness }) => {
    const reason = given(name).reveal() ? weakness(given(name)) : undefined;
    return reason
      ? [`${name}: ${reason}. Change it where it was made, and bring it with "hapg secrets set ${name}"`]
      : [];
  });
  if (weak.length > 0) throw new Refused(weak.join('\n'));
}
