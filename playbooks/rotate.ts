import { gate } from '../src/bounds/patroni.ts';
import { DEFAULT_LIMITS, steady } from '../src/decisions/update.ts';
import { converge, surveyAll } from '../src/engine/converge.ts';
import type { Operation } from '../src/engine/operation.ts';
import { hostsWith } from '../src/inventory/model.ts';
import { AUTHORITIES, type AuthorityName } from '../src/pki/authority.ts';
import type { SecretStore, SystemPassword } from '../src/secrets/store.ts';
import { apply, identityOnly } from './apply.ts';
import { changeUserPassword } from './user-password.ts';

/** All of the cluster as the store says now. */
async function asStored(op: Operation, store: SecretStore, more: { renewIssuedBefore?: number } = {}): Promise<void> {
  const surveyed = await surveyAll(op, apply, store, more);
  await converge(op, surveyed);
}

/** The hosts know the store's revision, so that none from before it is taken for the present one. */
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
 * New passwords for the system's accounts and for users. All are stored first. The system's then come as every other change
 * of the inventory does: ALTER ROLE on the leader, the files, reloads. A user's password changes in the database and in
 * the clients' password files at the same moment, as near as that can be done: a server knows one password at a time.
 * The caller keeps other writers of the store away, for it is written several times.
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
  // Before the first password that an older copy does not have.
  if (system.length === 0) await writeRevision(op, store);
  for (const { name, password } of staged) {
    op.checkInterrupt();
    await changeUserPassword(op, store, name, password);
  }
  await writeRevision(op, store);
}

/** Every host gets new keys and certificates; services read them again. */
export const renewLeafs = (op: Operation, store: SecretStore): Promise<void> =>
  asStored(op, store, { renewIssuedBefore: Date.now() });

/**
 * An authority is replaced with an overlap of both: the new one is trusted everywhere, then it signs every certificate,
 * then the old one is forgotten. Each phase is stored first, and the next run continues where this one stopped.
 * `trustOnly` stops when both are trusted, for clients of one's own to be given the new one. The caller keeps other writers
 * of the store away.
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
