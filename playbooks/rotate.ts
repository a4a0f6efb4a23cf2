import { gate } from '../src/bounds/patroni.ts';
import { DEFAULT_LIMITS, steady } from '../src/decisions/update.ts';
import { converge, surveyAll } from '../src/engine/converge.ts';
import type { Operation } from '../src/engine/operation.ts';
import { hostsWith } from '../src/inventory/model.ts';
import { AUTHORITIES, type AuthorityName } from '../src/pki/authority.ts';
import type { SecretStore, SystemPassword } from '../src/secrets/store.ts';
import { apply, identityOnly } from './apply.ts';
import { changeUserPassword } from './user-password.ts';

/** Applies the store's present content to the whole cluster. */
async function asStored(op: Operation, store: SecretStore, more: { renewIssuedBefore?: number } = {}): Promise<void> {
  const surveyed = await surveyAll(op, apply, store, more);
  await converge(op, surveyed);
}

/** Writes the store's revision to the hosts, so that an older copy is refused from then on. */
async function writeRevision(op: Operation, store: SecretStore): Promise<void> {
  await converge(op, await surveyAll(op, identityOnly, store));
}

const whole = (op: Operation): Promise<unknown> =>
  op.until(
    hostsWith(op.cluster, 'patroni')[0]!,
    'gate',
    gate(op.cluster.timing),
    (snapshot) => steady(op.cluster, snapshot, DEFAULT_LIMITS),
    { stoppable: true },
  );

/**
 * Rotates passwords of the system's accounts and of users. All new ones are saved first. Those of the system are
 * applied like every other change of the inventory: ALTER ROLE on the leader, files, reloads. A user's password changes
 * in the database and in the clients' password files as close to the same moment as possible: a server knows one
 * password at a time. The caller locks out other writers of the store, which is saved several times.
 */
export async function rotatePasswords(
  op: Operation,
  store: SecretStore,
  system: readonly SystemPassword[],
  users: readonly string[],
): Promise<void> {
  await store.stageRotation(system, users);
  if (system.length > 0) {
    await store.promoteSystem();
    await asStored(op, store);
    await whole(op);
  }
  const staged = store.stagedUsers();
  if (staged.length === 0) return;
  // Written before the first password that an older copy of the store does not have.
  if (system.length === 0) await writeRevision(op, store);
  for (const { name, password } of staged) {
    op.checkInterrupt();
    await changeUserPassword(op, store, name, password);
  }
  await writeRevision(op, store);
}

/** Renews the keys and certificates of every host; services reload them. */
export const renewLeafs = (op: Operation, store: SecretStore): Promise<void> =>
  asStored(op, store, { renewIssuedBefore: Date.now() });

/**
 * Replaces an authority with an overlap of both: the new one is trusted everywhere, then it signs every certificate,
 * then the old one is removed. Each phase is saved first, and the next run continues from there. `trustOnly` stops when
 * both are trusted, so that clients outside the inventory can be given the new one. The caller locks out other writers
 * of the store.
 */
export async function rotateAuthority(
  op: Operation,
  store: SecretStore,
  name: AuthorityName,
  trustOnly: boolean,
): Promise<void> {
  if (store.authorityPhase(name) === undefined) await store.advanceAuthority(name);
  if (store.authorityPhase(name) === 'next') {
    await asStored(op, store);
    if (trustOnly) return;
    await whole(op);
    op.checkInterrupt();
    await store.advanceAuthority(name);
  }
  await asStored(op, store);
  await whole(op);
  op.checkInterrupt();
  await store.advanceAuthority(name);
  await asStored(op, store);
}

/** Whether a word names an authority. */
export const isAuthority = (name: string): name is AuthorityName => AUTHORITIES.includes(name as AuthorityName);
