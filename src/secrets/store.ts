import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { fromHere } from '../from-here.ts';
import type { Identity } from '../identity.ts';
import { hasOwnPassword, loginUsers, madeUsers, ownPasswordName } from '../inventory/accounts.ts';
import { dcsName } from '../inventory/dcs.ts';
import { type Cluster, dcsRole, monitored } from '../inventory/model.ts';
import {
  AUTHORITIES,
  type Authority,
  type AuthorityName,
  authorityFingerprint,
  createAuthority,
} from '../pki/authority.ts';
import { Secret } from '../secret.ts';
import { externalSecrets, givenSecrets, ownPasswords } from './external-secrets.ts';
import { fetchSecrets } from './fetch.ts';
import { inventoryDigest } from './inventory-digest.ts';
import type { Lineage } from './lineage.ts';
import { StoreCopy } from './store-copy.ts';
import { noNames, type Stored, type StoredAuthority } from './stored.ts';

/** Passwords that every cluster has, by purpose. */
export const SYSTEM_PASSWORDS = ['superuser', 'replication', 'rewind', 'rest', 'stats', 'repository'] as const;
export type SystemPassword = (typeof SYSTEM_PASSWORDS)[number];

const ACCOUNTS: readonly SystemPassword[] = ['superuser', 'replication', 'rewind'];
/** Whether a password is of an account in PostgreSQL. */
export const isAccount = (name: SystemPassword): boolean => ACCOUNTS.includes(name);

/** The identity of a cluster, with fingerprints that hosts may report while an authority is rotated. */
export interface KnownIdentity extends Identity, Lineage {
  accepted: Record<string, string[]>;
}

/** Returns the authorities that a cluster needs: also one for its own DCS, and one for its exporters. */
export const authoritiesOf = (cluster: Cluster): AuthorityName[] =>
  AUTHORITIES.filter((name) =>
    name === 'etcd' || name === 'zookeeper' ? name === dcsRole(cluster) : name !== 'monitoring' || monitored(cluster),
  );

/** Returns 160 random bits in characters that need no quoting in any file or URI. */
const newPassword = (): string => randomBytes(20).toString('base64url').replaceAll(/[-_]/g, 'x');

/**
 * Everything secret about a cluster, kept beside the inventory in `.hapg/<cluster>/` (mode 0600, or encrypted for age
 * recipients). It is made once, and later only extended.
 */
export class SecretStore {
  private constructor(
    private readonly cluster: Cluster,
    /** Shared by the stores of all models of the cluster. */
    private readonly copy: StoreCopy,
    /** Secrets that the inventory's command has fetched, kept in memory only. */
    private readonly fetched = new Map<string, Secret>(),
  ) {}

  private get stored(): Stored {
    return this.copy.stored;
  }

  /** Reads the store; undefined when there is none. Throws Refused when it cannot be read. */
  static async read(cluster: Cluster): Promise<SecretStore | undefined> {
    const copy = await StoreCopy.read(cluster);
    return copy && new SecretStore(cluster, copy);
  }

  /** Returns the same secrets for a changed model of the same cluster. */
  through(cluster: Cluster): SecretStore {
    return new SecretStore(cluster, this.copy, this.fetched);
  }

  /** Makes a store with new passwords and authorities, not yet written. */
  static async create(cluster: Cluster): Promise<SecretStore> {
    const stored: Stored = {
      uuid: randomUUID(),
      generation: 0,
      inventory: '',
      passwords: noNames(),
      users: noNames(),
      authorities: {},
    };
    const store = new SecretStore(cluster, StoreCopy.of(stored));
    await store.fill();
    return store;
  }

  /** Warnings about the store's files: a plain one beside an encrypted one, one that others can read. */
  get warnings(): readonly string[] {
    return this.copy.warnings;
  }

  /** Adds what the model needs and the store lacks (a new user, a new authority). Throws Refused for what an operator has to bring. */
  async complete(): Promise<void> {
    await this.fetch(externalSecrets(this.cluster));
    const missing = externalSecrets(this.cluster).filter((name) => !this.externalSecret(name).reveal());
    if (missing.length > 0)
      throw new Refused(
        `the secret store has no ${missing.join(', ')}; bring ${missing.length === 1 ? 'it' : 'them'} with ${missing.map((name) => `"hapg secrets set ${name}"`).join(', ')}`,
        'secret_missing',
      );
    await this.fill();
  }

