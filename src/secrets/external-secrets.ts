import { Refused } from '../errors.ts';
import { hasOwnPassword, loginUsers, ownPasswordName } from '../inventory/accounts.ts';
import { type GivenSecret, line, userPassword } from '../inventory/given-secret.ts';
import type { Cluster } from '../inventory/model.ts';
import { passwordOf, urlOf } from '../inventory/monitoring-schema.ts';
import { kindOf } from '../inventory/repositories/kinds.ts';
import type { Secret } from '../secret.ts';

/** Names of an external DCS's credentials in the secret store. */
export const DCS_SECRETS = { password: 'dcs-password', token: 'dcs-token' } as const;

/** Name of the webhook's address in the secret store. */
export const WEBHOOK_SECRET = 'webhook-url';

/** Returns the secrets that an operator has to bring, because somebody else made them; each once. */
export function givenSecrets({ repositories, dcs: { external }, settings, upstream }: Cluster): GivenSecret[] {
  const all = [
    ...(settings.hooks.webhook === 'secret' ? [line(WEBHOOK_SECRET)] : []),
    ...repositories.flatMap((one) => kindOf(one).secrets?.(one) ?? []),
    ...settings.monitoring.alerts.receivers.flatMap((one) => [
      ...(one.email?.username === undefined ? [] : [line(passwordOf(one))]),
      ...(one.webhook === 'secret' ? [line(urlOf(one))] : []),
    ]),
    ...(external?.user ? [line(DCS_SECRETS.password)] : []),
    ...(external?.token ? [line(DCS_SECRETS.token)] : []),
    // A standby cluster takes over the passwords of its source.
    ...(upstream ? [] : ownPasswords(settings.postgres).map(userPassword)),
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
  if (weak.length > 0) throw new Refused(weak.join('\n'), 'secret_weak');
}

/** Returns the names in the secret store of users' passwords that an operator brings. */
export const ownPasswords = (postgres: Cluster['settings']['postgres']): string[] =>
  loginUsers(postgres)
    .filter(hasOwnPassword)
    .map(({ name }) => ownPasswordName(name));