  /**
   * Takes over the passwords of the upstream's accounts, which a standby cluster shares, whenever they change there.
   * They stay when the upstream's store is lost. Throws Refused when there never was one.
   */
  private async adopt(upstream: Cluster): Promise<void> {
    const theirs = await SecretStore.read(upstream);
    if (!theirs) {
      if (this.stored.source !== undefined) return;
      throw new Refused(
        `${fromHere(upstream.stateDir)} has no secret store, and ${this.cluster.name} needs the accounts of ${upstream.name}: apply ${fromHere(upstream.file)} first, or bring the directory here`,
        'store_missing',
      );
    }
    const take = (mine: Record<string, string>, given: Record<string, string>, names: readonly string[]) => {
      for (const name of names)
        if (given[name] !== undefined && mine[name] !== given[name]) {
          mine[name] = given[name];
          this.copy.touch();
        }
    };
    take(this.stored.passwords, theirs.stored.passwords, ACCOUNTS);
    take(
      this.stored.users,
      theirs.stored.users,
      madeUsers(this.cluster.settings.postgres).map((user) => user.name),
    );
    const own = ownPasswords(this.cluster.settings.postgres);
    if (own.length > 0) take((this.stored.given ??= noNames()), theirs.stored.given ?? {}, own);
    const trusted = theirs.trusted('postgres');
    if (this.stored.source === trusted) return;
    this.stored.source = trusted;
    this.copy.touch();
  }

  private async fill(): Promise<void> {
    const { stored } = this;
    if (this.cluster.upstream) await this.adopt(this.cluster.upstream);
    const want = madeUsers(this.cluster.settings.postgres).map((user) => user.name);
    for (const name of SYSTEM_PASSWORDS) stored.passwords[name] ??= this.made();
    for (const name of want) stored.users[name] ??= this.made();
    for (const name of authoritiesOf(this.cluster)) {
      if (stored.authorities[name]) continue;
      const authority = await createAuthority(this.cluster.name, name);
      stored.authorities[name] = { certificate: authority.certificate, key: authority.key.reveal() };
      this.copy.touch();
    }
    const digest = inventoryDigest(this.cluster.settings);
    if (stored.inventory !== digest) {
      stored.inventory = digest;
      stored.generation += 1;
      this.copy.touch();
    }
  }

  private made(): string {
    this.copy.touch();
    return newPassword();
  }

  /** Checks, before any host is asked, that the store could be read again after a write. Throws Refused. */
  confirmSavable(): Promise<void> {
    return this.copy.confirmSavable(this.cluster);
  }

  /**
   * Writes the store if it was changed, or is not in the form that the inventory wants; atomically, readable only by
   * its owner. Throws Refused when somebody else has changed the file since it was read; then nothing is written.
   */
  save(): Promise<void> {
    return this.copy.save(this.cluster);
  }

  /** Runs `work` as the only writer on this machine; it may save several times. Throws KnownError (exit 3). */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.copy.exclusively(this.cluster, work);
  }

  /** Checks that the files are as this run has read or written them. Throws Refused, naming who changed them. */
  confirmUnchanged(): Promise<void> {
    return this.copy.confirmUnchanged(this.cluster);
  }

  password(name: SystemPassword): Secret {
    return new Secret(this.present(this.stored.passwords[name], `password ${name}`));
  }

  /** Fetches secrets of others by the inventory's command, as far as it has one; each once. Throws Refused. */
  async fetch(names: readonly string[]): Promise<void> {
    if (this.cluster.settings.secrets.command === undefined) return;
    const missing = givenSecrets(this.cluster).filter(({ name }) => names.includes(name) && !this.fetched.has(name));
    for (const [name, value] of await fetchSecrets(this.cluster, missing)) this.fetched.set(name, value);
  }

  /** Returns a secret that an operator has brought, or that was fetched; `complete` has checked that it exists. */
  externalSecret(name: string): Secret {
    return this.fetched.get(name) ?? new Secret(this.stored.given?.[name] ?? '');
  }

  /** Stores a secret that an operator brings. */
  async setExternalSecret(name: string, value: Secret): Promise<void> {
    const given = (this.stored.given ??= noNames());
    if (given[name] !== value.reveal()) this.copy.touch();
    given[name] = value.reveal();
    await this.save();
  }

  private get shownNote(): string {
    return join(this.cluster.stateDir, 'secrets.shown');
  }

  /** Whether anybody has ever viewed the secrets; otherwise they exist only on this machine. */
  get shown(): boolean {
    return this.stored.shown === true || existsSync(this.shownNote);
  }

  /** Notes that somebody has viewed the secrets, in a file of its own, since a read-only command changes no store. */
  noteShown(): void {
    if (this.shown) return;
    try {
      writeFileSync(this.shownNote, '', { mode: 0o600 });
    } catch {
      // Without the note the operator is reminded once more.
    }
  }

  userPassword(name: string): Secret {
    const user = loginUsers(this.cluster.settings.postgres).find((one) => one.name === name);
    if (!user || !hasOwnPassword(user))
      return new Secret(this.present(this.stored.users[name], `password of user ${name}`));
    const own = ownPasswordName(name);
    const value = this.externalSecret(own);
    if (value.reveal()) return value;
    throw new Refused(`the secret store has no ${own}; bring it with "hapg secrets set ${own}"`, 'secret_missing');
  }

  /** Returns a value that `complete` makes, and that a run without it lacks. */
  private present<T>(value: T | undefined, what: string): T {
    if (value !== undefined) return value;
    throw new Refused(
      `the secret store of ${this.cluster.name} has no ${what} yet: "hapg apply" makes it`,
      'secret_missing',
    );
  }

  /** Makes and stores new passwords beside the present ones; an unfinished rotation keeps its own. */
  async stageRotation(system: readonly SystemPassword[], users: readonly string[]): Promise<void> {
    const next = (this.stored.next ??= { passwords: noNames(), users: noNames() });
    for (const name of system) next.passwords[name] ??= this.made();
    for (const name of users) next.users[name] ??= this.made();
    await this.save();
  }

  /** Puts the staged system passwords into use. */
  async promoteSystem(): Promise<void> {
    const { next, passwords } = this.stored;
    if (!next) return;
    Object.assign(passwords, next.passwords);
    next.passwords = noNames();
    await this.settle();
  }

  /** Returns the users with a staged password. */
  stagedUsers(): { name: string; password: Secret }[] {
    return Object.entries(this.stored.next?.users ?? {}).map(([name, value]) => ({
      name,
      password: new Secret(value),
    }));
  }

  /** Puts a user's staged password into use. */
  async promoteUser(name: string): Promise<void> {
    const { next, users } = this.stored;
    if (!next?.users[name]) return;
    users[name] = next.users[name];
    delete next.users[name];
    await this.settle();
  }

  private async settle(): Promise<void> {
    const { next } = this.stored;
    if (next && Object.keys({ ...next.passwords, ...next.users }).length === 0) delete this.stored.next;
    this.copy.touch();
    await this.save();
  }

  private storedAuthority(name: AuthorityName): StoredAuthority {
    return this.present(this.stored.authorities[name], `authority ${name}`);
  }

  /**
   * Returns the phase of an authority's rotation: a new one is trusted (`next`), or an old one still is (`previous`);
   * undefined without a rotation.
   */
  authorityPhase(name: AuthorityName): 'next' | 'previous' | undefined {
    const { next, previous } = this.storedAuthority(name);
    return next ? 'next' : previous ? 'previous' : undefined;
  }

  /** Advances an authority's rotation: a new one is made, then it signs, then the old one is removed. Stored before any host gets it. */
  async advanceAuthority(name: AuthorityName): Promise<void> {
    const one = this.storedAuthority(name);
    if (one.next) {
      this.stored.authorities[name] = { ...one.next, previous: one.certificate };
    } else if (one.previous) {
      delete one.previous;
    } else {
      const authority = await createAuthority(this.cluster.name, name);
      one.next = { certificate: authority.certificate, key: authority.key.reveal() };
    }
    this.copy.touch();
    await this.save();
  }

  /** Returns the certificates that a host trusts for an authority (PEM): both during a rotation. */
  trusted(name: AuthorityName): string {
    const { certificate, next, previous } = this.storedAuthority(name);
    return [certificate, next?.certificate, previous].filter((pem) => pem !== undefined).join('');
  }

  /** Returns the upstream's certificates, which members of a standby cluster trust too (PEM); empty in an independent cluster. */
  upstreamTrusted(): string {
    return this.cluster.upstream ? (this.stored.source ?? '') : '';
  }

  /** Returns the identity with every fingerprint that a host may report now. */
  known(): KnownIdentity {
    return {
      ...this.identity(),
      lineage: this.stored.lineage ?? [],
      accepted: Object.fromEntries(
        this.authorities().map((name) => {
          const { next, previous } = this.storedAuthority(name);
          return [
            name,
            [next?.certificate, previous].filter((pem) => pem !== undefined).map((pem) => authorityFingerprint(pem)),
          ];
        }),
      ),
    };
  }

  /** Returns the existing authorities, some perhaps of a former DCS. */
  private authorities(): AuthorityName[] {
    return AUTHORITIES.filter((name) => this.stored.authorities[name]);
  }

  authority(name: AuthorityName): Authority {
    const { certificate, key } = this.storedAuthority(name);
    return { name, certificate, key: new Secret(key) };
  }

  /** Returns what is the same on all hosts of their identity. */
  identity(): Identity {
    const dcs = dcsName(this.cluster);
    const { revision, lineage } = this.stored;
    return {
      ...(dcs === 'etcd' ? {} : { dcs }),
      cluster: this.cluster.name,
      uuid: this.stored.uuid,
      generation: this.stored.generation,
      ...(revision === undefined ? {} : { revision, ...(lineage?.length ? { revision_id: lineage.at(-1)! } : {}) }),
      authorities: Object.fromEntries(
        this.authorities().map((name) => [name, authorityFingerprint(this.storedAuthority(name).certificate)]),
      ),
    };
  }

  /** Returns every value that must never be shown. */
  all(): Secret[] {
    const { passwords, users, next, given } = this.stored;
    return [passwords, users, given, next?.passwords, next?.users]
      .flatMap((some) => Object.values(some ?? {}))
      .map((value) => new Secret(value))
      .concat([...this.fetched.values()]);
  }
}
